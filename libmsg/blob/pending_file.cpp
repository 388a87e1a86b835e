// See pending_file.h.
#include "libmsg/blob/pending_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace framebus {
namespace {

// Writeback of a growing file is started this often, so that the sync at its end is short.
constexpr std::uint64_t writeback_bytes = 32ull * 1024 * 1024;

}  // namespace

std::filesystem::path blob_path(const std::filesystem::path& store_directory,
                                const BlobHash& hash) {
  const std::string name = to_string(hash);
  return store_directory / name.substr(0, 2) / name;
}

PendingFile::PendingFile(std::filesystem::path store_directory, std::filesystem::path path,
                         FileDescriptor file)
    : store_directory_(std::move(store_directory)),
      path_(std::move(path)),
      file_(std::move(file)) {}

Result<PendingFile> PendingFile::create(const std::filesystem::path& store_directory) {
  static std::atomic<std::uint64_t> next_number{1};
  for (;;) {
    const std::filesystem::path path =
        store_directory / "tmp" /
        (std::to_string(::getpid()) + "-" + std::to_string(next_number++));
    const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST) continue;  // of an earlier process with our number
    if (fd < 0) return fail(errno_error(errno, "create", path));
    FileDescriptor file(fd);
    if (::flock(fd, LOCK_EX | LOCK_NB) != 0) return fail(errno_error(errno, "lock", path));
    return PendingFile(store_directory, path, std::move(file));
  }
}

PendingFile::~PendingFile() {
  if (file_.is_open()) ::unlink(path_.c_str());
}

Status PendingFile::write(std::uint64_t offset, BytesView bytes) {
  FRAMEBUS_TRY(write_at(file_.get(), offset, bytes, path_));
  const std::uint64_t end = offset + bytes.size();
  if (end >= unsent_begin_ + writeback_bytes) {
    // A hint: its failure changes nothing, fsync decides.
    (void)::sync_file_range(file_.get(), static_cast<off64_t>(unsent_begin_),
                            static_cast<off64_t>(end - unsent_begin_), SYNC_FILE_RANGE_WRITE);
    unsent_begin_ = end;
  }
  return {};
}

Result<std::size_t> PendingFile::read(std::uint64_t offset, std::span<std::uint8_t> into) const {
  return read_at(file_.get(), offset, into, path_);
}

Status PendingFile::publish(const BlobHash& hash, BlobNames& names, bool sync) {
  const std::filesystem::path target = blob_path(store_directory_, hash);
  if (sync) FRAMEBUS_TRY(sync_file(file_.get(), path_));
  FRAMEBUS_ASSIGN(const bool is_new, make_directory(target.parent_path()));
  {
    const std::lock_guard lock(names.mutex);
    if (::rename(path_.c_str(), target.c_str()) != 0)
      return fail(errno_error(errno, "rename to", target));
    if (sync) names.unsynced.insert(hash);
  }
  file_.reset();
  if (!sync) return {};
  // After an error the name stays among the unsynced: whoever asks for it has to put it again.
  FRAMEBUS_TRY(sync_directory(target.parent_path()));
  if (is_new) FRAMEBUS_TRY(sync_directory(store_directory_));
  const std::lock_guard lock(names.mutex);
  names.unsynced.erase(hash);
  return {};
}

void remove_abandoned_files(const std::filesystem::path& store_directory) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(store_directory / "tmp", ignored)) {
    auto file = open_file(entry.path(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    if (file && ::flock(file->get(), LOCK_EX | LOCK_NB) == 0) ::unlink(entry.path().c_str());
  }
}

}  // namespace framebus
