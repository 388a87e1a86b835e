// What a restart of the broker keeps: every moment, every promise, every cursor.
#include "tests/broker/rig.h"

using namespace framebus;
using namespace framebus::broker;
using namespace framebus::broker::test;

namespace {

const JobId first{1};

Options durable() {
  Options options;
  options.ephemeral = false;
  return options;
}

JobSummary summary(Rig& rig, SessionId session, JobId job) {
  rig.receive(session, Query{77, QueryKind::job, {job, 0}, 0, 0});
  return rig.only<QueryReply>().jobs.at(0);
}

}  // namespace

TEST_CASE("restart: a deadline comes at its own moment") {
  Rig rig(durable());
  const SessionId ann = rig.primary();
  rig.submit(ann, a_job().with_tasks(1).deadline_ms(60'000));
  Rig next(rig, seconds(30));
  next.step(Synced{});
  next.expect({});
  CHECK(next.core.next_wakeup() == rig.now + seconds(60));
  next.tick(seconds(30) - milliseconds(1));
  next.expect({});
  next.tick(milliseconds(1));
  next.expect({"Persist 2 JobActed{job=1 deed=6}"});
  CHECK(next.state(first) == TaskState::expired);
}

TEST_CASE("restart: a deadline that passed meanwhile fires at once") {
  Rig rig(durable());
  const SessionId ann = rig.primary();
  rig.submit(ann, a_job().with_tasks(1).deadline_ms(60'000));
  Rig next(rig, seconds(61));
  next.step(Tick{});
  next.expect({"Persist 2 JobActed{job=1 deed=6}"});
}

TEST_CASE("restart: a deadline that a retry has lifted does not come back") {
  Rig rig(durable());
  const SessionId ann = rig.primary();
  rig.submit(ann, a_job().with_tasks(1).deadline_ms(5'000));
  rig.tick(seconds(5));
  rig.expect({"Persist 2 JobActed{job=1 deed=6}"});
  rig.act(ann, JobAction::retry, first);
  rig.take();
  CHECK(rig.state(first) == TaskState::queued);
  Rig next(rig, seconds(1));
  next.tick(seconds(100));
  next.expect({});
  CHECK(next.state(first) == TaskState::queued);
}

TEST_CASE("restart: a job that had ended and is opened again still has its deadline") {
  Rig rig(durable());
  const SessionId ann = rig.primary();
  rig.submit(ann, a_job().with_tasks(1).deadline_ms(60'000));
  rig.act(ann, JobAction::cancel, first);
  rig.take();
  Rig next(rig, seconds(30));
  const SessionId bob = next.primary("bob");
  next.act(bob, JobAction::retry, first);
  next.take();
  CHECK(next.state(first) == TaskState::queued);
  next.tick(seconds(30) - milliseconds(1));
  next.expect({});
  next.tick(milliseconds(1));
  next.expect({"Persist 4 JobActed{job=1 deed=6}"});
  CHECK(next.state(first) == TaskState::expired);
}

TEST_CASE("restart: a back-off ends at its own moment") {
  Rig rig(durable());
  const SessionId ann = rig.primary();
  const SessionId one = rig.worker(1);
  rig.submit(ann, a_job().with_tasks(1));
  rig.receive(one, Results{{Rig::error(rig.granted.at(0))}});
  rig.take();
  const TimePoint due = rig.core.state().find_job(first)->detail_of(0)->retry_at;
  CHECK(due > rig.now);
  Rig next(rig, milliseconds(1));
  next.step(Synced{});
  CHECK(next.core.next_wakeup() == due);
  next.tick(due - next.now);
  next.expect({"Persist 4 RetryDue{task=1:0}"});
}

TEST_CASE("restart: ages, run times and the time a finished job is kept go on") {
  Options options = durable();
  options.finished_jobs_kept = seconds(100);
  Rig rig(options);
  const SessionId ann = rig.primary();
  const SessionId one = rig.worker(1);
  rig.submit(ann, a_job().with_tasks(1));
  rig.advance(seconds(3));
  rig.start(one, rig.granted.at(0));
  rig.advance(seconds(4));
  rig.receive(one, Results{{Rig::ok(rig.granted.at(0))}});
  rig.take();
  Rig next(rig, seconds(50));
  const SessionId bob = next.primary("bob");
  const JobSummary told = summary(next, bob, first);
  CHECK(told.age_ms == 57'000);
  CHECK(told.run_ms == 7'000);
  next.tick(seconds(50) - milliseconds(1));
  next.expect({});
  next.tick(milliseconds(1));
  next.expect(
      {"Persist 5 JobForgotten{job=1 submit_id=* digest=16 bytes task_count=1}", "DropLogs job 1"});
}

TEST_CASE("restart: at most once, leased and listed by nobody within the grace, is failed") {
  Rig rig(durable());
  const SessionId ann = rig.primary();
  rig.worker(1, 2);
  rig.submit(ann, a_job().step("once", 2).once());
  REQUIRE(rig.granted.size() == 2);
  Rig next(rig, seconds(1));
  next.step(Synced{});
  next.tick(seconds(29));
  next.expect({});
  next.tick(seconds(1));
  next.take();
  CHECK(next.state(first, 0) == TaskState::failed);
  CHECK(next.state(first, 1) == TaskState::failed);
}

TEST_CASE("restart: at most once, cancelled while its worker was cut off, is not run beside it") {
  Rig rig(durable());
  const SessionId ann = rig.primary();
  const SessionId one = rig.worker(1);
  rig.submit(ann, a_job().with_tasks(1).once());
  rig.start(one, rig.granted.at(0));
  rig.act(ann, JobAction::cancel, first);
  rig.take();
  rig.step(PeerLost{one, "cut off"});
  rig.take();
  REQUIRE(rig.state(first) == TaskState::cancelled);
  Rig next(rig, seconds(1));
  const SessionId bob = next.primary("bob");
  next.worker(2);
  next.act(bob, JobAction::retry, first);
  CHECK(next.only<ErrorReply>().error.code == static_cast<int>(Code::failed_precondition));
  CHECK(next.state(first) == TaskState::cancelled);
  next.tick(next.options().restart_grace);
  next.take();
  next.worker(3);
  next.act(bob, JobAction::retry, first);
  CHECK(Rig::assigned(next.take()).size() == 1);
}

TEST_CASE("restart: at most once goes on with the worker that lists it") {
  Rig rig(durable());
  const SessionId ann = rig.primary();
  rig.worker(1, 2);
  rig.submit(ann, a_job().step("once", 2).once());
  const AttemptId kept = rig.granted.at(0);
  Rig next(rig, seconds(1));
  const SessionId one = next.join(a_worker(1).slots(2).holds(kept, AttemptPhase::running));
  next.take();
  CHECK(next.state(first, kept.task.index) == TaskState::leased);
  CHECK(next.state(first, rig.granted.at(1).task.index) == TaskState::failed);
  next.receive(one, Results{{Rig::ok(kept)}});
  CHECK(next.only<ResultsOk>().attempts.size() == 1);
  CHECK(next.state(first, kept.task.index) == TaskState::succeeded);
}

TEST_CASE("restart: a timeout counts from the start, but waits for the grace of a lost worker") {
  Rig rig(durable());
  const SessionId ann = rig.primary();
  const SessionId one = rig.worker(1);
  rig.submit(ann, a_job().with_tasks(1).timeout_ms(100'000));
  const AttemptId attempt = rig.granted.at(0);
  rig.start(one, attempt);
  SUBCASE("it comes at its own moment") {
    Rig next(rig, seconds(20));
    next.join(a_worker(1).holds(attempt, AttemptPhase::running));
    next.take();
    for (int i = 0; i < 79; ++i) {
      next.now += seconds(1);
      next.receive(SessionId{3}, next.beat({Rig::status(attempt, AttemptPhase::running)}));
      next.take();
    }
    CHECK(next.state(first) == TaskState::running);
    next.tick(seconds(1));
    next.take();
    CHECK(next.state(first) == TaskState::cancelling);
  }
  SUBCASE("it passed while nobody could report") {
    Rig next(rig, seconds(200));
    next.step(Tick{});
    next.expect({});
    const SessionId back = next.join(a_worker(1).holds(attempt, AttemptPhase::reporting));
    next.take();
    next.receive(back, Results{{Rig::ok(attempt)}});
    next.take();
    CHECK(next.state(first) == TaskState::succeeded);
  }
}

TEST_CASE("sync: an Assign that waits for a slow sync is not missed by heartbeats") {
  Rig rig(durable());
  const SessionId ann = rig.primary();
  const SessionId one = rig.worker(1);
  rig.submit(ann, a_job().with_tasks(1).once());
  for (int i = 0; i < 40; ++i) {
    rig.now += seconds(1);
    rig.receive(one, rig.beat({}));
    rig.take();
    rig.step(Tick{});
    rig.take();
  }
  CHECK(rig.state(first) == TaskState::leased);
  rig.step(Synced{2});
  rig.expect({});
  rig.now += milliseconds(500);  // on its way
  rig.receive(one, rig.beat({}));
  rig.take();
  CHECK(rig.state(first) == TaskState::leased);
  for (int i = 0; i < 3; ++i) {
    rig.now += seconds(1);
    rig.receive(one, rig.beat({}));
    rig.take();
  }
  CHECK(rig.state(first) == TaskState::failed);
  CHECK(rig.hits(7) == 1);
}

TEST_CASE("sync: an attempt that may be dispatched before its sync is missed as ever") {
  Rig rig(durable());
  const SessionId ann = rig.primary();
  const SessionId one = rig.worker(1);
  rig.submit(ann, a_job().with_tasks(1));
  for (int i = 0; i < 3; ++i) {
    rig.now += seconds(1);
    rig.receive(one, rig.beat({}));
    rig.take();
  }
  CHECK(rig.hits(7) >= 1);
}

TEST_CASE("replay: what compaction leaves of a forgotten job is enough") {
  Options options = durable();
  options.finished_jobs_kept = seconds(10);
  Rig rig(options);
  const SessionId ann = rig.primary();
  const Submit message{1, {{9}}, a_job().with_tasks(3).spec};
  rig.receive(ann, message);
  rig.take();
  rig.act(ann, JobAction::cancel, first);
  rig.take();
  rig.tick(seconds(10));
  rig.take();
  ++options.epoch;
  Core compacted(options, 3);
  compacted.restore(3, rig.times.at(2), rig.journal.at(2));
  CHECK(durable_dump(compacted.state()) == durable_dump(rig.core.state()));
  Actions out;
  Hello hello;
  hello.role = Role::primary;
  compacted.step(rig.now, PeerHello{SessionId{1}, hello, ""}, out);
  out.clear();
  compacted.step(rig.now, Received{SessionId{1}, message, {}}, out);
  compacted.check_invariants();
  const auto known = Rig::all<SubmitOk>(out);
  REQUIRE(known.size() == 1);
  CHECK(known[0].known);
  CHECK(known[0].job == first);
  CHECK(known[0].task_count == 3);
}

TEST_CASE("replay: the end of every exclusion is recorded with the grant that ends it") {
  Options options = durable();
  options.retry_base = options.retry_max = milliseconds(1);
  Rig rig(options);
  const SessionId ann = rig.primary();
  const SessionId one = rig.worker(1);
  rig.submit(ann, a_job().with_tasks(1).attempts(9));
  for (int i = 0; i < 3; ++i) {
    rig.receive(one, Results{{Rig::error(rig.granted.at(0))}});
    rig.take();
    rig.tick(milliseconds(1));
    rig.granted = Rig::assigned(rig.take());
    REQUIRE(rig.granted.size() == 1);
  }
  CHECK(rig.core.state().counters.exclusions_lapsed == 1);
  CHECK(std::get<TaskGranted>(rig.journal.back()).lapse);
  CHECK(rig.replayed()->state().find_job(first)->failures_of.empty());
}

TEST_CASE("watch: a cursor of an earlier start of the broker goes on without gap or repeat") {
  Rig rig(durable());
  const SessionId ann = rig.primary();
  const SessionId one = rig.worker(1);
  rig.submit(ann, a_job().with_tasks(3));
  rig.receive(one, Results{{Rig::ok(rig.granted.at(0))}});
  rig.granted = Rig::assigned(rig.take());
  rig.receive(ann, Watch{5, first, {}, false});
  const auto before = rig.only<framebus::Events>().events;
  const Cursor cursor = before.at(0).cursor;
  CHECK(cursor.lsn > 0);
  rig.receive(one, Results{{Rig::ok(rig.granted.at(0))}});
  rig.take();
  Rig next(rig, seconds(1));
  const SessionId back = next.primary();
  next.receive(back, Watch{5, first, cursor, false});
  const auto events = next.only<framebus::Events>().events;
  REQUIRE(!events.empty());
  CHECK(events[0].task.task.index == 1);
  CHECK(events[0].cursor.epoch == 2);
  for (const auto& event : events) {
    const bool repeats = event.kind == EventKind::task && event.task.task.index == 0;
    CHECK(!repeats);
  }
  // What was never told is not believed: an lsn above the end of the journal, an epoch to come.
  for (const Cursor wrong : {Cursor{1, 999}, Cursor{9, 1}}) {
    next.receive(back, Watch{6, first, wrong, false});
    const auto all = next.only<framebus::Events>().events;
    CHECK(all.at(0).task.task.index == 0);
    next.receive(back, Unwatch{6});
  }
}

TEST_CASE("watch: without a store, a cursor of another start counts for nothing") {
  Options options;
  options.epoch = 7;
  Rig rig(options);
  const SessionId ann = rig.primary();
  const SessionId one = rig.worker(1);
  rig.submit(ann, a_job().with_tasks(1));
  rig.receive(one, Results{{Rig::ok(rig.granted.at(0))}});
  rig.take();
  rig.receive(ann, Watch{5, first, {6, 3}, false});
  CHECK(rig.only<framebus::Events>().events.at(0).kind == EventKind::task);
  rig.receive(ann, Watch{6, first, {7, 3}, false});
  CHECK(rig.only<framebus::Events>().events.at(0).kind == EventKind::live);
}

TEST_CASE("restart: numbers that only the archive knows are not given again") {
  Options options = durable();
  options.archive = true;
  Rig rig(options);
  rig.core.reserve_jobs(JobId{41});
  const SessionId ann = rig.primary();
  CHECK(rig.submit(ann, a_job().with_tasks(1)) == JobId{42});
  rig.receive(ann, Query{1, QueryKind::job, {JobId{41}, 0}, 0, 0});
  rig.expect({"LoadArchived job 41"});
}

TEST_CASE("restart: numbers of records go on behind those that only the archive knows") {
  Rig rig(durable());
  rig.core.reserve_records(500);
  rig.journal_begins_after = 500;
  const SessionId ann = rig.primary();
  rig.submit(ann, a_job().with_tasks(1));
  REQUIRE_FALSE(rig.journal.empty());
  CHECK(rig.core.state().lsn == 500 + rig.journal.size());
}
