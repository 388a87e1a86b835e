// Reading from the archive: whole jobs, lists, which blobs are named; and exporting one job.
#include <algorithm>
#include <limits>

#include "broker/store/archive/archive_file.h"
#include "broker/store/archive/compression.h"
#include "libmsg/base/limits.h"
#include "libmsg/codec/codec.h"

namespace framebus::broker {
namespace {

// No journal has as many records; so a damaged file can not use the numbers up.
constexpr std::int64_t record_max = std::int64_t{1} << 62;
constexpr std::size_t page_bytes_max = 4 * limits::MiB;
constexpr std::uint32_t page_jobs_max = 10'000;

Result<JobImage> read_piece(BytesView frame, JobId job) {
  FRAMEBUS_ASSIGN(const Bytes image, decompress(frame, archive_piece_bytes_max));
  auto piece = decode_struct<JobImage>(image);
  if (!piece || piece->job != job) {
    return fail(Code::data_loss,
                "archive: a piece of job " + to_string(job) + " is damaged: " +
                    (piece ? "it is of job " + to_string(piece->job) : piece.error().message));
  }
  return piece;
}

}  // namespace

Result<std::vector<JobImage>> ArchiveFile::load(JobId job) {
  FRAMEBUS_ASSIGN(auto select,
                  database_.prepare("SELECT image FROM versions JOIN pieces USING(version) "
                                    "WHERE job = ? AND stage = 1 ORDER BY first_task"));
  select.id(job.value);
  std::vector<JobImage> pieces;
  std::uint32_t next_task = 0;
  for (;;) {
    FRAMEBUS_ASSIGN(const bool found, select.step());
    if (!found) break;
    FRAMEBUS_ASSIGN(JobImage piece, read_piece(select.blob_at(0), job));
    if (piece.first_task != next_task) break;
    next_task = end_of(piece);
    pieces.push_back(std::move(piece));
    if (pieces.back().last) return pieces;
  }
  if (pieces.empty()) {
    return fail(Code::not_found, "job " + to_string(job) + " is not in the archive");
  }
  return fail(Code::data_loss, "archive: job " + to_string(job) + " is there up to task " +
                                   std::to_string(next_task) + " of " +
                                   std::to_string(pieces[0].task_count) + " only");
}

Result<ArchivedPage> ArchiveFile::list(std::uint32_t offset, std::uint32_t limit,
                                       std::int64_t now_ms) {
  ArchivedPage page;
  FRAMEBUS_ASSIGN(const std::int64_t total,
                  database_.number("SELECT count(*) FROM versions WHERE stage = 1"));
  page.total = static_cast<std::uint32_t>(std::min<std::int64_t>(total, UINT32_MAX));
  FRAMEBUS_ASSIGN(auto select,
                  database_.prepare("SELECT summary, accepted_ms FROM versions WHERE stage = 1 "
                                    "ORDER BY job DESC LIMIT ? OFFSET ?"));
  limit = limit == 0 ? page_jobs_max : std::min(limit, page_jobs_max);
  select.integer(limit).integer(offset);
  std::size_t bytes = 0;
  for (;;) {
    FRAMEBUS_ASSIGN(const bool found, select.step());
    if (!found) break;
    const BytesView summary = select.blob_at(0);
    bytes += summary.size() + 32;
    if (bytes > page_bytes_max && !page.jobs.empty()) break;
    auto job = decode_struct<JobSummary>(summary);
    if (!job) return fail(Code::data_loss, "archive: a job is damaged: " + job.error().message);
    job->age_ms = std::max<std::int64_t>(0, now_ms - select.integer_at(1));
    page.jobs.push_back(std::move(*job));
  }
  const std::uint64_t next = std::uint64_t{offset} + page.jobs.size();
  if (!page.jobs.empty() && next < page.total) {
    page.next_offset = static_cast<std::uint32_t>(next);
  }
  return page;
}

// Rows of every version count, also of those that are coming or being deleted: keeping a blob a
// little longer costs space, removing it too early costs a job.
Result<std::vector<BlobHash>> ArchiveFile::unnamed(std::span<const BlobHash> blobs) {
  FRAMEBUS_ASSIGN(auto select,
                  database_.prepare("SELECT EXISTS(SELECT 1 FROM input_rows "
                                    "WHERE substr(hash, 1, 8) = substr(?1, 1, 8) AND hash = ?1) OR "
                                    "EXISTS(SELECT 1 FROM result_rows "
                                    "WHERE substr(hash, 1, 8) = substr(?1, 1, 8) AND hash = ?1 "
                                    "AND kind = 'blob')"));
  std::vector<BlobHash> out;
  for (const BlobHash& hash : blobs) {
    FRAMEBUS_ASSIGN(const bool answered, select.blob(hash.bytes).step());
    if (!answered) return fail(Code::internal, "archive: a question about a blob has no answer");
    if (select.integer_at(0) == 0) out.push_back(hash);
    select.reset();
  }
  return out;
}

Result<ArchiveStats> ArchiveFile::stats() {
  ArchiveStats out;
  FRAMEBUS_ASSIGN(const std::int64_t jobs,
                  database_.number("SELECT count(*) FROM versions WHERE stage = 1"));
  out.jobs = static_cast<std::uint64_t>(jobs);
  FRAMEBUS_ASSIGN(out.bytes, live_bytes());
  return out;
}

// Asked at the start, which an error refuses: so it is told like one of open(), and what the
// write-ahead log holds stays there.
Result<ArchiveHighest> ArchiveFile::highest() {
  auto found = read_highest();
  if (found) return found;
  database_.keep_log_when_closed(true);
  return fail(with_remedy(found.error(), file_));
}

Result<ArchiveHighest> ArchiveFile::read_highest() {
  FRAMEBUS_ASSIGN(const std::int64_t job, database_.number("SELECT max(job) FROM versions"));
  FRAMEBUS_ASSIGN(const std::int64_t record,
                  database_.number("SELECT value FROM numbers WHERE name = 'last_record'"));
  if (record < 0 || record > record_max) {
    return fail(Code::data_loss, "archive: its last record has the number " +
                                     std::to_string(record) + ", which no journal has reached");
  }
  return ArchiveHighest{JobId{static_cast<std::uint64_t>(job)}, static_cast<std::uint64_t>(record)};
}

Status export_job(JobArchive& from, JobId job, const std::filesystem::path& file) {
  std::error_code error;
  if (std::filesystem::exists(std::filesystem::symlink_status(file, error))) {
    return fail(Code::already_exists,
                file.string() + " is there already; name a file that does not exist");
  }
  FRAMEBUS_ASSIGN(const std::vector<JobImage> pieces, from.load(job));
  constexpr std::uint32_t all = std::numeric_limits<std::uint32_t>::max();
  FRAMEBUS_ASSIGN(const auto into, JobArchive::open(file, {all, all}));
  for (const JobImage& piece : pieces) FRAMEBUS_TRY(into->put(piece));
  return {};
}

}  // namespace framebus::broker
