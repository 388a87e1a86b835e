// What sockets need from the process: a wakeup, the clock, and room for descriptors.
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "libmsg/base/check.h"
#include "libmsg/transport/transport.h"

namespace framebus {

Wakeup::Wakeup() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  FRAMEBUS_CHECK(fd_ >= 0,
                 "no descriptor is left for a wakeup; raise the limit of open files (ulimit -n)");
}

Wakeup::~Wakeup() {
  ::close(fd_);
}

void Wakeup::notify() noexcept {
  const int saved = errno;  // may run inside a signal handler
  const std::uint64_t one = 1;
  // A full counter (EAGAIN) is readable already, which is all that is wanted.
  [[maybe_unused]] const auto written = ::write(fd_, &one, sizeof one);
  errno = saved;
}

void Wakeup::drain() noexcept {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto bytes_read = ::read(fd_, &count, sizeof count);
}

TimePoint now_monotonic() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return TimePoint(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

Result<std::uint64_t> descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return fail(Code::unavailable,
                std::string("read the limit of open files: ") + std::strerror(errno));
  }
  return static_cast<std::uint64_t>(limit.rlim_cur);
}

Result<std::uint64_t> raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return fail(Code::unavailable,
                std::string("read the limit of open files: ") + std::strerror(errno));
  }
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
      return fail(Code::unavailable, "raise the limit of open files to " +
                                         std::to_string(limit.rlim_max) + ": " +
                                         std::strerror(errno));
    }
  }
  return static_cast<std::uint64_t>(limit.rlim_cur);
}

}  // namespace framebus
