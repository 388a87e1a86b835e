// Orders to workers: the broker acts at once and tells the worker, again and again if it must.
#include "tests/broker/rig.h"

using namespace framebus;
using namespace framebus::broker;
using namespace framebus::broker::test;

namespace {

void order(Rig& rig, SessionId from, WorkerAction action, std::uint8_t worker,
           std::string reason = "") {
  rig.receive(from, Administer{7, action, worker_id(worker), std::move(reason)});
}

WorkerSummary shown(Rig& rig, SessionId ann) {
  Query query;
  query.kind = QueryKind::workers;
  rig.receive(ann, query);
  return rig.only<QueryReply>().workers.at(0);
}

}  // namespace

TEST_CASE("administer: a drained worker finishes what it has and is granted nothing more") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.worker(1);
  rig.submit(ann, a_job().with_tasks(2));
  const AttemptId first = rig.granted.at(0);
  order(rig, ann, WorkerAction::drain, 1, "new disk");
  const Actions actions = rig.take();
  REQUIRE(actions.size() == 2);
  CHECK(to_string(actions[0]) == "Send session 2 Order{action=1 reason=\"new disk\"}");
  const auto reply = Rig::all<AdministerOk>(actions).at(0);
  CHECK(reply.request == 7);
  CHECK(reply.worker.state == WorkerState::draining);
  CHECK(reply.worker.reason == "drained by ann (new disk)");
  CHECK(rig.hits(26) == 1);
  rig.receive(one, Results{{Rig::ok(first)}});
  CHECK(Rig::assigned(rig.take()).empty());
  // Heartbeats do not lift it, as long as the worker has not been told.
  rig.receive(one, rig.beat({}));
  CHECK(Rig::assigned(rig.take()).empty());
  order(rig, ann, WorkerAction::drain, 1, "new disk");
  CHECK(Rig::all<AdministerOk>(rig.take()).size() == 1);
  order(rig, ann, WorkerAction::resume, 1);
  rig.expect({"Send session 2 Order{action=2}", "Send session 1 AdministerOk*",
              "Persist * TaskGranted*", "Send session 2 Assign*"});
}

TEST_CASE(
    "administer: a worker that drains by its own will goes on draining after a resume until it "
    "says otherwise") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.worker(1);
  Heartbeat beat = rig.beat({});
  beat.draining = true;
  beat.reason = "told by a signal";
  rig.receive(one, beat);
  rig.take();
  CHECK(shown(rig, ann).reason == "told by a signal");
  order(rig, ann, WorkerAction::resume, 1);
  CHECK(Rig::all<AdministerOk>(rig.take()).at(0).worker.state == WorkerState::draining);
  rig.receive(one, rig.beat({}));
  rig.take();
  CHECK(shown(rig, ann).state == WorkerState::ready);
}

TEST_CASE("administer: an order outlives a lost connection of the same process, not the process") {
  for (const WorkerAction action : {WorkerAction::drain, WorkerAction::restart}) {
    Rig rig;
    const SessionId ann = rig.primary();
    const SessionId one = rig.worker(1);
    order(rig, ann, action, 1);
    rig.take();
    rig.step(PeerLost{one, "closed"});
    rig.submit(ann, a_job().with_tasks(1));
    const SessionId again = rig.join(a_worker(1));
    const Actions actions = rig.take();
    REQUIRE(Rig::all<Order>(actions).size() == 1);
    CHECK(Rig::all<Order>(actions).at(0).action == action);
    CHECK(Rig::assigned(actions).empty());
    rig.step(PeerLost{again, "restarted"});
    rig.join(a_worker(1).process(99));
    CHECK(Rig::assigned(rig.take()).size() == 1);
  }
}

TEST_CASE("administer: a goodbye ends an order, also when the next process has the same number") {
  for (const WorkerAction action : {WorkerAction::drain, WorkerAction::restart}) {
    Rig rig;
    const SessionId ann = rig.primary();
    const SessionId one = rig.worker(1);
    order(rig, ann, action, 1);
    rig.take();
    rig.receive(one, Goodbye{"drained, starting anew"});
    rig.take();
    rig.submit(ann, a_job().with_tasks(1));
    rig.join(a_worker(1));
    const Actions actions = rig.take();
    CHECK(Rig::all<Order>(actions).empty());
    CHECK(Rig::assigned(actions).size() == 1);
  }
}

TEST_CASE(
    "administer: a removed worker loses its session and tasks, its id is refused for a while") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.worker(1);
  const JobId job = rig.submit(ann, a_job().with_tasks(1));
  rig.start(one, rig.granted.at(0));
  order(rig, ann, WorkerAction::remove, 1, "on fire");
  rig.expect({"Send session 2 Order{action=4 reason=\"on fire\"}",
              "Persist 4 AttemptEnded{task=1:0 token=1.1 row=10 end=4 next=queued blame=3 *",
              "CloseSession session 2 removed by ann (on fire)",
              "Send session 1 AdministerOk{request=7 worker={*state=6 reason=\"removed by ann (on "
              "fire)\"*"});
  CHECK(rig.state(job) == TaskState::queued);
  rig.join(a_worker(1));
  const Actions refused = rig.take();
  const WireError error = Rig::all<Refused>(refused).at(0).error;
  CHECK(error.code == static_cast<int>(Code::permission_denied));
  CHECK(error.message.find("was removed by ann (on fire)") != std::string::npos);
  CHECK(error.retry_after_ms == to_ms(removed_for));
  rig.tick(removed_for);
  rig.take();
  rig.join(a_worker(1));
  CHECK(Rig::assigned(rig.take()).size() == 1);
  CHECK(rig.core.state().removed.empty());
}

TEST_CASE("administer: a removed worker may come back when it is resumed") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.worker(1);
  order(rig, ann, WorkerAction::remove, 1);
  rig.take();
  order(rig, ann, WorkerAction::resume, 1);
  rig.take();
  rig.join(a_worker(1));
  CHECK(Rig::all<Welcome>(rig.take()).size() == 1);
}

TEST_CASE("administer: removing twice forgets the worker, and its commands are answered") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.commandable(1, {"step"});
  rig.command(ann, 8, CommandTarget::all, "step");
  rig.take();
  order(rig, ann, WorkerAction::remove, 1);
  const Actions actions = rig.take();
  CHECK(Rig::all<CommandDone>(actions).at(0).answers.at(0).error.code ==
        static_cast<int>(Code::worker_lost));
  order(rig, ann, WorkerAction::remove, 1);
  CHECK(rig.only<AdministerOk>().worker.state == WorkerState::lost);
  CHECK(rig.core.state().workers.empty());
  order(rig, ann, WorkerAction::remove, 1);
  const auto reply = rig.only<AdministerOk>();
  CHECK(reply.worker.info.id == worker_id(1));
  CHECK(reply.worker.reason == "removed by ann");
}

TEST_CASE("administer: unknown workers, actions and overlong reasons are refused") {
  Rig rig;
  const SessionId ann = rig.primary();
  order(rig, ann, WorkerAction::drain, 9);
  CHECK(rig.only<ErrorReply>().error.code == static_cast<int>(Code::not_found));
  order(rig, ann, WorkerAction::resume, 9);
  CHECK(rig.only<ErrorReply>().error.code == static_cast<int>(Code::not_found));
  rig.worker(1);
  order(rig, ann, WorkerAction::none, 1);
  CHECK(rig.only<ErrorReply>().error.message.starts_with("action"));
  order(rig, ann, WorkerAction::drain, 1, std::string(300, 'x'));
  CHECK(rig.only<ErrorReply>().error.message.starts_with("reason"));
}

TEST_CASE("administer: every order leaves a note of who gave it") {
  Core core({}, 1);
  Actions out;
  Hello hello;
  hello.role = Role::primary;
  hello.principal = "ann";
  const TimePoint now{seconds(1)};
  core.step(now, PeerHello{SessionId{1}, hello, "test"}, out);
  core.step(now, PeerHello{SessionId{2}, a_worker(1).hello, "test"}, out);
  out.clear();
  Administer message{7, WorkerAction::drain, worker_id(1), "new disk"};
  core.step(now, Received{SessionId{1}, message, {}}, out);
  REQUIRE(!out.empty());
  CHECK(to_string(out.front()) == "Note 1 audit: ann drains worker w1:1 (new disk)");
}

TEST_CASE("worker states: each word is shown with its reason") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.worker(1);
  CHECK(shown(rig, ann).state == WorkerState::ready);
  const JobId job = rig.submit(ann, a_job().with_tasks(1));
  CHECK(shown(rig, ann).state == WorkerState::busy);
  CHECK(shown(rig, ann).reason == "every slot is taken: 1 attempt(s), 1 slot(s)");
  rig.tick(seconds(3));
  CHECK(shown(rig, ann).state == WorkerState::lagging);
  CHECK(shown(rig, ann).reason == "no heartbeat for 3000 ms");
  rig.receive(one, rig.beat({Rig::status(rig.granted.at(0), AttemptPhase::queued)}));
  rig.take();
  rig.step(PeerLost{one, "closed"});
  rig.take();
  CHECK(shown(rig, ann).state == WorkerState::lost);
  CHECK(shown(rig, ann).reason == "closed");
  CHECK(rig.state(job) == TaskState::queued);
}

TEST_CASE(
    "worker states: a worker that is known from before a restart is connecting until the grace is "
    "over") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.worker(1);
  rig.submit(ann, a_job().with_tasks(1));
  const auto copy = rig.replayed();
  Actions out;
  Hello hello;
  hello.role = Role::primary;
  copy->step(rig.now, PeerHello{SessionId{1}, hello, "test"}, out);
  Query query;
  query.kind = QueryKind::workers;
  for (const bool is_over : {false, true}) {
    if (is_over) rig.advance(rig.options().restart_grace);
    out.clear();
    copy->step(rig.now, Received{SessionId{1}, query, {}}, out);
    const WorkerSummary worker = Rig::all<QueryReply>(out).at(0).workers.at(0);
    CHECK(worker.state == (is_over ? WorkerState::lost : WorkerState::connecting));
    CHECK(worker.reason == "not back since the broker's restart");
  }
}
