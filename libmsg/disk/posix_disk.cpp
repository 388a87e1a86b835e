// The Disk of disk.h on the file system: pread, pwrite, fdatasync, fallocate, flock, and nothing
// clever.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <mutex>
#include <system_error>
#include <thread>

#include "libmsg/disk/disk.h"

namespace framebus {
namespace {

using Path = std::filesystem::path;

constexpr std::size_t syncs_at_once = 16;

// A burst of connections may hold every descriptor until the broker has turned the surplus away. A
// journal that could not be written for that moment would end the broker: so opening waits.
constexpr Duration descriptor_patience = seconds(5);
constexpr Duration descriptor_retry = milliseconds(2);

int open_patiently(const Path& path, int flags) {
  const auto deadline = std::chrono::steady_clock::now() + descriptor_patience;
  for (;;) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EMFILE && errno != ENFILE)) return fd;
    const int error = errno;
    if (std::chrono::steady_clock::now() >= deadline) {
      errno = error;
      return fd;
    }
    std::this_thread::sleep_for(descriptor_retry);
  }
}

Code code_of(int errno_value) {
  switch (errno_value) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return Code::resource_exhausted;
    case EWOULDBLOCK:
    case EMFILE:
    case ENFILE:
      return Code::unavailable;
    case ENOENT:
      return Code::not_found;
    case EACCES:
    case EPERM:
    case EROFS:
      return Code::permission_denied;
    case EEXIST:
      return Code::already_exists;
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
      return Code::invalid_argument;
    default:
      return Code::internal;
  }
}

tl::unexpected<Error> failed(int errno_value, const char* operation, const Path& path) {
  return fail(code_of(errno_value), std::string(operation) + " " + path.string() + ": " +
                                        std::generic_category().message(errno_value));
}

class PosixFile final : public DiskFile {
 public:
  PosixFile(int fd, Path path) : fd_(fd), path_(std::move(path)) {}
  ~PosixFile() override { ::close(fd_); }
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;

  Status write(std::uint64_t offset, BytesView bytes) override {
    while (!bytes.empty()) {
      const ssize_t written = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (written < 0) {
        if (errno == EINTR) continue;
        return failed(errno, "write", path_);
      }
      bytes = bytes.subspan(static_cast<std::size_t>(written));
      offset += static_cast<std::uint64_t>(written);
    }
    return {};
  }

  Result<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> into) const override {
    std::size_t filled = 0;
    while (filled < into.size()) {
      const ssize_t got = ::pread(fd_, into.data() + filled, into.size() - filled,
                                  static_cast<off_t>(offset + filled));
      if (got < 0) {
        if (errno == EINTR) continue;
        return failed(errno, "read", path_);
      }
      if (got == 0) break;
      filled += static_cast<std::size_t>(got);
    }
    return filled;
  }

  Result<std::uint64_t> size() const override {
    struct stat found {};
    if (::fstat(fd_, &found) != 0) return failed(errno, "stat", path_);
    return static_cast<std::uint64_t>(found.st_size);
  }

  Status allocate(std::uint64_t bytes) override {
    FRAMEBUS_ASSIGN(const std::uint64_t now, size());
    if (now >= bytes) return {};
    // From 0: a file that was truncated may have holes before its end.
    int result = 0;
    do {
      result = ::fallocate(fd_, 0, 0, static_cast<off_t>(bytes)) == 0 ? 0 : errno;
    } while (result == EINTR);
    // A file system without reservations: the length at least, the space is found when written.
    if (result == EOPNOTSUPP) {
      result = ::ftruncate(fd_, static_cast<off_t>(bytes)) == 0 ? 0 : errno;
    }
    if (result == 0) return {};
    // What a failed reservation added is given back; the length stays as it was.
    (void)!::ftruncate(fd_, static_cast<off_t>(now));
    return failed(result, "reserve space for", path_);
  }

  Status truncate(std::uint64_t bytes) override {
    while (::ftruncate(fd_, static_cast<off_t>(bytes)) != 0) {
      if (errno != EINTR) return failed(errno, "truncate", path_);
    }
    return {};
  }

  Status sync() override {
    if (::fdatasync(fd_) != 0) return failed(errno, "fdatasync", path_);
    return {};
  }

  void begin_writeback(std::uint64_t offset, std::uint64_t bytes) override {
    // Its failure changes nothing, the sync decides.
    (void)::sync_file_range(fd_, static_cast<off64_t>(offset), static_cast<off64_t>(bytes),
                            SYNC_FILE_RANGE_WRITE);
  }

  Status touch(FileTime which) override {
    const std::array<timespec, 2> times = {
        timespec{0, UTIME_NOW}, timespec{0, which == FileTime::used ? UTIME_OMIT : UTIME_NOW}};
    if (::futimens(fd_, times.data()) != 0) return failed(errno, "touch", path_);
    return {};
  }

 private:
  int fd_;
  Path path_;
};

int flags_of(OpenFor purpose) {
  switch (purpose) {
    case OpenFor::read:
      return O_RDONLY;
    case OpenFor::write:
      return O_RDWR;
    case OpenFor::create:
    case OpenFor::create_held:
      return O_RDWR | O_CREAT | O_EXCL;
    case OpenFor::hold:
      // Whatever lies there must not make the program wait, or lead it elsewhere.
      return O_RDONLY | O_NONBLOCK | O_NOFOLLOW;
  }
  return O_RDONLY;
}

class PosixDisk final : public Disk {
 public:
  Result<std::unique_ptr<DiskFile>> open(const Path& path, OpenFor purpose) override {
    const int flags = flags_of(purpose);
    // Who reads can ask again, and may be the broker's loop, which alone turns the surplus away.
    const int fd = purpose == OpenFor::read ? ::open(path.c_str(), flags | O_CLOEXEC)
                                            : open_patiently(path, flags);
    if (fd < 0) return failed(errno, (flags & O_CREAT) != 0 ? "create" : "open", path);
    auto file = std::make_unique<PosixFile>(fd, path);
    const bool is_held = purpose == OpenFor::create_held || purpose == OpenFor::hold;
    if (is_held && ::flock(fd, LOCK_EX | LOCK_NB) != 0) return failed(errno, "lock", path);
    return file;
  }

  Status rename(const Path& from, const Path& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return failed(errno, "rename to", to);
    return {};
  }

  Status remove(const Path& path) override {
    if (::unlink(path.c_str()) != 0) return failed(errno, "remove", path);
    return {};
  }

  Status sync_directory(const Path& path) override {
    const int fd = open_patiently(path, O_RDONLY | O_DIRECTORY);
    if (fd < 0) return failed(errno, "open", path);
    const int error = ::fsync(fd) == 0 ? 0 : errno;
    ::close(fd);
    if (error == EINVAL || error == EOPNOTSUPP) {
      return fail(Code::failed_precondition,
                  "fsync " + path.string() + ": its file system does not sync directories");
    }
    if (error != 0) return failed(error, "fsync", path);
    return {};
  }

  Status sync_directories(std::span<const Path> paths) override {
    std::atomic<std::size_t> next{0};
    std::mutex mutex;
    Status first;
    const auto sync_some = [&] {
      for (std::size_t at = next++; at < paths.size(); at = next++) {
        Status synced = sync_directory(paths[at]);
        const std::lock_guard lock(mutex);
        if (!synced && first) first = std::move(synced);
      }
    };
    std::vector<std::jthread> others;
    for (std::size_t i = 1; i < std::min(paths.size(), syncs_at_once); ++i)
      others.emplace_back(sync_some);
    sync_some();
    others.clear();  // joins
    return first;
  }

  Result<bool> make_directory(const Path& path) override {
    if (::mkdir(path.c_str(), 0700) == 0) return true;
    const int error = errno;
    struct stat found {};
    if (error == EEXIST && ::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode))
      return false;
    return failed(error == EEXIST ? ENOTDIR : error, "make directory", path);
  }

  Result<std::vector<std::string>> list(const Path& directory) const override {
    std::error_code error;
    std::vector<std::string> names;
    std::filesystem::directory_iterator entry(directory, error);
    const std::filesystem::directory_iterator end;
    for (; !error && entry != end; entry.increment(error)) {
      std::error_code unreadable;
      if (entry->is_regular_file(unreadable)) names.push_back(entry->path().filename().string());
    }
    if (error) return failed(error.value(), "list", directory);
    std::sort(names.begin(), names.end());
    return names;
  }

  Result<FileFacts> facts(const Path& path) const override {
    struct stat found {};
    if (::stat(path.c_str(), &found) != 0) return failed(errno, "stat", path);
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    const auto since = [&now](const timespec& then) {
      return seconds(now.tv_sec - then.tv_sec) + nanoseconds(now.tv_nsec - then.tv_nsec);
    };
    return FileFacts{S_ISREG(found.st_mode), static_cast<std::uint64_t>(found.st_size),
                     since(found.st_mtim), since(found.st_atim), std::uint64_t{found.st_dev}};
  }

  Result<std::uint64_t> free_bytes(const Path& path) const override {
    struct statvfs found {};
    if (::statvfs(path.c_str(), &found) != 0) return failed(errno, "statvfs", path);
    return std::uint64_t{found.f_bavail} * found.f_frsize;
  }
};

}  // namespace

std::unique_ptr<Disk> make_posix_disk() {
  return std::make_unique<PosixDisk>();
}

}  // namespace framebus
