// See log_store.h.
#include "broker/shell/log_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>

namespace framebus::broker {
namespace {

constexpr std::uint64_t block_bytes = 4096;
constexpr std::uint64_t tail_segments =
    8;                                    // of the tail half: what goes at once is an eighth of it
constexpr std::size_t segments_max = 64;  // of an attempt, whatever gaps it makes
constexpr int files_removed_at_once = 256;
constexpr std::size_t mark_bytes_max = 256;  // of the file that says what was dropped

std::uint64_t in_blocks(std::uint64_t bytes) {
  return (bytes + block_bytes - 1) / block_bytes * block_bytes;
}

// All of `text` is a number.
std::optional<std::uint64_t> number_in(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::uint64_t file_bytes(const std::filesystem::path& path) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0 || !S_ISREG(found.st_mode)) return 0;
  return static_cast<std::uint64_t>(found.st_size);
}

std::uint64_t bytes_below(const std::filesystem::path& directory) {
  std::uint64_t bytes = 0;
  std::error_code error;
  for (std::filesystem::recursive_directory_iterator entry(directory, error), end;
       !error && entry != end; entry.increment(error)) {
    bytes += in_blocks(file_bytes(entry->path()));
  }
  return bytes;
}

std::optional<std::uint64_t> free_on_disk(const std::filesystem::path& directory) {
  struct statvfs found {};
  if (::statvfs(directory.c_str(), &found) != 0) return std::nullopt;
  return static_cast<std::uint64_t>(found.f_bavail) * found.f_frsize;
}

}  // namespace

LogStore::LogStore(LogStoreOptions options) : options_(std::move(options)) {
  if (!options_.free_bytes)
    options_.free_bytes = [directory = options_.directory] { return free_on_disk(directory); };
}

Result<LogStore> LogStore::open(LogStoreOptions options) {
  FRAMEBUS_TRY(make_directory(options.directory));
  return LogStore(std::move(options));
}

void LogStore::add_up() {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(options_.directory, error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (const auto job = number_in(name)) {
      account(JobId{*job}, 0, bytes_below(entry->path()));
    } else if (name.ends_with(".gone")) {
      gone_.push_back(entry->path());
      const std::size_t dot = name.find('.');
      const auto number = number_in(std::string_view(name).substr(dot + 1, name.size() - dot - 6));
      next_gone_ = std::max(next_gone_, number.value_or(0) + 1);
    }
  }
}

// ---- names --------------------------------------------------------------------------------------

std::filesystem::path LogStore::job_path(JobId job) const {
  return options_.directory / to_string(job);
}

std::filesystem::path LogStore::parts_path(const LogName& name) const {
  return job_path(name.task.job) /
         (std::to_string(name.task.index) + "." + std::to_string(name.epoch) + "-" +
          std::to_string(name.grant) + ".parts");
}

std::filesystem::path LogStore::segment_path(const LogName& name, std::uint64_t begin) const {
  std::filesystem::path parts = parts_path(name);
  if (begin == 0) return parts.replace_extension(".log");
  return parts / (std::to_string(begin) + ".log");
}

// ---- what is open -------------------------------------------------------------------------------

std::vector<LogStore::Segment> LogStore::segments_on_disk(const LogName& name) const {
  std::vector<Segment> segments;
  if (const std::uint64_t bytes = file_bytes(segment_path(name, 0))) segments.push_back({0, bytes});
  std::error_code error;
  for (std::filesystem::directory_iterator entry(parts_path(name), error), end;
       !error && entry != end; entry.increment(error)) {
    const auto begin = number_in(entry->path().stem().string());
    if (!begin || *begin == 0 || entry->path().extension() != ".log") continue;
    if (const std::uint64_t bytes = file_bytes(entry->path())) segments.push_back({*begin, bytes});
  }
  std::ranges::sort(segments, {}, &Segment::begin);
  return segments;
}

LogStore::OpenLog& LogStore::find(const LogName& name) {
  if (const auto known = by_name_.find(name); known != by_name_.end()) {
    open_.splice(open_.begin(), open_, known->second);
    return open_.front();
  }
  if (open_.size() >= std::max<std::size_t>(options_.open_files_max, 1)) {
    by_name_.erase(open_.back().name);
    open_.pop_back();
  }
  open_.push_front({name, segments_on_disk(name), {}, dropped_end_on_disk(name)});
  by_name_[name] = open_.begin();
  return open_.front();
}

void LogStore::forget(const LogName& name) {
  const auto known = by_name_.find(name);
  if (known == by_name_.end()) return;
  open_.erase(known->second);
  by_name_.erase(known);
}

// ---- appending ----------------------------------------------------------------------------------

Status LogStore::append(const LogName& name, std::uint64_t offset, BytesView bytes) {
  // The end of the highest offset: what nobody could have written, and the arithmetic below can not
  // take.
  if (offset > INT64_MAX - limits::wire_message_bytes_max) {
    ++counters_.dropped_chunks;
    return fail(Code::invalid_argument, "a log ends before offset " + std::to_string(offset));
  }
  if (const Status room = make_room(name.task.job); !room) {
    ++counters_.dropped_chunks;
    return room;
  }
  if (const Status reserve = keep_reserve(name, offset, bytes); !reserve) return reserve;
  OpenLog& log = find(name);
  const std::uint64_t end = log.segments.empty() ? 0 : log.segments.back().end();
  if (offset < end) {
    const std::uint64_t known = std::min<std::uint64_t>(end - offset, bytes.size());
    bytes = bytes.subspan(known);
    offset += known;
  }
  while (!bytes.empty()) {
    std::uint64_t room = room_at(log, offset);
    if (room == 0) {
      // Where the head ends, or a segment is full, or after a gap.
      const Status begun = begin_segment(log, offset);
      room = begun ? room_at(log, offset) : 0;
      if (!begun) {
        forget(name);
        ++counters_.dropped_chunks;
        return begun;
      }
    }
    const std::size_t some = std::min<std::uint64_t>(room, bytes.size());
    if (const Status written = append_some(log, offset, bytes.first(some)); !written) {
      forget(name);  // what is on the disk will be looked up again
      ++counters_.dropped_chunks;
      return written;
    }
    bytes = bytes.subspan(some);
    offset += some;
  }
  give_up_middle(log);
  return {};
}

// How much the last segment takes at `offset`; 0 when another one has to begin there.
std::uint64_t LogStore::room_at(const OpenLog& log, std::uint64_t offset) const {
  if (log.segments.empty()) return 0;
  const Segment& last = log.segments.back();
  if (last.end() != offset) return 0;
  if (last.begin < half()) return half() - std::min(half(), offset);
  const std::uint64_t most = std::max<std::uint64_t>(half() / tail_segments, 1);
  return most - std::min(most, last.bytes);
}

Status LogStore::begin_segment(OpenLog& log, std::uint64_t offset) {
  log.file.reset();
  FRAMEBUS_TRY(make_directory(job_path(log.name.task.job)));
  if (offset > 0) FRAMEBUS_TRY(make_directory(parts_path(log.name)));
  const auto path = segment_path(log.name, offset);
  FRAMEBUS_ASSIGN(log.file, open_file(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW));
  log.segments.push_back({offset, 0});
  return {};
}

Status LogStore::append_some(OpenLog& log, std::uint64_t offset, BytesView bytes) {
  Segment& last = log.segments.back();
  const auto path = segment_path(log.name, last.begin);
  if (!log.file.is_open()) {
    FRAMEBUS_ASSIGN(log.file, open_file(path, O_WRONLY | O_NOFOLLOW));
  }
  FRAMEBUS_TRY(write_at(log.file.get(), offset - last.begin, bytes, path));
  account(log.name.task.job, last.bytes, last.bytes + bytes.size());
  last.bytes += bytes.size();
  counters_.appended_bytes += bytes.size();
  return {};
}

void LogStore::give_up_middle(OpenLog& log) {
  const auto is_tail = [this](const Segment& each) { return each.begin >= half(); };
  for (;;) {
    const auto first_tail = std::ranges::find_if(log.segments, is_tail);
    std::uint64_t tail_bytes = 0;
    for (auto each = first_tail; each != log.segments.end(); ++each) tail_bytes += each->bytes;
    const auto index = static_cast<std::size_t>(first_tail - log.segments.begin());
    if (tail_bytes > half() && index + 1 < log.segments.size()) {
      remove_segment(log, index);
    } else if (log.segments.size() > segments_max) {
      remove_segment(log, 1);
    } else {
      return;
    }
  }
}

void LogStore::remove_segment(OpenLog& log, std::size_t index) {
  const Segment segment = log.segments[index];
  ::unlink(segment_path(log.name, segment.begin).c_str());
  account(log.name.task.job, segment.bytes, 0);
  log.segments.erase(log.segments.begin() + static_cast<std::ptrdiff_t>(index));
}

// ---- the disk's reserve -------------------------------------------------------------------------

Status LogStore::keep_reserve(const LogName& name, std::uint64_t offset, BytesView bytes) {
  if (options_.kept_free_bytes == 0) return {};
  const std::optional<std::uint64_t> free_bytes = options_.free_bytes();
  const std::uint64_t wanted = options_.kept_free_bytes + bytes.size();
  if (!free_bytes || *free_bytes >= wanted) return {};
  ++counters_.dropped_chunks;
  counters_.dropped_for_reserve_bytes += bytes.size();
  mark_dropped(find(name), offset + bytes.size());
  return fail(Code::resource_exhausted,
              std::to_string(*free_bytes) + " bytes are free in " + options_.directory.string() +
                  ", " + std::to_string(options_.kept_free_bytes) +
                  " are kept for results (disk-reserve): logs are dropped");
}

// In memory at once; on the disk as well as it goes, over what it said before, so that a restart
// still knows. It is one small file for an attempt: the reserve can bear that.
void LogStore::mark_dropped(OpenLog& log, std::uint64_t end) {
  if (end <= log.dropped_end) return;
  const bool is_first = log.dropped_end == 0;
  log.dropped_end = end;
  const std::filesystem::path parts = parts_path(log.name);
  if (is_first && !(make_directory(job_path(log.name.task.job)) && make_directory(parts))) return;
  const std::filesystem::path path = parts / "dropped";
  const auto file = open_file(path, O_WRONLY | O_CREAT | O_NOFOLLOW);
  if (!file) return;
  // Only ever longer: the number grows.
  const std::string text =
      std::to_string(end) + " bytes were written; the last of them were dropped: disk-reserve\n";
  if (write_at(file->get(), 0, bytes_of(text), path) && is_first)
    account(log.name.task.job, 0, text.size());
}

std::uint64_t LogStore::dropped_end_on_disk(const LogName& name) const {
  const auto text = read_small_file(parts_path(name) / "dropped", mark_bytes_max);
  if (!text) return 0;
  const std::string_view all = text_of(*text);
  return number_in(all.substr(0, all.find(' '))).value_or(0);
}

// ---- reading ------------------------------------------------------------------------------------

Result<LogStore::Piece> LogStore::read(const LogName& name, std::uint64_t offset,
                                       std::size_t bytes_max) {
  const OpenLog& log = find(name);
  Piece piece{offset, {}, log.size()};
  for (const Segment& segment : log.segments) {
    if (segment.end() <= offset) continue;
    piece.offset = std::max(offset, segment.begin);
    const auto path = segment_path(name, segment.begin);
    FRAMEBUS_ASSIGN(const FileDescriptor file, open_file(path, O_RDONLY | O_NOFOLLOW));
    piece.bytes.resize(std::min<std::uint64_t>(bytes_max, segment.end() - piece.offset));
    FRAMEBUS_ASSIGN(const std::size_t got,
                    read_at(file.get(), piece.offset - segment.begin, piece.bytes, path));
    piece.bytes.resize(got);
    return piece;
  }
  piece.offset = std::max(offset, log.dropped_end);
  return piece;
}

// ---- bounds -------------------------------------------------------------------------------------

void LogStore::account(JobId job, std::uint64_t bytes_before, std::uint64_t bytes_after) {
  const std::uint64_t before = in_blocks(bytes_before);
  const std::uint64_t after = in_blocks(bytes_after);
  if (before == after) return;
  std::uint64_t& bytes = bytes_of_job_[job];
  bytes = bytes + after - before;
  counters_.bytes = counters_.bytes + after - before;
}

Status LogStore::make_room(JobId writing) {
  while (counters_.bytes >= options_.bytes_max && !bytes_of_job_.empty()) {
    const JobId oldest = bytes_of_job_.begin()->first;
    if (oldest == writing) break;
    FRAMEBUS_TRY(remove(oldest));
    ++counters_.jobs_removed;
  }
  if (counters_.bytes < options_.bytes_max) return {};
  return fail(Code::resource_exhausted,
              "logs take " + std::to_string(counters_.bytes) + " bytes, at most " +
                  std::to_string(options_.bytes_max) + " are allowed, and no older job has any");
}

Status LogStore::remove(JobId job) {
  const auto is_of_job = [job](const OpenLog& log) { return log.name.task.job == job; };
  for (const OpenLog& log : open_) {
    if (is_of_job(log)) by_name_.erase(log.name);
  }
  open_.remove_if(is_of_job);
  if (const auto known = bytes_of_job_.find(job); known != bytes_of_job_.end()) {
    counters_.bytes -= known->second;
    bytes_of_job_.erase(known);
  }
  const auto path = job_path(job);
  const auto gone =
      options_.directory / (to_string(job) + "." + std::to_string(next_gone_++) + ".gone");
  if (::rename(path.c_str(), gone.c_str()) != 0) {
    if (errno == ENOENT) return {};
    return fail(errno_error(errno, "remove", path));
  }
  gone_.push_back(gone);
  return {};
}

bool LogStore::clean() {
  if (gone_.empty()) return false;
  int removed = 0;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(gone_.back(), error), end; !error && entry != end;
       entry.increment(error)) {
    if (++removed > files_removed_at_once) return true;
    std::error_code ignored;
    std::filesystem::remove_all(entry->path(), ignored);  // a file, or at most 64 in .parts
  }
  ::rmdir(gone_.back().c_str());
  gone_.pop_back();
  return !gone_.empty();
}

}  // namespace framebus::broker
