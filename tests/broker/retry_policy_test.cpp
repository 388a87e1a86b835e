// What decides when several things are true at once, and what a dead letter tells.
#include "tests/broker/rig.h"

using namespace framebus;
using namespace framebus::broker;
using namespace framebus::broker::test;

namespace {

struct OneTask : Rig {
  SessionId ann, one;
  JobId job;
  AttemptId attempt;
  explicit OneTask(JobBuilder builder) : ann(primary()), one(worker(1)), job(submit(ann, builder)) {
    attempt = granted.at(0);
  }
  // Time passes with heartbeats that list the attempt as running.
  void run_for(Duration total) {
    for (Duration passed{0}; passed < total; passed += milliseconds(500)) {
      advance(milliseconds(500));
      receive(one, beat({status(attempt, AttemptPhase::running)}));
      take();
    }
  }
  TaskSummary ask(QueryKind kind, std::uint32_t limit) {
    receive(ann, Query{9, kind, {job, 0}, 0, limit});
    return only<QueryReply>().tasks.at(0);
  }
  // The attempt fails with this text; then the task is granted again, if it may be.
  void fail(const std::string& text, const std::string& tail) {
    TaskResult result = error(attempt);
    result.error.message = text;
    result.log_tail = tail;
    receive(one, Results{{result}});
    take();
    for (int i = 0; i < 400 && this->state(job) == TaskState::retry_wait; ++i) {
      advance(seconds(1));
      receive(one, beat({}));
      take();
      step(Tick{});
      const auto again = assigned(take());
      if (!again.empty()) attempt = again.front();
    }
  }
};

const std::string& error_of(const Rig& rig, JobId job) {
  return rig.core.state().find_job(job)->detail_of(0)->trouble->errors.back().error.message;
}

}  // namespace

TEST_CASE("order: the timeout of the whole attempt is named before that of its progress") {
  JobBuilder builder = a_job().with_tasks(1).timeout_ms(2'000);
  builder.last().progress_timeout_ms = 2'000;
  OneTask rig(builder);
  rig.start(rig.one, rig.attempt);
  rig.run_for(seconds(2));
  rig.step(Tick{});
  rig.expect({"Persist * TaskCancelling{task=1:0 token=1.1 reason=2 *", "Send session 2 Abort*"});
  CHECK(error_of(rig, rig.job) == "it ran longer than its timeout of 2000 ms");
}

TEST_CASE("order: without a bound of the whole, silence is what ends it") {
  JobBuilder builder = a_job().with_tasks(1);
  builder.last().progress_timeout_ms = 2'000;
  OneTask rig(builder);
  rig.start(rig.one, rig.attempt);
  rig.run_for(seconds(2));
  rig.step(Tick{});
  rig.take();
  CHECK(error_of(rig, rig.job) == "it made no progress for its progress_timeout of 2000 ms");
}

TEST_CASE(
    "order: a worker that is silent for a lease is lost before its attempt's timeout counts") {
  OneTask rig(a_job().with_tasks(1).timeout_ms(15'000));
  rig.start(rig.one, rig.attempt);
  rig.tick(seconds(15));
  rig.take();
  const Job& job = *rig.core.state().find_job(rig.job);
  CHECK(job.detail_of(0)->tries == 0);
  CHECK(job.detail_of(0)->losses == 1);
  CHECK(rig.state(rig.job) == TaskState::queued);
}

TEST_CASE("order: a result that arrives before the timer was looked at counts") {
  OneTask rig(a_job().with_tasks(1).timeout_ms(2'000));
  rig.start(rig.one, rig.attempt);
  rig.run_for(seconds(3));
  rig.receive(rig.one, Results{{Rig::ok(rig.attempt)}});
  rig.take();
  rig.step(Tick{});
  rig.expect({});
  CHECK(rig.state(rig.job) == TaskState::succeeded);
}

TEST_CASE(
    "order: at the job's deadline a task whose back-off ends then expires, it is not tried again") {
  OneTask rig(a_job().with_tasks(1).deadline_ms(1'000));
  rig.receive(rig.one, Results{{Rig::error(rig.attempt)}});
  rig.take();
  rig.tick(std::chrono::minutes(10));
  CHECK(rig.state(rig.job) == TaskState::expired);
  rig.take();
}

TEST_CASE("order: a permanent error ends in failed even when no attempts are left") {
  OneTask rig(a_job().with_tasks(1).attempts(1));
  rig.receive(rig.one, Results{{Rig::error(rig.attempt, true)}});
  rig.take();
  CHECK(rig.state(rig.job) == TaskState::failed);
}

TEST_CASE("order: what runs at most once ends in failed, never in dead") {
  OneTask rig(a_job().with_tasks(1).attempts(1).once());
  rig.receive(rig.one, Results{{Rig::error(rig.attempt)}});
  rig.take();
  CHECK(rig.state(rig.job) == TaskState::failed);
}

TEST_CASE(
    "order: a job that stopped does not try again, one out of attempts is dead all the same") {
  OneTask rig(a_job().with_tasks(1).attempts(1).stopping());
  rig.receive(rig.one, Results{{Rig::error(rig.attempt)}});
  rig.take();
  CHECK(rig.state(rig.job) == TaskState::dead);
}

TEST_CASE(
    "dead letter: it keeps the last three errors with their log tails, and the three counters") {
  OneTask rig(a_job().with_tasks(1).attempts(4));
  rig.receive(rig.ann, Query{});
  rig.take();
  for (int i = 1; i <= 4; ++i) rig.fail("error " + std::to_string(i), "tail " + std::to_string(i));
  CHECK(rig.state(rig.job) == TaskState::dead);
  for (const TaskSummary& task : {rig.ask(QueryKind::explain, 0), rig.ask(QueryKind::tasks, 1)}) {
    CHECK(task.tries == 4);
    CHECK(task.crashes == 0);
    CHECK(task.losses == 0);
    REQUIRE(task.errors.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(task.errors[i].error.message == "error " + std::to_string(i + 2));
      CHECK(task.errors[i].log_tail == "tail " + std::to_string(i + 2));
    }
  }
  CHECK(rig.ask(QueryKind::tasks, 0).errors.empty());
  CHECK(rig.ask(QueryKind::tasks, 0).tries == 4);
}

TEST_CASE(
    "exclusion: a worker that drains does not keep a job waiting whose other workers are "
    "excluded") {
  for (const bool drains : {false, true}) {
    OneTask rig(a_job().with_tasks(1).attempts(9));
    const SessionId two = rig.worker(2);
    Heartbeat beat = rig.beat({}, drains ? 1 : 0);
    beat.draining = drains;
    beat.reason = "spool full";
    rig.receive(two, beat);
    rig.take();
    for (int i = 0; i < 3; ++i) rig.fail("it broke", "");
    CHECK(rig.core.state().counters.exclusions == 1);
    CHECK(rig.core.state().counters.exclusions_lapsed == 1);
    CHECK(rig.state(rig.job) == TaskState::leased);
    CHECK(rig.core.state().find_job(rig.job)->notice.find("tried again") != std::string::npos);
  }
}

TEST_CASE("exclusion: while another worker that takes tasks is merely busy, the job waits for it") {
  OneTask rig(a_job().with_tasks(1).attempts(9));
  const SessionId two = rig.worker(2);
  rig.submit(rig.ann, a_job().with_tasks(1).id(2));
  const AttemptId other = rig.granted.at(0);
  for (int i = 0; i < 3; ++i) {
    rig.receive(rig.one, Results{{Rig::error(rig.attempt)}});
    rig.take();
    for (int passed = 0; passed < 20 && rig.state(rig.job) != TaskState::leased; ++passed) {
      rig.advance(seconds(1));
      rig.receive(rig.one, rig.beat({}));
      rig.take();
      rig.receive(two, rig.beat({Rig::status(other, AttemptPhase::running)}));
      rig.take();
      rig.step(Tick{});
      const auto again = Rig::assigned(rig.take());
      if (!again.empty()) rig.attempt = again.front();
    }
  }
  CHECK(rig.core.state().counters.exclusions == 1);
  CHECK(rig.core.state().counters.exclusions_lapsed == 0);
  CHECK(rig.state(rig.job) == TaskState::queued);
  rig.receive(two, Results{{Rig::ok(other)}});
  const Actions actions = rig.take();
  CHECK(Rig::assigned(actions).size() == 1);
  CHECK(rig.core.state().workers.at(worker_id(2)).leases.size() == 1);
}
