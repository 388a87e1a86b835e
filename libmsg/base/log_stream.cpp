// See log_stream.h.
#include "libmsg/base/log_stream.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace framebus {

LogStream::LogStream(int fd) : fd_(fd) {
  struct stat found {};
  if (::fstat(fd, &found) != 0) return;
  if (S_ISSOCK(found.st_mode)) {
    way_ = Way::socket;
  } else if (S_ISFIFO(found.st_mode) || ::isatty(fd)) {
    // Another open file of the same pipe or terminal: O_NONBLOCK is then ours alone.
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    const int own = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own < 0) return;  // not ours to open (another user's pipe): write_some() asks poll() first
    fd_ = own;
    way_ = Way::opened_anew;
  }
}

LogStream::~LogStream() {
  if (way_ == Way::opened_anew) ::close(fd_);
}

std::size_t LogStream::write_some(std::string_view text) {
  if (way_ == Way::as_it_is) {
    pollfd ready{fd_, POLLOUT, 0};
    if (::poll(&ready, 1, 0) <= 0) return 0;
  }
  const ssize_t done = way_ == Way::socket
                           ? ::send(fd_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                           : ::write(fd_, text.data(), text.size());
  if (done >= 0) return static_cast<std::size_t>(done);
  // Nobody will ever read it: as good as written.
  return errno == EAGAIN || errno == EINTR ? 0 : text.size();
}

bool LogStream::put(std::string_view text) {
  const std::size_t done = write_some(text);
  if (done == 0) return false;
  rest_.assign(text.substr(done));
  return rest_.empty();
}

void LogStream::write_line(std::string_view line, Notice notice) {
  const auto drop = [this] {
    ++dropped_;
    ++untold_;
  };
  if (!rest_.empty()) {
    const std::string rest = rest_;
    if (!put(rest)) return drop();
  }
  if (untold_ > 0) {
    const std::uint64_t told = untold_;
    const bool whole = put(notice(told));
    if (whole || !rest_.empty()) untold_ = 0;
    if (!whole) return drop();
  }
  if (!put(line) && rest_.empty()) drop();
}

}  // namespace framebus
