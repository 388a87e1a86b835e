// A log that nobody reads: lines are dropped and counted, the program goes on.
#include "libmsg/base/log_stream.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

using namespace framebus;

namespace {

std::string gap(std::uint64_t lines) {
  return "gap of " + std::to_string(lines) + "\n";
}

struct Ends {
  std::array<int, 2> fd{-1, -1};
  ~Ends() {
    for (const int each : fd)
      if (each >= 0) ::close(each);
  }
  int reader() const { return fd[0]; }
  int writer() const { return fd[1]; }
};

// Everything that waits to be read; the reader must not block.
std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t got = 0; (got = ::read(fd, buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(got));
  return text;
}

std::uint64_t lines_in(const std::string& text, const std::string& line) {
  std::uint64_t count = 0;
  for (std::size_t at = 0; (at = text.find(line, at)) != std::string::npos; at += line.size())
    ++count;
  return count;
}

// What the gaps told of add up to. (A short notice may fit where a line did not.)
std::uint64_t lines_missing_in(const std::string& text) {
  const std::string words = "gap of ";
  std::uint64_t sum = 0;
  for (std::size_t at = 0; (at = text.find(words, at)) != std::string::npos; at += words.size())
    sum += std::stoull(text.substr(at + words.size(), 20));
  return sum;
}

// Writes far more than fits, reads, writes one line more: every line is there or counted in the
// gap.
void check_that_nothing_waits(const Ends& ends) {
  REQUIRE(::fcntl(ends.reader(), F_SETFL, O_NONBLOCK) == 0);
  LogStream stream(ends.writer());
  const std::string line = std::string(1000, 'x') + "\n";
  constexpr std::uint64_t written = 5000;
  for (std::uint64_t i = 0; i < written; ++i) stream.write_line(line, gap);
  const std::uint64_t dropped = stream.dropped_lines();
  CHECK(dropped > 0);
  CHECK(dropped < written);
  std::string text = read_all(ends.reader());
  stream.write_line("last\n", gap);
  text += read_all(ends.reader());
  CHECK(lines_in(text, line) == written - dropped);
  CHECK(text.ends_with("\nlast\n"));
  CHECK(lines_missing_in(text) == dropped);
  CHECK(stream.dropped_lines() == dropped);
}

}  // namespace

TEST_CASE("log stream: a full pipe costs lines, never time, and the gap is told") {
  Ends ends;
  REQUIRE(::pipe2(ends.fd.data(), O_CLOEXEC) == 0);
  check_that_nothing_waits(ends);
  // The other users of the pipe still wait, as they chose to.
  CHECK((::fcntl(ends.writer(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("log stream: a full socket costs lines, never time, and the gap is told") {
  Ends ends;
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.fd.data()) == 0);
  check_that_nothing_waits(ends);
}

TEST_CASE("log stream: a plain file gets every line behind what is in it") {
  char path[] = "/tmp/framebus-log-stream-XXXXXX";
  Ends ends;
  ends.fd[1] = ::mkstemp(path);
  REQUIRE(ends.writer() >= 0);
  ends.fd[0] = ::open(path, O_RDONLY | O_CLOEXEC);
  ::unlink(path);
  REQUIRE(::write(ends.writer(), "before\n", 7) == 7);
  LogStream stream(ends.writer());
  stream.write_line("one\n", gap);
  stream.write_line("two\n", gap);
  CHECK(read_all(ends.reader()) == "before\none\ntwo\n");
  CHECK(stream.dropped_lines() == 0);
}

TEST_CASE("log stream: a reader that has gone is no reason to stop") {
  Ends ends;
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.fd.data()) == 0);
  ::close(ends.fd[0]);
  ends.fd[0] = -1;
  LogStream stream(ends.writer());
  for (int i = 0; i < 10; ++i) stream.write_line("nobody reads this\n", gap);
  CHECK(stream.dropped_lines() == 0);  // nobody is there to miss them
}
