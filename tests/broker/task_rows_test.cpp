// One test at least for each of rows 1 to 18 of the task table: what is recorded, what is sent, and
// what each send waits for.
#include "tests/broker/rig.h"

using namespace framebus;
using namespace framebus::broker;
using namespace framebus::broker::test;

namespace {

// A primary (session 1), a worker (session 2) and a job of one task that the worker was granted.
struct OneTask : Rig {
  SessionId ann, one;
  JobId job;
  AttemptId attempt;
  explicit OneTask(JobBuilder builder = a_job().with_tasks(1), Options options = {})
      : Rig(options), ann(primary()), one(worker(1)), job(submit(ann, builder)) {
    REQUIRE(granted.size() == 1);
    attempt = granted.front();
  }
  // After the back-off the task is granted once more, to whom it may be.
  AttemptId next_grant() {
    tick(minutes_);
    const auto again = assigned(take());
    REQUIRE(again.size() == 1);
    return again.front();
  }
  // Heartbeats of the worker keep it alive while time passes.
  void live_on(SessionId who, Duration total) {
    for (Duration passed{0}; passed < total; passed += seconds(1)) {
      advance(seconds(1));
      receive(who, beat({}));
      take();
      step(Tick{});
    }
  }
  Duration minutes_ = milliseconds(2500);
};

}  // namespace

TEST_CASE("row 1: a valid submit is recorded, and answered only after its record") {
  Rig rig;
  const SessionId ann = rig.primary();
  Submit message{7, {}, a_job().with_tasks(3).spec};
  message.submit_id.bytes[0] = 9;
  rig.receive(ann, message);
  rig.expect({"Persist 1 JobAccepted{job=1 submit_id=09000000 owner=\"ann\"*",
              "Send session 1 SubmitOk{request=7 job=1 task_count=3 ephemeral=1} after 1"});
  CHECK(rig.hits(1) == 3);
  CHECK(rig.state(JobId{1}, 2) == TaskState::queued);
}

TEST_CASE("row 1: tasks with dependencies begin as held") {
  Rig rig;
  const JobId job = rig.submit(rig.primary(), a_job().step("a", 1).step("b", 2).after(0));
  CHECK(rig.state(job, 0) == TaskState::queued);
  CHECK(rig.state(job, 2) == TaskState::held);
}

TEST_CASE("row 2: a step is released when every task it waits for has succeeded") {
  OneTask rig(a_job().step("a", 1).step("b", 1).after(0));
  CHECK(rig.state(rig.job, 1) == TaskState::held);
  rig.receive(rig.one, Results{{Rig::ok(rig.attempt)}});
  rig.expect({"Persist 3 TaskEnded{task=1:0 token=1.1 row=11 state=succeeded end=1 reported=1}",
              "Send session 2 ResultsOk{attempts=[{task=1:0 token=1.1}]} after 3",
              "Persist 4 TaskGranted{task=1:1 token=1.2 worker=01000000 worker_name=\"w1:1\"}",
              "Send session 2 Assign{steps=[{job=1 step=1 name=\"b\" type=\"echo\"}] "
              "attempts=[{task=1:1 token=1.2 attempt=1}]}"});
  CHECK(rig.hits(2) == 1);
}

TEST_CASE("row 2: task by task, each is released by its own") {
  OneTask rig(a_job().step("a", 2).step("b", 2).after(0, true));
  rig.receive(rig.one, Results{{Rig::ok(rig.attempt)}});
  rig.take();
  CHECK(rig.state(rig.job, 2) == TaskState::queued);
  CHECK(rig.state(rig.job, 3) == TaskState::held);
}

TEST_CASE("row 3: what has not been granted by the deadline expires") {
  OneTask rig(a_job().with_tasks(3).deadline_ms(2000));
  rig.tick(milliseconds(2000));
  rig.expect({"Persist 3 JobActed{job=1 deed=6}"});
  CHECK(rig.state(rig.job, 0) == TaskState::leased);
  CHECK(rig.state(rig.job, 1) == TaskState::expired);
  CHECK(rig.hits(3) == 2);
}

TEST_CASE("row 4: a grant is recorded and sent without waiting for the submit's sync") {
  Rig rig;
  const SessionId one = rig.worker(1);
  const SessionId ann = rig.primary();
  rig.receive(ann, Submit{1, {{1}}, a_job().with_tasks(1).spec});
  rig.expect({"Persist 1 JobAccepted*", "Send session 2 SubmitOk* after 1",
              "Persist 2 TaskGranted{task=1:0 token=1.1 worker=01000000 worker_name=\"w1:1\"}",
              "Send session 1 Assign{steps=[{job=1 name=\"work\" type=\"echo\"}] "
              "attempts=[{task=1:0 token=1.1 attempt=1}]}"});
  CHECK(one == SessionId{1});
}

TEST_CASE("row 4: an at-most-once task is assigned only after its grant is durable") {
  Rig rig;
  rig.worker(1);
  const SessionId ann = rig.primary();
  rig.receive(ann, Submit{1, {{1}}, a_job().with_tasks(1).once().spec});
  const Actions actions = rig.take();
  const auto* assign = std::get_if<Send>(&actions.back());
  REQUIRE(assign != nullptr);
  CHECK(assign->after_lsn == 2);
}

TEST_CASE("row 5: a send that failed is not an attempt") {
  OneTask rig;
  Assign lost;
  lost.attempts.push_back({rig.attempt.task, rig.attempt.token, 0, 0, 1, {}});
  rig.step(SendFailed{rig.one, lost});
  rig.expect({"Persist 3 AttemptEnded{task=1:0 token=1.1 row=5 end=7 next=queued uncounted=1}"});
  // Nothing more goes to a worker whose queue is full, until it speaks again.
  rig.receive(rig.one, rig.beat({}));
  const auto again = Rig::assigned(rig.take());
  REQUIRE(again.size() == 1);
  CHECK(rig.core.state().find_job(rig.job)->detail_of(0)->attempts.size() == 1);
  CHECK(rig.hits(5) == 1);
}

TEST_CASE("row 6: Started makes it running") {
  OneTask rig;
  rig.receive(rig.one, Started{{rig.attempt}});
  rig.expect({"Persist 3 TaskStarted{task=1:0 token=1.1}"});
  CHECK(rig.state(rig.job) == TaskState::running);
  rig.receive(rig.one, Started{{rig.attempt}});
  rig.expect({});
}

TEST_CASE("row 7: a start that does not come in time is aborted and counted as infrastructure") {
  OneTask rig;
  for (int i = 0; i < 10; ++i) {
    rig.advance(seconds(1));
    rig.receive(rig.one, rig.beat({Rig::status(rig.attempt, AttemptPhase::starting)}));
    rig.take();
  }
  rig.tick(seconds(1));
  const Actions actions = rig.take();
  CHECK(Rig::all<Abort>(actions).front().reason == AbortReason::not_started);
  CHECK(rig.hits(7) == 1);
  CHECK(rig.core.state().find_job(rig.job)->detail_of(0)->losses == 1);
}

TEST_CASE("row 7: a prefetched attempt has no start to be late with") {
  OneTask rig;
  for (int i = 0; i < 20; ++i) {
    rig.advance(seconds(1));
    rig.receive(rig.one, rig.beat({Rig::status(rig.attempt, AttemptPhase::queued)}));
    rig.take();
    rig.step(Tick{});
  }
  CHECK(rig.state(rig.job) == TaskState::leased);
}

TEST_CASE("row 7: two heartbeats in a row without it put it back") {
  OneTask rig;
  rig.advance(seconds(1));
  rig.receive(rig.one, rig.beat({}, 0));
  rig.expect({"Send session 2 HeartbeatAck{sequence=1}"});
  rig.receive(rig.one, rig.beat({}, 0));
  rig.expect({"Send session 2 HeartbeatAck{sequence=2}",
              "Persist 3 AttemptEnded{task=1:0 token=1.1 row=7 end=6 next=queued blame=3 *",
              "Send session 2 Abort{attempts=[{task=1:0 token=1.1}] reason=5 grace_ms=10000}"});
}

TEST_CASE("row 8: a heartbeat that lists an attempt renews its lease, for ever if need be") {
  OneTask rig;
  rig.start(rig.one, rig.attempt);
  for (int i = 0; i < 100; ++i) {
    rig.advance(seconds(1));
    rig.receive(rig.one, rig.beat({Rig::status(rig.attempt, AttemptPhase::running)}));
    rig.expect({"Send session 2 HeartbeatAck*"});
    rig.step(Tick{});
  }
  CHECK(rig.state(rig.job) == TaskState::running);
  CHECK(rig.hits(8) == 100);
}

TEST_CASE("row 9: a running attempt omitted twice waits and is tried again") {
  OneTask rig;
  rig.start(rig.one, rig.attempt);
  rig.advance(seconds(1));
  rig.receive(rig.one, rig.beat({}));
  rig.take();
  rig.receive(rig.one, rig.beat({}));
  rig.take();
  CHECK(rig.state(rig.job) == TaskState::retry_wait);
  CHECK(rig.hits(9) == 1);
  CHECK(rig.core.state().find_job(rig.job)->detail_of(0)->losses == 1);
}

TEST_CASE("row 10: a lost worker's tasks are granted to another in the same step") {
  OneTask rig;
  rig.start(rig.one, rig.attempt);
  rig.worker(2);
  rig.step(PeerLost{rig.one, "closed"});
  rig.expect({"Persist 4 AttemptEnded{task=1:0 token=1.1 row=10 end=4 next=queued blame=2 *",
              "Persist 5 TaskGranted{task=1:0 token=1.2 worker=02000000 worker_name=\"w2:1\"}",
              "Send session 3 Assign*"});
  CHECK(rig.core.state().find_job(rig.job)->detail_of(0)->crashes == 1);
}

TEST_CASE(
    "row 10: a lost worker's unstarted attempts count as losses when they may have had a slot") {
  Rig rig;
  const SessionId one = rig.join(a_worker(1).slots(2).prefetch(2));
  rig.take();
  const JobId job = rig.submit(rig.primary(), a_job().with_tasks(4));
  REQUIRE(rig.granted.size() == 4);
  rig.start(one, rig.granted[0]);  // one slot is taken: of the other three the oldest may have one
  rig.step(PeerLost{one, "killed"});
  rig.take();
  const auto& detail = [&](std::uint32_t index) -> const TaskDetail& {
    return *rig.core.state().find_job(job)->detail_of(index);
  };
  CHECK(detail(0).crashes == 1);
  CHECK(detail(0).losses == 0);
  CHECK(detail(1).losses == 1);
  CHECK(detail(2).losses + detail(2).crashes + detail(2).tries == 0);
  CHECK(detail(3).losses + detail(3).crashes + detail(3).tries == 0);
  CHECK(rig.state(job, 1) == TaskState::queued);
}

TEST_CASE("row 10: a Goodbye and a restart within one connection's silence charge alike") {
  OneTask left;
  left.receive(left.one, Goodbye{"drained"});
  left.take();
  CHECK(left.core.state().find_job(left.job)->detail_of(0)->losses == 0);

  OneTask replaced;  // the process came back before its loss was seen, and lists nothing
  replaced.join(a_worker(1));
  replaced.take();
  CHECK(replaced.core.state().find_job(replaced.job)->detail_of(0)->losses == 1);

  OneTask silent;
  silent.tick(seconds(15));
  silent.take();
  CHECK(silent.core.state().find_job(silent.job)->detail_of(0)->losses == 1);
}

TEST_CASE("row 10: what a worker that comes back lists after all was no loss") {
  OneTask rig;
  rig.step(PeerLost{rig.one, "cable"});
  rig.take();
  const TaskDetail& detail = *rig.core.state().find_job(rig.job)->detail_of(0);
  CHECK(detail.losses == 1);
  rig.join(a_worker(1).holds(rig.attempt, AttemptPhase::queued));
  rig.take();
  CHECK(detail.losses == 0);
}

TEST_CASE("row 14: a task that takes its workers down before it says Started ends dead") {
  OneTask rig(a_job().with_tasks(1));
  SessionId worker = rig.one;
  for (std::uint8_t number = 2; number <= 6; ++number) {
    rig.step(PeerLost{worker, "killed"});
    rig.take();
    if (number == 6) break;
    // Granted at once at first, with back-off from the third loss on.
    CHECK(rig.state(rig.job) == (number < 4 ? TaskState::queued : TaskState::retry_wait));
    worker = rig.worker(number);
    for (int i = 0; i < 20 && rig.granted.empty(); ++i) {
      rig.advance(seconds(1));
      rig.receive(worker, rig.beat({}));
      rig.take();
      rig.step(Tick{});
      rig.granted = Rig::assigned(rig.take());
    }
    REQUIRE(rig.granted.size() == 1);
  }
  CHECK(rig.state(rig.job) == TaskState::dead);
  // Two losses that might have been anybody's, then it was granted alone.
  const TaskDetail& detail = *rig.core.state().find_job(rig.job)->detail_of(0);
  CHECK(detail.losses == 2);
  CHECK(detail.crashes == 3);
}

TEST_CASE("row 10: a silent worker is suspect after 3 s and lost after a lease") {
  OneTask rig;
  rig.start(rig.one, rig.attempt);
  rig.tick(seconds(3));
  rig.take();
  CHECK(rig.core.state().workers.begin()->second.state == SessionState::suspect);
  CHECK(rig.state(rig.job) == TaskState::running);
  rig.tick(seconds(12));
  rig.expect({"Persist 4 AttemptEnded{task=1:0 token=1.1 row=10 end=5 next=queued blame=3 *",
              "CloseSession session 2 no heartbeat for a lease"});
}

TEST_CASE("row 10: a stall of the broker's own loop expires nothing") {
  OneTask rig;
  rig.start(rig.one, rig.attempt);
  rig.advance(seconds(60));
  rig.step(Tick{seconds(60)});
  rig.take();
  CHECK(rig.state(rig.job) == TaskState::running);
}

TEST_CASE("row 10: at most once is failed when its worker is lost") {
  OneTask rig(a_job().with_tasks(1).once());
  rig.start(rig.one, rig.attempt);
  rig.step(PeerLost{rig.one, "closed"});
  rig.expect(
      {"Persist 4 TaskEnded{task=1:0 token=1.1 row=10 state=failed end=4 blame=2 "
       "error={code=21 message=\"worker w1:1 went away\"}}"});
}

TEST_CASE(
    "row 11: a result is recorded once, confirmed after its record, and told to who watches") {
  OneTask rig;
  rig.receive(rig.ann, Watch{5, rig.job, {}, true});
  rig.expect({"Send session 1 Events{request=5 sequence=1 *"});
  TaskResult result = Rig::ok(rig.attempt);
  result.result = bytes("42");
  rig.receive(rig.one, Results{{result}});
  rig.expect(
      {"Persist 3 TaskEnded{task=1:0 token=1.1 row=11 state=succeeded end=1 reported=1 result=2 "
       "bytes}",
       "Send session 2 ResultsOk{attempts=[{task=1:0 token=1.1}]} after 3",
       "Send session 1 Events{request=5 sequence=2 events=[{cursor={epoch=1 lsn=3} kind=2 *"});
  CHECK(rig.job_state(rig.job) == JobState::succeeded);
}

TEST_CASE("row 11: a late result of a lost attempt counts while nobody else has the task") {
  OneTask rig;
  rig.start(rig.one, rig.attempt);
  rig.advance(seconds(1));
  rig.receive(rig.one, rig.beat({}, 0));
  rig.take();
  rig.receive(rig.one, rig.beat({}, 0));
  rig.take();
  REQUIRE(rig.state(rig.job) == TaskState::retry_wait);
  rig.receive(rig.one, Results{{Rig::ok(rig.attempt)}});
  rig.expect({"Persist 5 TaskEnded{task=1:0 token=1.1 row=11 state=succeeded *",
              "Send session 2 ResultsOk{attempts=[{task=1:0 token=1.1}]} after 5"});
}

TEST_CASE("row 12: a retryable error waits with back-off, doubled each time") {
  OneTask rig(a_job().with_tasks(1).attempts(5));
  std::int64_t last = 0;
  AttemptId attempt = rig.attempt;
  for (int i = 0; i < 4; ++i) {
    rig.receive(rig.one, Results{{Rig::error(attempt)}});
    rig.take();
    REQUIRE(rig.state(rig.job) == TaskState::retry_wait);
    const std::int64_t delay = rig.core.state().find_job(rig.job)->detail_of(0)->retry_delay_ms;
    CHECK(delay >= (750 << i));
    CHECK(delay <= (1250 << i));
    CHECK(delay > last);
    last = delay;
    for (std::int64_t passed = 0; passed <= delay; passed += 1000) {
      rig.advance(seconds(1));
      rig.receive(rig.one, rig.beat({}));
      rig.take();
    }
    rig.step(Tick{});
    const auto again = Rig::assigned(rig.take());
    if (i == 3) break;
    if (again.empty()) MESSAGE("exclusion");
    REQUIRE(again.size() == 1);
    attempt = again.front();
  }
  CHECK(rig.hits(12) == 4);
}

TEST_CASE(
    "row 12: a late error of a task that waits already closes its attempt and counts nothing") {
  OneTask rig;
  rig.start(rig.one, rig.attempt);
  rig.advance(seconds(1));
  for (int i = 0; i < 2; ++i) {
    rig.receive(rig.one, rig.beat({}, 0));
    rig.take();
  }
  rig.receive(rig.one, Results{{Rig::error(rig.attempt)}});
  rig.expect({"Persist 5 AttemptEnded{task=1:0 token=1.1 row=12 end=2 next=retry_wait reported=1 *",
              "Send session 2 ResultsOk{attempts=[{task=1:0 token=1.1}]} after 5"});
  CHECK(rig.core.state().find_job(rig.job)->detail_of(0)->tries == 0);
}

TEST_CASE("row 12: at most once is failed by an error, never tried again") {
  OneTask rig(a_job().with_tasks(1).once());
  rig.receive(rig.one, Results{{Rig::error(rig.attempt)}});
  rig.take();
  CHECK(rig.state(rig.job) == TaskState::failed);
}

TEST_CASE("row 13: a permanent error fails at once") {
  OneTask rig;
  rig.receive(rig.one, Results{{Rig::error(rig.attempt, true)}});
  rig.expect(
      {"Persist 3 TaskEnded{task=1:0 token=1.1 row=13 state=failed end=2 blame=1 reported=1 *",
       "Send session 2 ResultsOk{attempts=[{task=1:0 token=1.1}]} after 3"});
  CHECK(rig.job_state(rig.job) == JobState::failed);
}

TEST_CASE("row 13: a result above the inline bound is a permanent error that says so") {
  OneTask rig;
  TaskResult result = Rig::ok(rig.attempt);
  result.result.resize(limits::inline_result_bytes_max + 1);
  rig.receive(rig.one, Results{{result}});
  rig.take();
  CHECK(rig.state(rig.job) == TaskState::failed);
  CHECK(rig.core.state().find_job(rig.job)->first_error.message.find("65537") != std::string::npos);
}

TEST_CASE("row 14: a task is dead when its attempts are used up") {
  OneTask rig(a_job().with_tasks(1).attempts(1));
  rig.receive(rig.one, Results{{Rig::error(rig.attempt)}});
  rig.expect({"Persist 3 TaskEnded{task=1:0 token=1.1 row=14 state=dead end=2 blame=1 *",
              "Send session 2 ResultsOk*"});
  CHECK(rig.hits(14) == 1);
}

TEST_CASE("row 14: a task that crashed three workers is dead, whatever attempts are left") {
  OneTask rig(a_job().with_tasks(1).attempts(100));
  AttemptId attempt = rig.attempt;
  SessionId worker = rig.one;
  for (std::uint8_t number = 2; number <= 4; ++number) {
    rig.start(worker, attempt);
    rig.step(PeerLost{worker, "killed"});
    rig.take();
    if (number == 4) break;
    worker = rig.worker(number);
    if (rig.granted.empty()) {
      rig.tick(milliseconds(2900));
      rig.granted = Rig::assigned(rig.take());
    }
    REQUIRE(rig.granted.size() == 1);
    attempt = rig.granted.front();
  }
  CHECK(rig.state(rig.job) == TaskState::dead);
}

TEST_CASE("row 15: a result with a retired token is fenced") {
  OneTask rig;
  rig.start(rig.one, rig.attempt);
  const SessionId two = rig.worker(2);
  rig.step(PeerLost{rig.one, "closed"});
  rig.take();  // granted to the second worker: the first token is retired
  const SessionId back = rig.join(a_worker(1));
  rig.take();
  rig.receive(back, Results{{Rig::ok(rig.attempt)}});
  rig.expect({"Send session 4 ResultRejected{attempt={task=1:0 token=1.1} reason=1} after 5"});
  CHECK(rig.hits(15) == 1);
  CHECK(two == SessionId{3});
}

TEST_CASE("row 16: the same result again is confirmed as a duplicate, without a record") {
  OneTask rig;
  rig.receive(rig.one, Results{{Rig::ok(rig.attempt)}});
  rig.take();
  rig.receive(rig.one, Results{{Rig::ok(rig.attempt)}});
  rig.expect({"Send session 2 ResultsOk{duplicates=[{task=1:0 token=1.1}]} after 3"});
  CHECK(rig.hits(16) == 1);
}

TEST_CASE("row 17: another attempt's result of an ended task is told to be forgotten") {
  OneTask rig;
  rig.start(rig.one, rig.attempt);
  const SessionId two = rig.worker(2);
  rig.step(PeerLost{rig.one, "closed"});
  const AttemptId second = Rig::assigned(rig.take()).front();
  rig.receive(two, Results{{Rig::ok(second)}});
  rig.take();
  const SessionId back = rig.join(a_worker(1));
  rig.take();
  rig.receive(back, Results{{Rig::ok(rig.attempt)}});
  rig.expect({"Send session 4 ResultRejected{attempt={task=1:0 token=1.1} reason=2} after 6"});
  CHECK(rig.hits(17) == 1);
}

TEST_CASE("row 18: after its back-off a task is queued and granted again") {
  OneTask rig;
  rig.receive(rig.one, Results{{Rig::error(rig.attempt)}});
  rig.take();
  REQUIRE(rig.core.next_wakeup().has_value());
  rig.tick(milliseconds(1300));
  rig.expect({"Persist 4 RetryDue{task=1:0}", "Persist 5 TaskGranted{task=1:0 token=1.2 *",
              "Send session 2 Assign*"});
  CHECK(rig.hits(18) == 1);
}
