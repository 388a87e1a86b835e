// See posix_file.h.
#include "libmsg/blob/posix_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "libmsg/disk/small_file.h"

namespace framebus {

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

int FileDescriptor::release() noexcept {
  const int fd = fd_;
  fd_ = -1;
  return fd;
}

void FileDescriptor::reset() noexcept {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

Error errno_error(int errno_value, const std::string& what, const std::filesystem::path& path) {
  Code code = Code::unavailable;
  switch (errno_value) {
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case EFBIG:
      code = Code::resource_exhausted;
      break;
    case ENOENT:
      code = Code::not_found;
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      code = Code::permission_denied;
      break;
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
      code = Code::invalid_argument;
      break;
    default:
      break;
  }
  return {code, what + " " + path.string() + ": " + std::generic_category().message(errno_value),
          0};
}

Result<FileDescriptor> open_file(const std::filesystem::path& path, int flags, unsigned mode) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, static_cast<mode_t>(mode));
  if (fd < 0) return fail(errno_error(errno, "open", path));
  return FileDescriptor(fd);
}

Status write_at(int fd, std::uint64_t offset, BytesView bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      return fail(errno_error(errno, "write", path));
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return {};
}

Result<std::size_t> read_at(int fd, std::uint64_t offset, std::span<std::uint8_t> into,
                            const std::filesystem::path& path) {
  std::size_t filled = 0;
  while (filled < into.size()) {
    const ssize_t got = ::pread(fd, into.data() + filled, into.size() - filled,
                                static_cast<off_t>(offset + filled));
    if (got < 0) {
      if (errno == EINTR) continue;
      return fail(errno_error(errno, "read", path));
    }
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  return filled;
}

Result<bool> make_directory(const std::filesystem::path& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return true;
  if (errno != EEXIST) return fail(errno_error(errno, "make directory", path));
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return fail(errno_error(errno, "stat", path));
  if (!S_ISDIR(found.st_mode)) return fail(errno_error(ENOTDIR, "make directory", path));
  return false;
}

Result<Bytes> read_small_file(const std::filesystem::path& path, std::size_t bytes_max) {
  return read_small_file(*make_posix_disk(), path, bytes_max);
}

Status replace_file(const std::filesystem::path& path, BytesView content) {
  return replace_file(*make_posix_disk(), path, content);
}

}  // namespace framebus
