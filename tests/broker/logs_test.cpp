// Logs: who may write, which attempt is read, and when a follower is told of the end.
#include "tests/broker/rig.h"

using namespace framebus;
using namespace framebus::broker;
using namespace framebus::broker::test;

namespace {

struct OneTask : Rig {
  SessionId ann, one;
  JobId job;
  AttemptId attempt;
  explicit OneTask(JobBuilder builder = a_job().with_tasks(1))
      : ann(primary()), one(worker(1)), job(submit(ann, builder)) {
    attempt = granted.at(0);
  }
  static LogChunk chunk(AttemptId id, std::uint64_t offset, std::string_view text) {
    return {id.task, id.token, offset, bytes(text)};
  }
  void read(std::uint64_t grant = 0, bool follow = false, std::uint32_t task = 0) {
    receive(ann, LogRead{9, {job, task}, grant == 0 ? 0u : 1u, grant, 0, follow});
  }
};

}  // namespace

TEST_CASE("log: chunks of a live attempt are stored and confirmed, neighbours in one position") {
  OneTask rig;
  rig.receive(rig.one, Log{{OneTask::chunk(rig.attempt, 0, "hello "),
                            OneTask::chunk(rig.attempt, 6, "world\n")}});
  rig.expect({"StoreLog 1:0 1.1 at 0 6 bytes", "StoreLog 1:0 1.1 at 6 6 bytes",
              "Send session 2 LogOk{positions=[{task=1:0 token=1.1 offset=12}]}"});
}

TEST_CASE("log: what comes after the attempt's end is stored, too") {
  OneTask rig;
  rig.receive(rig.one, Results{{Rig::ok(rig.attempt)}});
  rig.take();
  rig.receive(rig.one, Log{{OneTask::chunk(rig.attempt, 0, "bye\n")}});
  rig.expect({"StoreLog 1:0 1.1 at 0 4 bytes",
              "Send session 2 LogOk{positions=[{task=1:0 token=1.1 offset=4}]}"});
}

TEST_CASE(
    "log: a forged token, another worker's, an unknown job: confirmed, counted and not stored") {
  OneTask rig;
  const SessionId two = rig.worker(2);
  LogChunk forged = OneTask::chunk(rig.attempt, 0, "x");
  forged.token.mac[0] ^= 1;
  rig.receive(rig.one, Log{{forged}});
  rig.expect({"Send session 2 LogOk{positions=[{task=1:0 token=1.1 offset=1}]}"});
  rig.receive(two, Log{{OneTask::chunk(rig.attempt, 0, "x")}});
  rig.expect({"Send session 3 LogOk{positions=[{task=1:0 token=1.1 offset=1}]}"});
  LogChunk unknown = OneTask::chunk(rig.attempt, 0, "x");
  unknown.task.job = JobId{77};
  LogChunk beyond = OneTask::chunk(rig.attempt, 0, "x");
  beyond.task.index = 77;
  LogChunk endless = OneTask::chunk(rig.attempt, UINT64_MAX, "xx");
  rig.receive(rig.one, Log{{unknown, beyond, endless}});
  rig.take();
  CHECK(rig.core.state().counters.log_chunks_dropped == 5);
  CHECK(rig.core.state().counters.log_chunks == 0);
}

TEST_CASE("log: a follower hears of the end of an attempt that has a log, however it ends") {
  for (int way = 0; way < 3; ++way) {
    CAPTURE(way);
    OneTask rig;
    rig.receive(rig.one, Log{{OneTask::chunk(rig.attempt, 0, "x")}});
    rig.take();
    if (way == 0) rig.receive(rig.one, Results{{Rig::ok(rig.attempt)}});
    if (way == 1) rig.step(PeerLost{rig.one, "closed"});
    if (way == 2) {
      rig.act(rig.ann, JobAction::cancel, rig.job);
      rig.take();
      rig.receive(rig.one, Aborted{{rig.attempt}});
    }
    int told = 0;
    for (const Action& action : rig.take()) {
      if (const auto* ended = std::get_if<LogEnded>(&action)) {
        CHECK(*ended == LogEnded{rig.attempt.task, 1, 1});
        ++told;
      }
    }
    CHECK(told == 1);
  }
}

TEST_CASE("log: the end of an attempt without a log, and without a reader, is nobody's business") {
  OneTask rig;
  rig.receive(rig.one, Results{{Rig::ok(rig.attempt)}});
  for (const Action& action : rig.take()) CHECK(!std::holds_alternative<LogEnded>(action));
}

TEST_CASE("log: who reads an open attempt before it wrote anything hears of its end") {
  OneTask rig;
  rig.read(0, true);
  rig.expect({"ReadLog session 1 LogRead{request=9 task=1:0 epoch=1 grant=1 follow=1} open"});
  rig.receive(rig.one, Results{{Rig::ok(rig.attempt)}});
  const Actions actions = rig.take();
  CHECK(std::holds_alternative<LogEnded>(actions.back()));
}

TEST_CASE("log: reading means the latest attempt, or the one that is named") {
  OneTask rig;
  rig.start(rig.one, rig.attempt);
  rig.step(PeerLost{rig.one, "closed"});
  rig.take();
  rig.worker(2);
  rig.read();
  rig.expect({"ReadLog session 1 LogRead{request=9 task=1:0 epoch=1 grant=2} open"});
  rig.read(1);
  rig.expect({"ReadLog session 1 LogRead{request=9 task=1:0 epoch=1 grant=1}"});
  rig.read(3);
  CHECK(rig.only<ErrorReply>().error.message ==
        "attempt 1.3 of task 1:0: is not among the 2 that are remembered");
}

TEST_CASE("log: a task that was never granted has none yet, or never will") {
  OneTask rig(a_job().with_tasks(2));
  rig.read(0, false, 1);
  rig.expect({"ReadLog session 1 LogRead{request=9 task=1:1} open"});
  rig.act(rig.ann, JobAction::cancel, rig.job);
  rig.take();
  rig.read(0, false, 1);
  rig.expect({"ReadLog session 1 LogRead{request=9 task=1:1}"});
}

TEST_CASE("log: unknown jobs and tasks are named") {
  OneTask rig;
  rig.receive(rig.ann, LogRead{9, {JobId{5}, 0}, 0, 0, 0, false});
  CHECK(rig.only<ErrorReply>().error.code == static_cast<int>(Code::not_found));
  rig.read(0, false, 9);
  CHECK(rig.only<ErrorReply>().error.code == static_cast<int>(Code::not_found));
}
