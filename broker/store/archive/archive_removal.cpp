// What leaves the archive: first out of sight, in one transaction, then its rows, a few at a time.
#include <algorithm>
#include <array>
#include <string>

#include "broker/store/archive/archive_file.h"

namespace framebus::broker {
namespace {

constexpr std::int64_t rows_at_once = 2'000;
constexpr std::int64_t pieces_at_once = 50;  // a megabyte or so
constexpr const char* give_pages_back = "PRAGMA incremental_vacuum(2000)";

struct KeyedTable {
  const char* name;
  const char* key;
  std::int64_t rows_at_once;
};

// Every table with rows of a version, see schema.cpp.
constexpr std::array tables = {
    KeyedTable{"pieces", "first_task", pieces_at_once},
    KeyedTable{"task_rows", "task", rows_at_once},
    KeyedTable{"attempt_rows", "task, epoch, number", rows_at_once},
    KeyedTable{"error_rows", "task, position", rows_at_once},
    KeyedTable{"result_rows", "task, position", rows_at_once},
    KeyedTable{"worker_rows", "worker, outcome", rows_at_once},
    KeyedTable{"input_rows", "step, position", rows_at_once},
    KeyedTable{"step_rows", "step", rows_at_once},
};

std::string delete_some(const KeyedTable& table) {
  const std::string name = table.name;
  const std::string key = table.key;
  return "DELETE FROM " + name + " WHERE (version, " + key + ") IN (SELECT version, " + key +
         " FROM " + name + " WHERE version = ? LIMIT " + std::to_string(table.rows_at_once) + ")";
}

}  // namespace

Result<std::vector<JobId>> ArchiveFile::remove_old(std::int64_t ended_before_ms,
                                                   std::uint64_t bytes_max, std::size_t jobs_max,
                                                   std::span<const JobId> except) {
  std::uint64_t excess = 0;
  if (bytes_max > 0) {
    FRAMEBUS_ASSIGN(const std::uint64_t bytes, live_bytes());
    // What is being deleted will go by itself.
    FRAMEBUS_ASSIGN(const std::int64_t going,
                    database_.number("SELECT total(bytes) FROM versions WHERE stage = 2"));
    const std::uint64_t staying = bytes - std::min(bytes, static_cast<std::uint64_t>(going));
    excess = staying - std::min(staying, bytes_max);
  }
  FRAMEBUS_ASSIGN(auto transaction, sqlite::Transaction::begin(database_));
  std::vector<JobId> removed;
  {
    FRAMEBUS_ASSIGN(auto select, database_.prepare("SELECT version, job, bytes, ended_ms FROM "
                                                   "versions WHERE stage = 1 ORDER BY ended_ms"));
    std::vector<std::int64_t> versions;
    while (removed.size() < jobs_max) {
      FRAMEBUS_ASSIGN(const bool found, select.step());
      if (!found || (select.integer_at(3) >= ended_before_ms && excess == 0)) break;
      const JobId job{select.id_at(1)};
      if (std::ranges::find(except, job) != except.end()) continue;
      excess -= std::min(excess, select.id_at(2));
      versions.push_back(select.integer_at(0));
      removed.push_back(job);
    }
    FRAMEBUS_ASSIGN(auto hide,
                    database_.prepare("UPDATE versions SET stage = 2 WHERE version = ?"));
    for (const std::int64_t version : versions) FRAMEBUS_TRY(hide.integer(version).run());
  }
  if (removed.empty()) return removed;
  FRAMEBUS_TRY(transaction.commit());
  return removed;
}

Result<bool> ArchiveFile::clean() {
  FRAMEBUS_ASSIGN(const std::int64_t version,
                  database_.number("SELECT version FROM versions WHERE stage = 2 LIMIT 1"));
  if (version != 0) {
    FRAMEBUS_ASSIGN(auto transaction, sqlite::Transaction::begin(database_));
    FRAMEBUS_ASSIGN(const std::int64_t deleted, delete_rows(version));
    if (deleted == 0) {
      FRAMEBUS_ASSIGN(auto last, database_.prepare("DELETE FROM versions WHERE version = ?"));
      FRAMEBUS_TRY(last.integer(version).run());
    }
    FRAMEBUS_TRY(transaction.commit());
    return true;
  }
  FRAMEBUS_ASSIGN(const std::int64_t free_before, database_.number("PRAGMA freelist_count"));
  if (free_before == 0) return false;
  FRAMEBUS_TRY(database_.execute(give_pages_back));
  FRAMEBUS_ASSIGN(const std::int64_t free_after, database_.number("PRAGMA freelist_count"));
  return free_after > 0 && free_after < free_before;
}

// From the first table that has any; how many rows went.
Result<std::int64_t> ArchiveFile::delete_rows(std::int64_t version) {
  for (const KeyedTable& table : tables) {
    FRAMEBUS_ASSIGN(auto statement, database_.prepare(delete_some(table)));
    FRAMEBUS_TRY(statement.integer(version).run());
    if (const std::int64_t rows = database_.rows_changed(); rows > 0) return rows;
  }
  return 0;
}

Result<std::uint64_t> ArchiveFile::live_bytes() {
  FRAMEBUS_ASSIGN(const std::int64_t pages, database_.number("PRAGMA page_count"));
  FRAMEBUS_ASSIGN(const std::int64_t unused, database_.number("PRAGMA freelist_count"));
  FRAMEBUS_ASSIGN(const std::int64_t page_bytes, database_.number("PRAGMA page_size"));
  return static_cast<std::uint64_t>((pages - unused) * page_bytes);
}

}  // namespace framebus::broker
