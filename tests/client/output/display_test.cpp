// What ProgressDisplay writes, byte by byte, into a pipe that plays terminal or file.
#include <doctest/doctest.h>
#include <unistd.h>

#include <string>

#include "client/output/progress_display.h"
#include "client/output/terminal.h"

using namespace framebus;
using namespace framebus::client;

namespace {

struct Pipe {
  int ends[2];
  Pipe() { REQUIRE(pipe(ends) == 0); }
  ~Pipe() {
    close(ends[0]);
    close(ends[1]);
  }
  // A mark ends what has been written so far, so that reading never blocks.
  std::string written() {
    REQUIRE(::write(ends[1], "$", 1) == 1);
    std::string out;
    for (char c; ::read(ends[0], &c, 1) == 1 && c != '$';) out += c;
    return out;
  }
};

TimePoint at_ms(int ms) {
  return TimePoint{} + milliseconds(ms);
}

ProgressSnapshot tenths(int n) {
  ProgressSnapshot s;
  s.job = 3;
  s.total = 10;
  s.succeeded = static_cast<std::uint32_t>(n);
  s.fraction = n / 10.0;
  s.elapsed = seconds(5);
  return s;
}

}  // namespace

TEST_CASE(
    "display: on a terminal one line is redrawn in a single write, at most ten times a second") {
  Pipe pipe;
  const Terminal terminal{true, false, true, 40};
  {
    ProgressDisplay display(pipe.ends[1], [&] { return terminal; });
    display.update(at_ms(0), tenths(1));
    CHECK(pipe.written() == "\r" + progress_line(tenths(1), terminal) + "\x1b[K");
    display.update(at_ms(50), tenths(2));
    CHECK(pipe.written() == "");
    display.update(at_ms(150), tenths(1));
    CHECK(pipe.written() == "");
    display.update(at_ms(300), tenths(2));
    CHECK(pipe.written() == "\r" + progress_line(tenths(2), terminal) + "\x1b[K");
    display.say("wrote a.png");
    CHECK(pipe.written() == "\r\x1b[Kwrote a.png\n" + progress_line(tenths(2), terminal));
  }
  CHECK(pipe.written() == "\r\x1b[K");
}

TEST_CASE(
    "display: elsewhere plain lines, at tenths of the job but at most one a second, and after 30 "
    "s") {
  Pipe pipe;
  ProgressDisplay display(pipe.ends[1], [] { return Terminal{}; });
  display.update(at_ms(0), tenths(0));
  CHECK(pipe.written() == "job 3: 0% (0 of 10 tasks)\n");
  display.update(at_ms(500), tenths(1));
  CHECK(pipe.written() == "");
  display.update(at_ms(1000), tenths(1));
  CHECK(pipe.written() == "job 3: 10% (1 of 10 tasks)\n");
  display.update(at_ms(20'000), tenths(1));
  CHECK(pipe.written() == "");
  display.update(at_ms(31'000), tenths(1));
  CHECK(pipe.written() == "job 3: 10% (1 of 10 tasks)\n");
  display.clear();
  CHECK(pipe.written() == "");
}

TEST_CASE("display: a job that is over within a second says nothing in a log") {
  Pipe pipe;
  ProgressDisplay display(pipe.ends[1], [] { return Terminal{}; });
  ProgressSnapshot young = tenths(5);
  young.elapsed = milliseconds(900);
  display.update(at_ms(900), young);
  CHECK(pipe.written() == "");
}

TEST_CASE("terminal: a pipe is none, NO_COLOR, TERM and the locale are heard") {
  Pipe pipe;
  const char* none[] = {nullptr};
  CHECK_FALSE(terminal_of(pipe.ends[1], none).is_terminal);
  CHECK(terminal_of(pipe.ends[1], none).columns == 0);
  CHECK(terminal_of(pipe.ends[1], none).has_unicode);
  const char* posix[] = {"LANG=C", nullptr};
  CHECK_FALSE(terminal_of(pipe.ends[1], posix).has_unicode);
  const char* utf8[] = {"LANG=C", "LC_ALL=en_GB.UTF-8", nullptr};
  CHECK(terminal_of(pipe.ends[1], utf8).has_unicode);
  const char* dumb[] = {"TERM=dumb", nullptr};
  CHECK_FALSE(terminal_of(pipe.ends[1], dumb).has_unicode);
}
