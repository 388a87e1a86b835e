// Sticky commands: a worker is granted nothing before it is ready, late ones and stale ones are
// told apart, and a restart keeps them.
#include "tests/broker/rig.h"

using namespace framebus;
using namespace framebus::broker;
using namespace framebus::broker::test;

namespace {

Ready ready(std::uint64_t load_id, std::string verb = "scene") {
  return {load_id, std::move(verb), {}, {}};
}

}  // namespace

TEST_CASE("sticky: it is recorded, sent after its record, and answered by Ready") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.commandable(1, {"scene"});
  rig.sticky(ann, 7, "scene");
  rig.expect({"Persist 1 StickySet{load_id=1 command=\"scene\" payload=1 bytes}",
              "Send session 2 Prepare{load_id=1 verb=\"scene\" payload=1 bytes} after 1"});
  rig.receive(one, ready(1));
  rig.expect(
      {"Send session 1 CommandDone{request=7 answers=[{worker=01000000 "
       "worker_name=\"w1:1\"}] last=1 load_id=1} after 1"});
}

TEST_CASE("sticky: with no worker it is recorded all the same") {
  Rig rig;
  rig.sticky(rig.primary(), 7, "scene");
  rig.expect({"Persist 1 StickySet*",
              "Send session 1 CommandDone{request=7 last=1 load_id=1} "
              "after 1"});
}

TEST_CASE("sticky: a worker that joins prepares first and is granted nothing before it is ready") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.sticky(ann, 7, "scene");
  rig.take();
  rig.submit(ann, a_job().with_tasks(1));
  const SessionId one = rig.join(a_worker(1).knows({"scene"}));
  rig.expect({"Send session 2 Welcome*", "Send session 2 Prepare{load_id=1 *} after 1"});
  rig.receive(one, rig.beat({}));
  rig.expect({"Send session 2 HeartbeatAck*"});
  rig.receive(one, ready(1));
  rig.expect({"Persist 3 TaskGranted*", "Send session 2 Assign*"});
}

TEST_CASE("sticky: a worker that does not list it is granted tasks at once") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.sticky(ann, 7, "scene");
  rig.take();
  rig.submit(ann, a_job().with_tasks(1));
  rig.join(a_worker(1));
  rig.expect({"Send session 2 Welcome*", "Persist 3 TaskGranted*", "Send session 2 Assign*"});
}

TEST_CASE("sticky: for a worker that does not know it the request is answered not_found") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.commandable(1, {"other"});
  rig.sticky(ann, 7, "scene");
  rig.expect({"Persist 1 StickySet*",
              "Send session 1 CommandDone{request=7 answers=[{worker=01000000 "
              "worker_name=\"w1:1\" error={code=8 *}] last=1 load_id=1} after 1"});
}

TEST_CASE("sticky: a new one of the name supersedes, its predecessor is answered cancelled") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.commandable(1, {"scene"});
  rig.sticky(ann, 7, "scene");
  rig.take();
  rig.sticky(ann, 8, "scene");
  rig.expect({"Persist 2 StickySet{load_id=2 *", "Send session 2 Prepare{load_id=2 *} after 2",
              "Send session 1 CommandDone{request=7 answers=[{worker=01000000 "
              "worker_name=\"w1:1\" error={code=14 message=\"superseded by load 2\"}}] last=1 "
              "load_id=1} after 1"});
  rig.submit(ann, a_job().with_tasks(1));
  CHECK(rig.granted.empty());
  rig.receive(one, ready(1));
  rig.expect({});
  CHECK(rig.core.state().counters.readies_stale == 1);
  rig.receive(one, ready(2));
  CHECK(Rig::assigned(rig.take()).size() == 1);
}

TEST_CASE("sticky: every name has its own newest, all of them have to be ready") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.sticky(ann, 7, "scene:a");
  rig.take();
  rig.sticky(ann, 8, "scene:b");
  rig.take();
  rig.submit(ann, a_job().with_tasks(1));
  const SessionId one = rig.join(a_worker(1).knows({"scene"}));
  rig.expect({"Send session 2 Welcome*",
              "Send session 2 Prepare{load_id=1 verb=\"scene:a\" payload=1 bytes} after 1",
              "Send session 2 Prepare{load_id=2 verb=\"scene:b\" payload=1 bytes} after 2"});
  rig.receive(one, ready(2, "scene:b"));
  rig.expect({});
  rig.receive(one, ready(1, "scene:a"));
  CHECK(Rig::assigned(rig.take()).size() == 1);
}

TEST_CASE(
    "sticky: one that failed keeps the worker loading and says why, a later success lifts it") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.commandable(1, {"scene"});
  rig.sticky(ann, 7, "scene");
  rig.take();
  rig.receive(one, Ready{1, "scene", {8, "no such file", 0}, {}});
  rig.expect(
      {"Send session 1 CommandDone{request=7 answers=[{worker=01000000 "
       "worker_name=\"w1:1\" error={code=8 message=\"no such file\"}}] last=1 load_id=1} "
       "after 1"});
  const JobId job = rig.submit(ann, a_job().with_tasks(1));
  CHECK(rig.granted.empty());
  Query query;
  query.kind = QueryKind::workers;
  rig.receive(ann, query);
  const WorkerSummary worker = rig.only<QueryReply>().workers.at(0);
  CHECK(worker.state == WorkerState::loading);
  CHECK(worker.reason == "could not prepare 'scene' (load 1): no such file");
  query.kind = QueryKind::explain;
  query.task = {job, 0};
  rig.receive(ann, query);
  const Explanation line = rig.only<QueryReply>().explanations.at(0);
  CHECK(line.filter == "loading");
  CHECK(line.detail == worker.reason);
  rig.receive(one, ready(1));
  CHECK(Rig::assigned(rig.take()).size() == 1);
}

TEST_CASE("sticky: at the deadline the primary is answered and the worker goes on loading") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.commandable(1, {"scene"});
  rig.sticky(ann, 7, "scene");
  rig.take();
  for (int i = 0; i < 30; ++i) {
    rig.advance(seconds(1));
    rig.receive(one, rig.beat({}));
    rig.take();
  }
  rig.step(Tick{});
  rig.expect(
      {"Send session 1 CommandDone{request=7 answers=[{worker=01000000 "
       "worker_name=\"w1:1\" error={code=11 *}] last=1 load_id=1} after 1"});
  rig.submit(ann, a_job().with_tasks(1));
  CHECK(rig.granted.empty());
  rig.receive(one, ready(1));
  CHECK(Rig::assigned(rig.take()).size() == 1);
}

TEST_CASE("sticky: a Ready of an older session's load does not make the new one ready") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.commandable(1, {"scene"});
  rig.sticky(ann, 7, "scene");
  rig.take();
  const SessionId again = rig.join(a_worker(1).knows({"scene"}));
  rig.expect({"Send session 3 Welcome*",
              "CloseSession session 2 a newer connection of the same worker replaces it",
              "Send session 3 Prepare{load_id=1 *} after 1",
              "Send session 1 CommandDone{request=7 answers=[{worker=01000000 "
              "worker_name=\"w1:1\" error={code=21 *}] last=1 load_id=1} after 1"});
  rig.receive(again, ready(0));
  rig.expect({});
  CHECK(rig.core.state().workers.at(worker_id(1)).loading == 1);
}

TEST_CASE("sticky: a Prepare that could not be handed over is sent again with the next heartbeat") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.commandable(1, {"scene"});
  rig.sticky(ann, 7, "scene");
  const Prepare prepare = rig.only<Prepare>();
  rig.step(SendFailed{one, prepare});
  rig.expect({});
  rig.receive(one, rig.beat({}));
  rig.expect({"Send session 2 HeartbeatAck*", "Send session 2 Prepare{load_id=1 *} after 1"});
  rig.receive(one, rig.beat({}));
  rig.expect({"Send session 2 HeartbeatAck*"});
}

TEST_CASE("sticky: it survives a restart of the broker, and load ids go on growing") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.sticky(ann, 7, "scene");
  rig.take();
  rig.sticky(ann, 8, "scene");
  rig.take();
  const auto copy = rig.replayed();
  Actions out;
  copy->step(rig.now, PeerHello{SessionId{1}, a_worker(1).knows({"scene"}).hello, "test"}, out);
  copy->check_invariants();
  const auto prepares = Rig::all<Prepare>(out);
  REQUIRE(prepares.size() == 1);
  CHECK(prepares[0].load_id == 2);
  CHECK(copy->state().last_load_id == 2);
}

TEST_CASE(
    "sticky: a job is not kept waiting by a worker that can not be prepared, when all others are "
    "excluded") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId bad = rig.commandable(2, {"scene"});
  rig.sticky(ann, 7, "scene");
  rig.take();
  rig.receive(bad, Ready{1, "scene", {8, "no such file", 0}, {}});
  rig.take();
  const SessionId one = rig.worker(1);
  const JobId job = rig.submit(ann, a_job().with_tasks(1).attempts(5));
  for (int i = 0; i < 3; ++i) {
    REQUIRE(rig.granted.size() == 1);
    rig.receive(one, Results{{Rig::error(rig.granted.front())}});
    rig.take();
    for (int passed = 0; passed < 8 && rig.state(job) == TaskState::retry_wait; ++passed) {
      rig.advance(seconds(1));
      rig.receive(one, rig.beat({}));
      rig.take();
      rig.receive(bad, rig.beat({}));
      rig.take();
      rig.step(Tick{});
      rig.granted = Rig::assigned(rig.take());
    }
  }
  CHECK(rig.core.state().counters.exclusions == 1);
  CHECK(rig.core.state().counters.exclusions_lapsed == 1);
  CHECK(rig.state(job) == TaskState::leased);
}
