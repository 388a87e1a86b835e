// ConnectionWatch with invented descriptors, counts and time.
#include "libmsg/transport/connection_watch.h"

#include <doctest/doctest.h>

#include <map>

#include "libmsg/base/limits.h"

using namespace framebus;

namespace {

constexpr std::uint64_t MiB = limits::MiB;

struct Kernel {
  std::map<int, std::uint64_t> taken;
  std::vector<ConnectionWatch::Finding> step(ConnectionWatch& watch, TimePoint now,
                                             bool is_drained = true) {
    watch.look(now, [this](int fd) -> std::optional<std::uint64_t> {
      const auto found = taken.find(fd);
      if (found == taken.end()) return std::nullopt;
      return found->second;
    });
    return watch.judge(now, is_drained);
  }
};

TimePoint at(std::int64_t ms) {
  return TimePoint{} + milliseconds(ms);
}

TEST_CASE("connection watch: a message that never ends is found, one of the largest size is not") {
  ConnectionWatch watch;
  Kernel kernel;
  watch.on_accepted(7, at(0));
  watch.on_read(7, 100, at(0));
  kernel.taken[7] = limits::wire_message_bytes_max + 4096;
  CHECK(kernel.step(watch, at(300)).empty());
  kernel.taken[7] = 20 * MiB;
  const auto found = kernel.step(watch, at(600));
  REQUIRE(found.size() == 1);
  CHECK(found[0].fd == 7);
  CHECK(found[0].verdict == ConnectionWatch::Verdict::endless_message);
  CHECK(kernel.step(watch, at(900)).empty());  // told once
}

TEST_CASE("connection watch: what is read settles what was taken, libzmq's own commands too") {
  ConnectionWatch watch;
  Kernel kernel;
  watch.on_accepted(7, at(0));
  for (int i = 1; i <= 100; ++i) {
    kernel.taken[7] += 10 * MiB;  // nearly all of it in commands
    CHECK(kernel.step(watch, at(300 * i)).empty());
    watch.on_read(7, 10, at(300 * i + 1));
  }
}

TEST_CASE("connection watch: a backlog of whole messages is not an endless one") {
  ConnectionWatch watch;
  Kernel kernel;
  watch.on_accepted(7, at(0));
  watch.on_read(7, 100, at(0));
  kernel.taken[7] = 200 * MiB;
  CHECK(kernel.step(watch, at(300), false).empty());
  kernel.taken[7] = 600 * MiB;
  CHECK(kernel.step(watch, at(600), false).size() == 1);
}

TEST_CASE("connection watch: who says nothing is found after 15 seconds") {
  ConnectionWatch watch;
  Kernel kernel;
  kernel.taken = {{7, 0}, {8, 90}, {9, 100}};
  for (const int fd : {7, 8, 9}) watch.on_accepted(fd, at(0));
  watch.on_read(9, 40, at(5));
  CHECK(kernel.step(watch, at(14'000)).empty());
  const auto found = kernel.step(watch, at(16'000));
  REQUIRE(found.size() == 2);
  CHECK(found[0].verdict == ConnectionWatch::Verdict::silent);
  CHECK(kernel.step(watch, at(60'000)).empty());
  CHECK(watch.size() == 1);
}

TEST_CASE("connection watch: a look is judged when everything was read, however many calls later") {
  ConnectionWatch watch;
  Kernel kernel;
  kernel.taken = {{7, 90}, {8, 20 * MiB}, {9, 100}};
  for (const int fd : {7, 8, 9}) watch.on_accepted(fd, at(0));
  CHECK(kernel.step(watch, at(16'000), false).empty());
  for (int call = 0; call < 5; ++call) {
    watch.on_read(9, 40, at(16'001));
    CHECK(watch.judge(at(16'001), false).empty());
  }
  const auto found = watch.judge(at(16'002), true);
  REQUIRE(found.size() == 2);
  CHECK(found[0].fd == 7);
  CHECK(found[0].verdict == ConnectionWatch::Verdict::silent);
  CHECK(found[1].fd == 8);
  CHECK(found[1].verdict == ConnectionWatch::Verdict::endless_message);
  CHECK(watch.judge(at(16'003), true).empty());
}

TEST_CASE("connection watch: who says nothing is found also where messages wait all the time") {
  ConnectionWatch watch;
  Kernel kernel;
  kernel.taken = {{7, 90}, {9, 100}};
  for (const int fd : {7, 9}) watch.on_accepted(fd, at(0));
  std::size_t silent = 0;
  std::int64_t turn = 0;
  for (; turn < 1'000 && silent == 0; ++turn) {
    for (int message = 0; message < 256; ++message) watch.on_read(9, 40, at(300 * turn));
    for (const auto& each : kernel.step(watch, at(300 * turn), false)) {
      CHECK(each.fd == 7);
      CHECK(each.verdict == ConnectionWatch::Verdict::silent);
      ++silent;
    }
  }
  CHECK(silent == 1);
  CHECK(turn > 50);  // 15 seconds
  CHECK(turn < 500);
}

TEST_CASE("connection watch: a message may come before the news of its connection") {
  ConnectionWatch watch;
  Kernel kernel;
  kernel.taken[7] = 100;
  watch.on_read(7, 40, at(0));
  watch.on_accepted(7, at(1));
  CHECK(kernel.step(watch, at(60'000)).empty());
}

TEST_CASE("connection watch: what was never accepted is not judged and is forgotten") {
  ConnectionWatch watch;
  Kernel kernel;
  watch.on_read(7, 40, at(0));
  kernel.taken[7] = 900 * MiB;
  CHECK(kernel.step(watch, at(300)).empty());
  CHECK(kernel.step(watch, at(11'000)).empty());
  CHECK(watch.size() == 0);
  CHECK(watch.until_due(at(0)) < Duration::zero());
}

TEST_CASE("connection watch: what a peer has not acknowledged is bounded in bytes") {
  ConnectionWatch watch;
  std::uint64_t acknowledged = 0;
  const auto ask = [&](int) -> std::optional<std::uint64_t> { return acknowledged; };
  watch.on_accepted(7, at(0));
  std::size_t sent = 0;
  while (sent < 1'000 && watch.has_room(7, MiB, ask)) {
    watch.on_sent(7, MiB);
    ++sent;
  }
  CHECK(sent == 16);
  acknowledged = 10 * MiB;
  CHECK(watch.has_room(7, MiB, ask));
  acknowledged = 16 * MiB;
  CHECK(watch.has_room(7, 40 * MiB, ask));  // nothing is under way
  CHECK(watch.has_room(8, 40 * MiB, ask));  // not watched
}

TEST_CASE("connection watch: descriptors that are no TCP connections are left alone") {
  ConnectionWatch watch;
  Kernel kernel;
  watch.on_accepted(7, at(0));
  CHECK(kernel.step(watch, at(60'000)).empty());
  CHECK(watch.size() == 0);
}

}  // namespace
