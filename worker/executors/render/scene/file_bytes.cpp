// read_file_bytes over open, fstat and read: a FIFO or a device must not hang a worker.
#include "worker/executors/render/scene/file_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace framebus::render {

namespace {

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

tl::unexpected<Error> system_failure(const std::string& name, int error) {
  return fail(Code::invalid_argument,
              "cannot read " + name + ": " + std::system_category().message(error));
}

}  // namespace

Result<Bytes> read_file_bytes(const std::filesystem::path& path, const std::string& name,
                              std::uint64_t bytes_max) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.fd < 0) return system_failure(name, errno);
  struct stat status {};
  if (::fstat(file.fd, &status) != 0) return system_failure(name, errno);
  if (!S_ISREG(status.st_mode))
    return fail(Code::invalid_argument, "cannot read " + name + ": it is not a regular file");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > bytes_max)
    return fail(Code::invalid_argument, "cannot read " + name + ": it has " + std::to_string(size) +
                                            " bytes; at most " + std::to_string(bytes_max) +
                                            " are allowed");
  Bytes bytes(size);
  std::size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t got = ::read(file.fd, bytes.data() + at, bytes.size() - at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_failure(name, errno);
    if (got == 0) break;
    at += static_cast<std::size_t>(got);
  }
  bytes.resize(at);
  return bytes;
}

}  // namespace framebus::render
