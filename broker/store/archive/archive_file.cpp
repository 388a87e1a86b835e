// Opening an archive and putting jobs into it; see archive.h.
#include "broker/store/archive/archive_file.h"

#include <algorithm>
#include <array>
#include <string>

#include "broker/store/archive/compression.h"
#include "broker/store/archive/piece_rows.h"
#include "broker/store/archive/schema.h"
#include "libmsg/codec/codec.h"
#include "libmsg/schema/enum_names.h"

namespace framebus::broker {
namespace {

constexpr int busy_ms = 5'000;

// Order matters: the size of pages and the way to give them back are fixed with the first page.
// FULL: a commit returns when the write-ahead log is on the disk.
constexpr const char* settings =
    "PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; "
    "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864; PRAGMA cell_size_check = ON; "
    "PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 4000";

Status make_schema(sqlite::Database& database) {
  FRAMEBUS_ASSIGN(auto transaction, sqlite::Transaction::begin(database));
  // Again, now that nobody else can write: two may have found the file empty.
  FRAMEBUS_ASSIGN(const std::int64_t version, database.number("PRAGMA user_version"));
  if (version != 0) return {};
  FRAMEBUS_TRY(database.execute(archive_schema()));
  FRAMEBUS_TRY(database.execute(archive_schema_since_1()));
  const std::string pragma = "PRAGMA user_version = " + std::to_string(archive_schema_version);
  FRAMEBUS_TRY(database.execute(pragma.c_str()));
  return transaction.commit();
}

// Every piece of a job knows the job's last record. What can not be read comes back to nobody: jobs
// are asked for one by one, so that a damaged page hides only those that lie on it.
Result<std::uint64_t> last_record_of_1(sqlite::Database& database) {
  std::uint64_t last_record = 0;
  FRAMEBUS_ASSIGN(auto versions, database.prepare("SELECT version FROM versions"));
  FRAMEBUS_ASSIGN(
      auto select,
      database.prepare("SELECT image FROM pieces WHERE version = ? AND first_task = 0"));
  for (;;) {
    FRAMEBUS_ASSIGN(const bool is_one, versions.step());
    if (!is_one) return last_record;
    select.reset();
    const auto found = select.integer(versions.integer_at(0)).step();
    if (!found && found.error().code != Code::data_loss) return fail(found.error());
    if (!found || !*found) continue;
    const auto plain = decompress(select.blob_at(0), archive_piece_bytes_max);
    if (!plain) continue;
    const auto piece = decode_struct<JobImage>(*plain);
    if (piece) last_record = std::max(last_record, piece->last_lsn);
  }
}

Status upgrade_from_1(sqlite::Database& database) {
  // Before the transaction: SQLite writes nothing more in one that has met a damaged page. No other
  // broker can add jobs meanwhile, the directory is locked.
  FRAMEBUS_ASSIGN(const std::uint64_t last_record, last_record_of_1(database));
  FRAMEBUS_ASSIGN(auto transaction, sqlite::Transaction::begin(database));
  FRAMEBUS_ASSIGN(const std::int64_t version, database.number("PRAGMA user_version"));
  if (version != 1) return {};
  FRAMEBUS_TRY(database.execute(archive_schema_since_1()));
  FRAMEBUS_ASSIGN(auto update, database.prepare("UPDATE numbers SET value = ?"));
  FRAMEBUS_TRY(update.id(last_record).run());
  FRAMEBUS_TRY(database.execute("PRAGMA user_version = 2"));
  return transaction.commit();
}

// Only reads: a file that is refused here stays as it is. Returns its version, 0: it is empty.
Result<std::int64_t> check_version(sqlite::Database& database, const std::filesystem::path& file) {
  FRAMEBUS_ASSIGN(const std::int64_t version, database.number("PRAGMA user_version"));
  FRAMEBUS_ASSIGN(const std::int64_t things, database.number("SELECT count(*) FROM sqlite_schema"));
  if (version == archive_schema_version || version == 1) return version;
  if (version == 0 && things == 0) return version;
  if (version == 0) {
    return fail(Code::failed_precondition,
                "archive " + file.string() +
                    " is an SQLite database, but no archive of framebus; move it away. Nothing was "
                    "changed");
  }
  return fail(Code::failed_precondition,
              "archive " + file.string() + " has schema version " + std::to_string(version) +
                  ", this program reads versions 1 to " + std::to_string(archive_schema_version) +
                  "; run the program that wrote it, or move the file away. Nothing was changed");
}

// Whether a write-ahead log beside the file holds something: closing a connection would write it
// into the file.
bool has_log(const std::filesystem::path& file) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(file.string() + "-wal", error);
  return !error && bytes > 0;
}

Result<sqlite::Database> open_checked(const std::filesystem::path& file, const char* vfs) {
  const bool had_log = has_log(file);
  FRAMEBUS_ASSIGN(sqlite::Database database, sqlite::Database::open(file, busy_ms, vfs));
  if (had_log) database.keep_log_when_closed(true);
  FRAMEBUS_ASSIGN(const std::int64_t version, check_version(database, file));
  FRAMEBUS_TRY(database.execute(settings));
  if (version == 0) FRAMEBUS_TRY(make_schema(database));
  if (version == 1) FRAMEBUS_TRY(upgrade_from_1(database));
  database.keep_log_when_closed(false);  // not before it is taken: a refused file stays as it is
  return database;
}

Result<sqlite::Database> open_only_reading(const std::filesystem::path& file) {
  if (!std::filesystem::exists(file))
    return fail(Code::not_found, "there is no archive at " + file.string());
  FRAMEBUS_ASSIGN(sqlite::Database database, sqlite::Database::open(file, busy_ms));
  database.keep_log_when_closed(true);
  FRAMEBUS_TRY(database.only_read());
  FRAMEBUS_ASSIGN(const std::int64_t version, check_version(database, file));
  if (version == 0) return fail(Code::not_found, "the archive at " + file.string() + " is empty");
  return database;
}

std::int64_t count_of(const JobImage& piece, TaskState state) {
  std::int64_t sum = 0;
  for (const StateCount& each : piece.counts) sum += each.state == state ? each.count : 0;
  return sum;
}

JobSummary summarize(const JobImage& piece) {
  JobSummary out;
  out.id = piece.job;
  out.name = piece.spec.name;
  out.owner = piece.owner;
  out.state = piece.state;
  out.priority = piece.spec.priority;
  out.task_count = piece.task_count;
  out.counts = piece.counts;
  std::uint32_t first_task = 0;
  for (const StepSpec& step : piece.spec.steps) {
    out.steps.push_back({step.name, step.type, first_task, step.task_count});
    first_task += step.task_count;
  }
  if (piece.first_grant_at_ms != 0) {
    out.run_ms = std::max<std::int64_t>(0, piece.ended_at_ms - piece.first_grant_at_ms);
  }
  out.first_error = piece.first_error;
  return out;
}

}  // namespace

Error with_remedy(Error error, const std::filesystem::path& file) {
  const std::string name = file.string();
  if (error.message.find(name) == std::string::npos) error = error.context(name);
  if (error.code == Code::data_loss) {
    error.message += ". Nothing was changed. Restore it from a copy, or move " + name + ", " +
                     name + "-wal and " + name +
                     "-shm aside: a new archive is begun then (jobs that have not ended are in the "
                     "journal). What is readable `sqlite3` saves with .recover";
  } else if (error.code == Code::permission_denied) {
    error.message += "; it must be a file that can be read and written by this user";
  } else if (error.message.find(sqlite::held_by_another) != std::string::npos) {
    error.message += "; end the transaction that is open there, then try again";
  }
  return error;
}

std::uint32_t end_of(const JobImage& piece) {
  if (piece.tasks.empty()) return piece.first_task;
  const TaskImage& last = piece.tasks.back();
  return last.index + std::max(last.count, 1u);
}

Result<std::unique_ptr<JobArchive>> JobArchive::open(const std::filesystem::path& file,
                                                     const ArchiveRows& rows,
                                                     const ArchiveDoor& door) {
  auto database = open_checked(file, door.vfs);
  if (!database) return fail(with_remedy(database.error(), file));
  // SQLite syncs the names of its logs, but not that of the database itself.
  const auto file_system = make_posix_disk();
  Disk& disk = door.disk != nullptr ? *door.disk : *file_system;
  FRAMEBUS_TRY(disk.sync_directory(file.has_parent_path() ? file.parent_path() : "."));
  return std::make_unique<ArchiveFile>(std::move(*database), rows, file);
}

Result<std::unique_ptr<JobArchive>> JobArchive::open_to_read(const std::filesystem::path& file) {
  auto database = open_only_reading(file);
  if (!database) return fail(with_remedy(database.error(), file));
  return std::make_unique<ArchiveFile>(std::move(*database), ArchiveRows{}, file);
}

Status ArchiveFile::put(const JobImage& piece) {
  const Bytes plain = encode_struct(piece);
  // The journal forgets the job because of this: what could not be read back must not count.
  if (const auto read_back = decode_struct<JobImage>(plain); !read_back) {
    return fail(Code::internal, "archive: a piece of job " + to_string(piece.job) +
                                    " can not be read back: " + read_back.error().message);
  }
  const Bytes image = compress(plain);
  FRAMEBUS_ASSIGN(auto transaction, sqlite::Transaction::begin(database_));
  Incoming version;
  if (piece.first_task == 0) {
    FRAMEBUS_ASSIGN(version, begin_version(piece));
  } else {
    FRAMEBUS_ASSIGN(const bool is_stored, is_repeat(piece, image));
    if (is_stored) return {};
    FRAMEBUS_ASSIGN(const auto found, find_incoming(piece.job));
    if (!found || found->next_task != piece.first_task) {
      return fail(Code::failed_precondition,
                  "archive: a piece of job " + to_string(piece.job) + " begins at task " +
                      std::to_string(piece.first_task) + ", but the piece before ended at " +
                      (found ? std::to_string(found->next_task) : "none") +
                      "; begin again with the first");
    }
    version = *found;
  }
  FRAMEBUS_TRY(add_piece(version, piece, image));
  FRAMEBUS_TRY(note_record(piece.last_lsn));
  if (piece.last) {
    if (end_of(piece) != version.task_count) {
      return fail(Code::failed_precondition,
                  "archive: the last piece of job " + to_string(piece.job) + " ends at task " +
                      std::to_string(end_of(piece)) + " of " + std::to_string(version.task_count));
    }
    FRAMEBUS_TRY(publish(version, piece.job));
  }
  return transaction.commit();
}

Result<ArchiveFile::Incoming> ArchiveFile::begin_version(const JobImage& first) {
  FRAMEBUS_ASSIGN(auto drop,
                  database_.prepare("UPDATE versions SET stage = 2 WHERE job = ? AND stage = 0"));
  FRAMEBUS_TRY(drop.id(first.job.value).run());
  FRAMEBUS_ASSIGN(
      auto insert,
      database_.prepare(
          "INSERT INTO versions(job, stage, next_task, bytes, row_count, rows_left_out, name, "
          "owner, state, priority, submit_id, task_count, succeeded, failed, dead, cancelled, "
          "abandoned, expired, accepted_ms, started_ms, ended_ms, error_code, error, summary) "
          "VALUES(?, 0, 0, 0, 0, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
          "RETURNING version"));
  const std::string submit_id = to_string(first.submit_id);
  insert.id(first.job.value).text(first.spec.name).text(first.owner);
  insert.text(schema::enum_name(first.state)).integer(first.spec.priority).text(submit_id);
  insert.integer(first.task_count);
  constexpr std::array counted = {TaskState::succeeded, TaskState::failed,    TaskState::dead,
                                  TaskState::cancelled, TaskState::abandoned, TaskState::expired};
  for (const TaskState state : counted) insert.integer(count_of(first, state));
  insert.integer(first.accepted_at_ms);
  first.first_grant_at_ms == 0 ? insert.null() : insert.integer(first.first_grant_at_ms);
  insert.integer(first.ended_at_ms);
  if (first.first_error.code == 0) {
    insert.null().null();
  } else {
    insert.text(error_info(static_cast<Code>(first.first_error.code)).name);
    insert.text(first.first_error.message);
  }
  const Bytes summary = encode_struct(summarize(first));
  insert.blob(summary);
  FRAMEBUS_TRY(insert.step());
  Incoming version;
  version.version = insert.integer_at(0);
  version.task_count = first.task_count;
  FRAMEBUS_TRY(insert.run());
  FRAMEBUS_TRY(PieceRows::add_steps(database_, version.version, first.spec));
  return version;
}

Result<std::optional<ArchiveFile::Incoming>> ArchiveFile::find_incoming(JobId job) {
  FRAMEBUS_ASSIGN(auto select, database_.prepare(
                                   "SELECT version, next_task, row_count, task_count FROM versions "
                                   "WHERE job = ? AND stage = 0"));
  FRAMEBUS_ASSIGN(const bool found, select.id(job.value).step());
  if (!found) return std::nullopt;
  Incoming out;
  out.version = select.integer_at(0);
  out.next_task = static_cast<std::uint32_t>(select.integer_at(1));
  out.row_count = select.integer_at(2);
  out.task_count = static_cast<std::uint32_t>(select.integer_at(3));
  return out;
}

// The newest version of the job has this very piece: its commit was not seen. An older one may have
// an equal piece, too; that says nothing of the one that is coming.
Result<bool> ArchiveFile::is_repeat(const JobImage& piece, BytesView image) {
  FRAMEBUS_ASSIGN(auto select,
                  database_.prepare("SELECT image FROM pieces WHERE first_task = ?2 AND version = "
                                    "(SELECT max(version) FROM versions "
                                    "WHERE job = ?1 AND stage < 2)"));
  FRAMEBUS_ASSIGN(const bool found, select.id(piece.job.value).integer(piece.first_task).step());
  return found && std::ranges::equal(select.blob_at(0), image);
}

Status ArchiveFile::add_piece(const Incoming& version, const JobImage& piece, BytesView image) {
  FRAMEBUS_ASSIGN(auto insert, database_.prepare("INSERT INTO pieces VALUES(?, ?, ?)"));
  FRAMEBUS_TRY(insert.integer(version.version).integer(piece.first_task).blob(image).run());
  FRAMEBUS_ASSIGN(const Added added, add_rows(version, piece));
  // A guess of what a row takes, for choosing what `bytes_max` lets go.
  constexpr std::int64_t row_bytes = 200;
  FRAMEBUS_ASSIGN(auto update,
                  database_.prepare("UPDATE versions SET next_task = ?, bytes = bytes + ?, "
                                    "row_count = row_count + ?, rows_left_out = rows_left_out + ? "
                                    "WHERE version = ?"));
  update.integer(end_of(piece));
  update.integer(static_cast<std::int64_t>(image.size()) + added.rows * row_bytes);
  update.integer(added.rows).integer(added.tasks_left_out);
  return update.integer(version.version).run();
}

Result<ArchiveFile::Added> ArchiveFile::add_rows(const Incoming& version, const JobImage& piece) {
  FRAMEBUS_ASSIGN(auto first_tasks, first_tasks_of_steps(version.version));
  FRAMEBUS_ASSIGN(auto rows,
                  PieceRows::prepare(database_, version.version, std::move(first_tasks)));
  const bool whole = version.task_count <= rows_.whole_job_tasks_max;
  Added added;
  for (const TaskImage& task : piece.tasks) {
    const bool is_told =
        whole || (!is_plain(task) && version.row_count + added.rows < rows_.tasks_max);
    FRAMEBUS_TRY(rows.add(task, is_told));
    added.rows += is_told ? 1 : 0;
    added.tasks_left_out += is_told ? 0 : std::max(task.count, 1u);
  }
  FRAMEBUS_TRY(rows.finish());
  return added;
}

Result<std::vector<std::uint32_t>> ArchiveFile::first_tasks_of_steps(std::int64_t version) {
  FRAMEBUS_ASSIGN(auto select, database_.prepare("SELECT first_task FROM step_rows "
                                                 "WHERE version = ? ORDER BY step"));
  select.integer(version);
  std::vector<std::uint32_t> out;
  for (;;) {
    FRAMEBUS_ASSIGN(const bool found, select.step());
    if (!found) return out;
    out.push_back(static_cast<std::uint32_t>(select.integer_at(0)));
  }
}

Status ArchiveFile::note_record(std::uint64_t lsn) {
  FRAMEBUS_ASSIGN(auto update, database_.prepare("UPDATE numbers SET value = max(value, ?) "
                                                 "WHERE name = 'last_record'"));
  return update.id(lsn).run();
}

Status ArchiveFile::publish(const Incoming& version, JobId job) {
  FRAMEBUS_ASSIGN(auto drop,
                  database_.prepare("UPDATE versions SET stage = 2 WHERE job = ? AND stage = 1"));
  FRAMEBUS_TRY(drop.id(job.value).run());
  FRAMEBUS_ASSIGN(auto show, database_.prepare("UPDATE versions SET stage = 1 WHERE version = ?"));
  return show.integer(version.version).run();
}

}  // namespace framebus::broker
