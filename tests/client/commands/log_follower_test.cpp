// Reading a log to its end, on whole sequences of questions and answers.
#include "client/commands/log_follower.h"

#include <doctest/doctest.h>

using namespace framebus;
using namespace framebus::client;

namespace {

constexpr TaskRef task{JobId{3}, 17};

LogRead read(std::uint64_t epoch, std::uint64_t grant, std::uint64_t offset, bool follow) {
  LogRead out;
  out.task = task;
  out.epoch = epoch;
  out.grant = grant;
  out.offset = offset;
  out.follow = follow;
  return out;
}

LogData data(std::uint64_t grant, std::uint64_t offset, std::string_view text, std::uint64_t size,
             bool end) {
  LogData out;
  out.task = task;
  out.epoch = grant == 0 ? 0 : 1;
  out.grant = grant;
  out.offset = offset;
  out.bytes.assign(text.begin(), text.end());
  out.size = size;
  out.end = end;
  return out;
}

LogPiece piece(std::uint64_t grant, std::uint64_t offset, std::string_view text,
               std::uint64_t gap_bytes = 0) {
  LogPiece out;
  out.task = task;
  out.epoch = 1;
  out.grant = grant;
  out.offset = offset;
  out.gap_bytes = gap_bytes;
  out.bytes.assign(text.begin(), text.end());
  return out;
}

TaskSummary summary(TaskState state, std::vector<std::uint64_t> grants) {
  TaskSummary out;
  out.task = task;
  out.state = state;
  for (const std::uint64_t grant : grants) {
    AttemptSummary attempt;
    attempt.epoch = 1;
    attempt.grant = grant;
    out.attempts.push_back(attempt);
  }
  return out;
}

}  // namespace

TEST_CASE("log follower: without -f it reads what there is, piece by piece") {
  LogFollower log({task, false, 0, 0});
  CHECK(log.next_read() == read(0, 0, 0, false));
  CHECK(log.on_data(data(5, 0, "abc", 8, false)) == piece(5, 0, "abc"));
  CHECK(log.next_read() == read(1, 5, 3, false));
  CHECK(log.on_data(data(5, 3, "defgh", 8, false)) == piece(5, 3, "defgh"));
  CHECK(log.is_over());
  CHECK_FALSE(log.next_read());
}

TEST_CASE("log follower: a gap in the middle is told with the piece behind it") {
  LogFollower log({task, false, 0, 0});
  CHECK(log.on_data(data(5, 0, "head", 994, false)) == piece(5, 0, "head"));
  CHECK(log.on_data(data(5, 990, "tail", 994, true)) == piece(5, 990, "tail", 986));
  CHECK(log.is_over());
}

TEST_CASE("log follower: an end that was dropped is told as a gap, also while the attempt runs") {
  LogFollower log({task, false, 0, 0});
  CHECK(log.on_data(data(5, 0, "head", 994, false)) == piece(5, 0, "head"));
  CHECK(log.on_data(data(5, 994, "", 994, false)) == piece(5, 994, "", 990));
  CHECK(log.is_over());
}

TEST_CASE("log follower: a task that was never granted has no log") {
  LogFollower log({task, false, 0, 0});
  CHECK_FALSE(log.on_data(data(0, 0, "", 0, false)));
  CHECK(log.is_over());
  CHECK_FALSE(log.was_granted());
}

TEST_CASE("log follower: with -f it waits, goes on to the next attempt and ends with the task") {
  LogFollower log({task, true, 0, 0});
  CHECK_FALSE(log.on_data(data(0, 0, "", 0, false)));  // not granted yet
  CHECK(log.needs_task());
  log.on_task(summary(TaskState::queued, {}));
  CHECK(log.is_idle());
  log.on_task(summary(TaskState::running, {5}));
  CHECK(log.next_read() == read(1, 5, 0, true));
  CHECK(log.on_data(data(5, 0, "a", 1, false)) == piece(5, 0, "a"));
  CHECK_FALSE(log.on_data(data(5, 1, "", 1, false)));
  CHECK(log.is_idle());
  CHECK(log.next_read() == read(1, 5, 1, true));
  CHECK(log.on_data(data(5, 1, "b", 2, true)) == piece(5, 1, "b"));
  CHECK(log.needs_task());
  CHECK_FALSE(log.next_read());
  log.on_task(summary(TaskState::retry_wait, {5}));
  CHECK(log.needs_task());
  log.on_task(summary(TaskState::leased, {5, 6}));
  CHECK(log.next_read() == read(1, 6, 0, true));
  CHECK(log.on_data(data(6, 0, "c", 1, true)) == piece(6, 0, "c"));
  log.on_task(summary(TaskState::succeeded, {5, 6}));
  CHECK(log.is_over());
  CHECK(log.was_granted());
}

TEST_CASE("log follower: an attempt that came and ended between two questions is read too") {
  LogFollower log({task, true, 0, 0});
  log.on_data(data(5, 0, "a", 1, true));
  log.on_task(summary(TaskState::dead, {5, 6}));
  CHECK(log.next_read() == read(1, 6, 0, true));
  log.on_data(data(6, 0, "b", 1, true));
  log.on_task(summary(TaskState::dead, {5, 6}));
  CHECK(log.is_over());
}

TEST_CASE("log follower: one attempt alone ends with that attempt") {
  LogFollower log({task, true, 1, 5});
  CHECK(log.next_read() == read(1, 5, 0, true));
  log.on_data(data(5, 0, "a", 1, true));
  CHECK(log.is_over());
}

TEST_CASE("log follower: an ended log that is empty is over, not idle") {
  LogFollower log({task, false, 0, 0});
  CHECK_FALSE(log.on_data(data(5, 0, "", 0, true)));
  CHECK(log.is_over());
  CHECK(log.was_granted());
}
