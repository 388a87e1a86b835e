// Rows 19 to 33 of the task table.
#include "tests/broker/rig.h"

using namespace framebus;
using namespace framebus::broker;
using namespace framebus::broker::test;

namespace {

struct Farm : Rig {
  SessionId ann, one;
  explicit Farm(Options options = {}) : Rig(options), ann(primary()), one(worker(1)) {}
  AttemptId grant(JobBuilder builder) {
    submit(ann, builder);
    REQUIRE(!granted.empty());
    return granted.front();
  }
};

const JobId first{1};

}  // namespace

TEST_CASE("row 19: what waits is cancelled at once, and the reply waits for the record") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.submit(ann, a_job().with_tasks(3));
  rig.act(ann, JobAction::cancel, first);
  rig.expect(
      {"Persist 2 JobActed{job=1 deed=1 by=\"ann\"}",
       "Send session 1 ActOk{request=2 changed=3 job={id=1 name=\"job\" owner=\"ann\" "
       "state=cancelled task_count=3 counts=[{state=cancelled count=3}] steps=[{name=\"work\" "
       "type=\"echo\" task_count=3}]}} after 2"});
  CHECK(rig.hits(19) == 3);
}

TEST_CASE("row 20: what runs is told to stop and has its grace") {
  Farm rig;
  const AttemptId attempt = rig.grant(a_job().with_tasks(1));
  rig.start(rig.one, attempt);
  rig.act(rig.ann, JobAction::cancel, first);
  rig.expect({"Persist 4 JobActed*",
              "Send session 2 Abort{attempts=[{task=1:0 token=1.1}] reason=1 grace_ms=10000}",
              "Send session 1 ActOk* after 4"});
  CHECK(rig.state(first) == TaskState::cancelling);
}

TEST_CASE("row 21: a result that is recorded before the cancel is done wins") {
  Farm rig;
  const AttemptId attempt = rig.grant(a_job().with_tasks(1));
  rig.act(rig.ann, JobAction::cancel, first);
  rig.take();
  rig.receive(rig.one, Results{{Rig::ok(attempt)}});
  rig.take();
  CHECK(rig.job_state(first) == JobState::succeeded);
  CHECK(rig.hits(21) == 1);
}

TEST_CASE("row 22: Aborted, an error or a loss ends a cancelled task, without another try") {
  for (int way = 0; way < 4; ++way) {
    Farm rig;
    const AttemptId attempt = rig.grant(a_job().with_tasks(1));
    rig.start(rig.one, attempt);
    rig.act(rig.ann, JobAction::cancel, first);
    rig.take();
    if (way == 0) rig.receive(rig.one, Aborted{{attempt}});
    if (way == 1) rig.receive(rig.one, Results{{Rig::error(attempt)}});
    if (way == 2) rig.step(PeerLost{rig.one, "closed"});
    if (way == 3) rig.tick(seconds(15));
    rig.take();
    CHECK(rig.state(first) == TaskState::cancelled);
    CHECK(rig.hits(22) == 1);
  }
}

TEST_CASE("row 23: cancelling again changes nothing and says how it is") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.submit(ann, a_job().with_tasks(2));
  rig.act(ann, JobAction::cancel, first);
  rig.take();
  rig.act(ann, JobAction::cancel, first);
  const ActOk reply = rig.only<ActOk>();
  CHECK(reply.changed == 0);
  CHECK(reply.unchanged == 2);
  CHECK(reply.job.state == JobState::cancelled);
  CHECK(rig.hits(23) == 2);
}

TEST_CASE("row 24: a timeout aborts, the abort counts as an attempt and it is tried again") {
  Farm rig;
  const AttemptId attempt = rig.grant(a_job().with_tasks(1).timeout_ms(2000));
  rig.start(rig.one, attempt);
  rig.tick(seconds(2));
  rig.expect({"Persist 4 TaskCancelling{task=1:0 token=1.1 reason=2 error={code=11 *",
              "Send session 2 Abort{attempts=[{task=1:0 token=1.1}] reason=2 grace_ms=10000}"});
  rig.receive(rig.one, Aborted{{attempt}});
  rig.expect({"Persist 5 AttemptEnded{task=1:0 token=1.1 row=22 end=9 next=retry_wait blame=1 *"});
}

TEST_CASE("row 24: at most once fails by a timeout") {
  Farm rig;
  const AttemptId attempt = rig.grant(a_job().with_tasks(1).timeout_ms(2000).once());
  rig.start(rig.one, attempt);
  rig.tick(seconds(2));
  rig.take();
  rig.receive(rig.one, Aborted{{attempt}});
  rig.take();
  CHECK(rig.state(first) == TaskState::failed);
}

TEST_CASE("row 24: progress puts the progress timeout off") {
  Farm rig;
  JobBuilder builder = a_job().with_tasks(1);
  builder.last().progress_timeout_ms = 2000;
  const AttemptId attempt = rig.grant(builder);
  rig.start(rig.one, attempt);
  for (std::uint32_t i = 1; i <= 3; ++i) {
    rig.tick(milliseconds(1500));
    rig.take();
    AttemptStatus status = Rig::status(attempt, AttemptPhase::running);
    status.progress_permille = i;
    rig.receive(rig.one, Progress{{status}});
    rig.take();
  }
  CHECK(rig.state(first) == TaskState::running);
  rig.tick(milliseconds(2000));
  rig.take();
  CHECK(rig.state(first) == TaskState::cancelling);
}

TEST_CASE("row 25: a retry by a person starts anew, and abandoned dependents are held again") {
  Farm rig;
  const AttemptId attempt = rig.grant(a_job().step("a", 1).step("b", 2).after(0));
  rig.receive(rig.one, Results{{Rig::error(attempt, true)}});
  rig.take();
  CHECK(rig.state(first, 2) == TaskState::abandoned);
  rig.act(rig.ann, JobAction::retry, first, {0});
  const Actions actions = rig.take();
  CHECK(Rig::all<ActOk>(actions).front().changed == 1);
  CHECK(Rig::assigned(actions).size() == 1);
  CHECK(rig.state(first, 1) == TaskState::held);
  CHECK(rig.state(first, 2) == TaskState::held);
  CHECK(rig.job_state(first) == JobState::running);
  // The history is kept, the old token is worth nothing.
  CHECK(rig.core.state().find_job(first)->detail_of(0)->attempts.size() == 2);
}

TEST_CASE("row 25: an at-most-once task is not retried while its worker may still run it") {
  Farm rig;
  const AttemptId attempt = rig.grant(a_job().with_tasks(1).once());
  rig.start(rig.one, attempt);
  rig.step(PeerLost{rig.one, "closed"});
  rig.take();
  rig.act(rig.ann, JobAction::retry, first);
  CHECK(rig.only<ErrorReply>().error.code == static_cast<int>(Code::failed_precondition));
  rig.tick(seconds(26));
  rig.act(rig.ann, JobAction::retry, first);
  CHECK(rig.only<ActOk>().changed == 1);
}

TEST_CASE("row 26: a draining worker keeps what it has and gets nothing new") {
  Farm rig;
  rig.grant(a_job().with_tasks(2));
  Heartbeat beat = rig.beat({Rig::status(rig.granted.front(), AttemptPhase::running)}, 2);
  beat.draining = true;
  rig.receive(rig.one, beat);
  rig.take();
  CHECK(rig.state(first, 0) == TaskState::running);
  CHECK(rig.state(first, 1) == TaskState::queued);
  CHECK(rig.hits(26) == 1);
  rig.receive(rig.one, Goodbye{"drained"});
  rig.expect({"Persist 4 AttemptEnded{task=1:0 token=1.1 row=10 end=4 next=queued blame=3 *",
              "CloseSession session 2 goodbye"});
}

TEST_CASE("row 27: a job goes on when its primary disconnects") {
  Farm rig;
  const AttemptId attempt = rig.grant(a_job().with_tasks(1));
  rig.step(PeerLost{rig.ann, "closed"});
  rig.expect({});
  rig.receive(rig.one, Results{{Rig::ok(attempt)}});
  rig.take();
  CHECK(rig.job_state(first) == JobState::succeeded);
  CHECK(rig.hits(27) == 1);
}

TEST_CASE("row 28: a watch from a cursor gets what was recorded after it, then live events") {
  Farm rig;
  const AttemptId attempt = rig.grant(a_job().with_tasks(2));
  rig.receive(rig.one, Results{{Rig::ok(attempt)}});
  const AttemptId second = Rig::assigned(rig.take()).front();
  rig.receive(rig.one, Results{{Rig::ok(second)}});
  rig.take();
  rig.receive(rig.ann, Watch{9, first, {1, 3}, false});
  const auto events = rig.only<framebus::Events>();
  REQUIRE(events.events.size() == 3);
  CHECK(events.events[0].task.task.index == 1);
  CHECK(events.events[0].cursor == Cursor{1, 5});
  CHECK(events.events[1].kind == EventKind::live);
  CHECK(events.events[2].kind == EventKind::job);
  CHECK(events.events[2].job.state == JobState::succeeded);
}

TEST_CASE("row 29: what waits for a task that ended badly is abandoned, down the line") {
  Farm rig;
  const AttemptId attempt =
      rig.grant(a_job().step("a", 1).step("b", 1).after(0).step("c", 1).after(1));
  rig.receive(rig.one, Results{{Rig::error(attempt, true)}});
  rig.take();
  CHECK(rig.state(first, 1) == TaskState::abandoned);
  CHECK(rig.state(first, 2) == TaskState::abandoned);
  CHECK(rig.hits(29) == 2);
  CHECK(rig.job_state(first) == JobState::failed);
}

TEST_CASE("row 30: running work survives a restart of the broker") {
  Farm before;
  const AttemptId attempt = before.grant(a_job().with_tasks(1));
  before.start(before.one, attempt);
  const auto core = before.replayed();
  Actions out;
  const SessionId session{50};
  core->step(before.now,
             PeerHello{session, a_worker(1).holds(attempt, AttemptPhase::running).hello, ""}, out);
  core->check_invariants();
  CHECK(core->state().find_job(first)->tasks[0].state == TaskState::running);
  CHECK(Rig::all<Abort>(out).empty());
  out.clear();
  core->step(before.now, Received{session, Results{{Rig::ok(attempt)}}, {}}, out);
  CHECK(Rig::all<ResultsOk>(out).size() == 1);
}

TEST_CASE("row 30: a grant whose record was lost is adopted by its MAC") {
  Farm before;
  const AttemptId attempt = before.grant(a_job().with_tasks(1));
  before.journal.pop_back();  // the grant never reached the disk
  const auto core = before.replayed();
  Actions out;
  core->step(before.now,
             PeerHello{SessionId{50}, a_worker(1).holds(attempt, AttemptPhase::running).hello, ""},
             out);
  core->check_invariants();
  CHECK(core->state().find_job(first)->tasks[0].state == TaskState::running);
  CHECK(core->state().row_hits()[30] == 1);
  CHECK(std::get<Persist>(out[2]).record ==
        Record(GrantAdopted{attempt.task, attempt.token, worker_id(1), "w1:1", true}));
}

TEST_CASE("row 30: a forged or an outdated token is not adopted but told to stop") {
  Farm rig;
  AttemptId attempt = rig.grant(a_job().with_tasks(1));
  attempt.token.mac[0] ^= 1;
  attempt.token.grant = 99;
  rig.join(a_worker(2).holds(attempt, AttemptPhase::running));
  const Actions actions = rig.take();
  CHECK(Rig::all<Abort>(actions).size() == 1);
  CHECK(rig.core.state().counters.results_forged == 1);
}

TEST_CASE("row 30: the same worker's new session takes its attempts over") {
  Farm rig;
  const AttemptId attempt = rig.grant(a_job().with_tasks(1));
  rig.start(rig.one, attempt);
  rig.join(a_worker(1).holds(attempt, AttemptPhase::running));
  rig.expect({"Send session 3 Welcome*", "CloseSession session 2 *"});
  CHECK(rig.state(first) == TaskState::running);
}

TEST_CASE("row 31: results of jobs that are unknown here are told to be forgotten") {
  Farm rig;
  AttemptId unknown;
  unknown.task = {JobId{77}, 3};
  rig.receive(rig.one, Results{{Rig::ok(unknown)}});
  rig.expect({"Send session 2 ResultRejected{attempt={task=77:3} reason=3}"});
  CHECK(rig.hits(31) == 1);
}

TEST_CASE("row 32: pause holds what waits and lets go on what runs, resume releases") {
  Farm rig;
  const AttemptId attempt = rig.grant(a_job().with_tasks(3));
  rig.act(rig.ann, JobAction::pause, first);
  CHECK(rig.only<ActOk>().changed == 2);
  CHECK(rig.job_state(first) == JobState::paused);
  rig.receive(rig.one, Results{{Rig::ok(attempt)}});
  CHECK(Rig::assigned(rig.take()).empty());
  rig.act(rig.ann, JobAction::resume, first);
  CHECK(Rig::assigned(rig.take()).size() == 1);
  CHECK(rig.hits(32) == 2);
}

TEST_CASE("row 33: on_failure stop abandons what has not started and keeps what runs") {
  Farm rig;
  rig.worker(2);
  const AttemptId attempt = rig.grant(a_job().with_tasks(5).stopping());
  const AttemptId other = rig.granted.at(1);
  const SessionId holder = other.task.index == 0 ? rig.one : SessionId{3};
  rig.receive(rig.one, Results{{Rig::error(attempt.task.index == 0 ? attempt : other, true)}});
  rig.take();
  CHECK(rig.hits(33) == 3);
  rig.receive(holder, Results{{Rig::ok(other)}});
  rig.take();
  CHECK(rig.state(first, 1) == TaskState::succeeded);
  CHECK(rig.job_state(first) == JobState::failed);
}

TEST_CASE("Aborted of a reclaimed attempt puts the task back without any count") {
  Options options;
  Rig rig(options);
  const SessionId ann = rig.primary();
  const SessionId one = rig.join(a_worker(1).slots(1).prefetch(1));
  rig.take();
  rig.submit(ann, a_job().with_tasks(2));
  REQUIRE(rig.granted.size() == 2);
  rig.start(one, rig.granted[0]);
  rig.join(a_worker(2));
  rig.take();
  rig.receive(one, rig.beat({Rig::status(rig.granted[0], AttemptPhase::running),
                             Rig::status(rig.granted[1], AttemptPhase::queued)},
                            2));
  rig.expect({"Send session 2 HeartbeatAck*",
              "Send session 2 Abort{attempts=[{task=1:1 token=1.2}] reason=4 grace_ms=10000}"});
  rig.receive(one, Aborted{{rig.granted[1]}});
  rig.expect({"Persist 5 AttemptEnded{task=1:1 token=1.2 end=7 next=queued uncounted=1}",
              "Persist 6 TaskGranted{task=1:1 token=1.3 worker=02000000 worker_name=\"w2:1\"}",
              "Send session 3 Assign*"});
}

TEST_CASE(
    "row 33: after a retry by a person the job stops at the next failure, not at the next end") {
  Farm rig;
  const AttemptId attempt = rig.grant(a_job().with_tasks(4).stopping());
  rig.receive(rig.one, Results{{Rig::error(attempt, true)}});
  rig.take();
  CHECK(rig.job_state(first) == JobState::failed);
  rig.act(rig.ann, JobAction::retry, first, {1, 2});
  const AttemptId again = Rig::assigned(rig.take()).at(0);
  rig.receive(rig.one, Results{{Rig::ok(again)}});
  const AttemptId last = Rig::assigned(rig.take()).at(0);
  CHECK(rig.state(first, 1) == TaskState::succeeded);
  rig.receive(rig.one, Results{{Rig::ok(last)}});
  rig.take();
  CHECK(rig.state(first, 2) == TaskState::succeeded);
  CHECK(rig.job_state(first) == JobState::failed);
}

TEST_CASE("row 30: a worker that comes back with its attempt is forgiven its crash") {
  Farm rig;
  const AttemptId attempt = rig.grant(a_job().with_tasks(1));
  rig.start(rig.one, attempt);
  rig.step(PeerLost{rig.one, "cable"});
  rig.take();
  const TaskDetail& detail = *rig.core.state().find_job(first)->detail_of(0);
  CHECK(detail.crashes == 1);
  rig.join(a_worker(1).holds(attempt, AttemptPhase::running));
  rig.expect({"Send session 3 Welcome*",
              "Persist 5 GrantAdopted{task=1:0 token=1.1 worker=01000000 worker_name=\"w1:1\" "
              "running=1}"});
  CHECK(detail.crashes == 0);
  CHECK(rig.state(first) == TaskState::running);
}

TEST_CASE("row 30: a grant is not adopted when the end of what it waits for was lost") {
  Farm before;
  const AttemptId attempt = before.grant(a_job().step("a", 1).step("b", 1).after(0));
  before.receive(before.one, Results{{Rig::ok(attempt)}});
  const AttemptId second = Rig::assigned(before.take()).at(0);
  before.journal.resize(2);  // TaskEnded and the second grant never reached the disk
  const auto core = before.replayed();
  Actions out;
  const WorkerBuilder builder =
      a_worker(1).holds(attempt, AttemptPhase::reporting).holds(second, AttemptPhase::running);
  core->step(before.now, PeerHello{SessionId{50}, builder.hello, ""}, out);
  core->check_invariants();
  CHECK(core->state().find_job(first)->tasks[0].state == TaskState::leased);
  CHECK(core->state().find_job(first)->tasks[1].state == TaskState::held);
  CHECK(Rig::all<Abort>(out).at(0).attempts.at(0) == second);
}

TEST_CASE("restart: recovered leases have the restart grace, then their tasks are granted again") {
  Farm before;
  const AttemptId attempt = before.grant(a_job().with_tasks(1));
  before.start(before.one, attempt);
  const auto core = before.replayed();
  TimePoint now = before.now;
  Actions out;
  core->step(now, PeerHello{SessionId{50}, a_worker(2).hello, ""}, out);
  now += seconds(29);
  core->step(now, Received{SessionId{50}, before.beat({}), {}}, out);
  core->step(now, Tick{}, out);
  CHECK(Rig::assigned(out).empty());
  now += seconds(1);
  core->step(now, Tick{}, out);
  core->check_invariants();
  CHECK(Rig::assigned(out).size() == 1);
}

TEST_CASE("Aborted of an attempt that started while it was asked back counts nothing either") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.join(a_worker(1).slots(1).prefetch(1));
  rig.take();
  rig.submit(ann, a_job().with_tasks(2));
  rig.start(one, rig.granted[0]);
  rig.join(a_worker(2));
  rig.take();
  rig.receive(one, rig.beat({Rig::status(rig.granted[0], AttemptPhase::running),
                             Rig::status(rig.granted[1], AttemptPhase::queued)},
                            2));
  CHECK(rig.only<Abort>().reason == AbortReason::reclaimed);
  rig.start(one, rig.granted[1]);
  rig.receive(one, Aborted{{rig.granted[1]}});
  rig.expect({"Persist 6 AttemptEnded{task=1:1 token=1.2 row=10 end=7 next=queued uncounted=1}",
              "Persist 7 TaskGranted*", "Send session 3 Assign*"});
  CHECK(rig.core.state().find_job(first)->detail_of(1)->losses == 0);
}

TEST_CASE("order: an Abort never overtakes its own Assign, and delays no other Abort") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.join(a_worker(1).slots(3));
  rig.take();
  rig.submit(ann, a_job().step("once", 2).once().step("plain", 1));
  REQUIRE(rig.granted.size() == 3);
  const std::uint64_t assigned_after = rig.journal.size();
  rig.act(ann, JobAction::cancel, first);
  const Actions actions = rig.take();
  std::size_t once = 0, plain = 0;
  for (const Action& action : actions) {
    const auto* send = std::get_if<Send>(&action);
    const auto* abort = send == nullptr ? nullptr : std::get_if<Abort>(&send->message);
    if (abort == nullptr) continue;
    for (const AttemptId& each : abort->attempts) {
      const bool is_once = each.task.index < 2;
      (is_once ? once : plain) += 1;
      if (!is_once) CHECK(send->after_lsn == 0);
      if (is_once) CHECK(send->after_lsn > 0);
      if (is_once) CHECK(send->after_lsn <= assigned_after);
    }
  }
  CHECK(once == 2);
  CHECK(plain == 1);
}

TEST_CASE("order: an at-most-once attempt's Abort waits exactly as long as its Assign did") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.worker(1);
  rig.receive(ann, Submit{1, {{1}}, a_job().with_tasks(1).once().spec});
  const auto sent_after = [](const Actions& actions, auto type) {
    for (const Action& action : actions) {
      const auto* send = std::get_if<Send>(&action);
      if (send != nullptr && std::holds_alternative<decltype(type)>(send->message)) {
        return send->after_lsn;
      }
    }
    return std::uint64_t{0};
  };
  const std::uint64_t assign_lsn = sent_after(rig.take(), Assign{});
  REQUIRE(assign_lsn == 2);
  for (int i = 0; i < 2; ++i) {  // row 7: omitted twice, while the Assign may still wait here
    rig.advance(seconds(1));
    rig.receive(SessionId{2}, rig.beat({}, 0));
    if (i == 0) rig.take();
  }
  CHECK(sent_after(rig.take(), Abort{}) == assign_lsn);
}
