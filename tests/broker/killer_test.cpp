// A task that takes its worker down before it has started: it is found out, and nobody else pays.
#include <algorithm>

#include "broker/core/index_set.h"
#include "tests/broker/rig.h"

using namespace framebus;
using namespace framebus::broker;
using namespace framebus::broker::test;

namespace {

const JobId first{1};

struct Farm : Rig {
  SessionId ann;
  std::uint8_t joined = 0;
  explicit Farm(Options options = {}) : Rig(options), ann(primary()) {}

  // One more worker; what it was granted.
  SessionId add(std::uint32_t slots, std::uint32_t prefetch) {
    const SessionId session = join(a_worker(++joined).slots(slots).prefetch(prefetch));
    granted = assigned(take());
    return session;
  }
  std::vector<std::uint32_t> indices() const {
    std::vector<std::uint32_t> out;
    for (const AttemptId& each : granted) out.push_back(each.task.index);
    return out;
  }
  void lose(SessionId worker) {
    step(PeerLost{worker, "closed"});
    take();
  }
  const TaskDetail& detail(std::uint32_t index) const {
    return *core.state().find_job(first)->detail_of(index);
  }
  // Two workers are lost with task 1 behind task 0, which runs and is blamed.
  void make_suspect() {
    for (int i = 0; i < 2; ++i) {
      const SessionId worker = add(1, 1);
      REQUIRE(indices() == std::vector<std::uint32_t>{0, 1});
      start(worker, granted[0]);
      lose(worker);
    }
    REQUIRE(detail(0).crashes == 2);
    REQUIRE(detail(1).crashes + detail(1).losses == 0);
  }
};

}  // namespace

TEST_CASE("killer: what was lost twice before it started is granted alone, and pays for the next") {
  Farm rig;
  rig.submit(rig.ann, a_job().with_tasks(3));
  const SessionId one = rig.add(1, 1);
  rig.start(one, rig.granted.at(0));
  rig.step(PeerLost{one, "closed"});
  rig.expect({"Persist 5 AttemptEnded{task=1:0 token=1.1 row=10 end=4 next=queued blame=2 *",
              "Persist 6 AttemptEnded{task=1:1 token=1.2 row=10 end=4 next=queued error=*"});
  const SessionId two = rig.add(1, 1);
  rig.start(two, rig.granted.at(0));
  rig.lose(two);
  // Now nothing waits behind task 0: task 1 needs an idle slot, and what comes later lets it pass.
  const SessionId three = rig.add(1, 1);
  REQUIRE(rig.indices() == std::vector<std::uint32_t>{0});
  rig.start(three, rig.granted.at(0));
  rig.receive(three, Results{{Rig::ok(rig.granted.at(0))}});
  rig.expect({"Persist 14 TaskEnded{task=1:0 token=1.5 row=11 *", "Send session 4 ResultsOk*",
              "Persist 15 TaskGranted{task=1:1 token=1.6 *",
              "Send session 4 Assign{steps=* attempts=[{task=1:1 token=1.6 index=1 attempt=3}]}"});
  rig.step(PeerLost{three, "closed"});
  rig.expect({"Persist 16 AttemptEnded{task=1:1 token=1.6 row=10 end=4 next=queued blame=2 *"
              "as it was given this task*"});
  // Three workers in all, each of them lost with it alone: that is the bound.
  for (std::uint32_t crashes = 2; crashes <= 3; ++crashes) {
    rig.tick(seconds(60));
    rig.take();
    const SessionId next = rig.add(1, 1);
    REQUIRE(rig.indices() == std::vector<std::uint32_t>{1});
    rig.lose(next);
    CHECK(rig.detail(1).crashes == crashes);
  }
  CHECK(rig.state(first, 1) == TaskState::dead);
  CHECK(rig.detail(1).grants == 5);
  const SessionId last = rig.add(1, 1);
  REQUIRE(rig.indices() == std::vector<std::uint32_t>{2});
  rig.receive(last, Results{{Rig::ok(rig.granted.at(0))}});
  rig.take();
  CHECK(rig.state(first, 0) == TaskState::succeeded);
  CHECK(rig.state(first, 2) == TaskState::succeeded);
}

TEST_CASE("killer: workers that leave in order say nothing about a task that waited there") {
  Farm rig;
  rig.submit(rig.ann, a_job().with_tasks(2));
  for (int i = 0; i < 2; ++i) {
    const SessionId worker = rig.add(1, 1);
    REQUIRE(rig.indices() == std::vector<std::uint32_t>{0, 1});
    rig.start(worker, rig.granted[0]);
    rig.receive(worker, Goodbye{"drained"});
    const Actions actions = rig.take();
    CHECK(std::count_if(actions.begin(), actions.end(), [](const Action& each) {
            const auto* const persist = std::get_if<Persist>(&each);
            const auto* const ended =
                persist != nullptr ? std::get_if<AttemptEnded>(&persist->record) : nullptr;
            return ended != nullptr && ended->task.index == 1 &&
                   ended->end == AttemptEnd::aborted;
          }) == 1);
  }
  // So it waits behind another as ever, and a real loss is not its own.
  const SessionId last = rig.add(1, 1);
  REQUIRE(rig.indices() == std::vector<std::uint32_t>{0, 1});
  rig.start(last, rig.granted[0]);
  rig.lose(last);
  CHECK(rig.detail(0).crashes == 1);
  CHECK(rig.detail(1).crashes + rig.detail(1).losses == 0);
}

TEST_CASE("killer: once a suspect has started, others wait behind it as behind any task") {
  Farm rig;
  rig.submit(rig.ann, a_job().with_tasks(4));
  rig.make_suspect();
  const SessionId one = rig.add(1, 2);
  REQUIRE(rig.indices() == std::vector<std::uint32_t>{0});
  rig.receive(one, Results{{Rig::ok(rig.granted.at(0))}});
  rig.granted = Rig::assigned(rig.take());
  REQUIRE(rig.indices() == std::vector<std::uint32_t>{1});
  rig.receive(one, Started{{rig.granted.at(0)}});
  rig.expect({"Persist * TaskStarted{task=1:1 *", "Persist * TaskGranted{task=1:2 *",
              "Persist * TaskGranted{task=1:3 *",
              "Send session * Assign{steps=* attempts=[{task=1:2 *"});
  rig.lose(one);
  CHECK(rig.detail(1).crashes == 1);  // it was running
}

TEST_CASE("killer: who runs in another slot beside a suspect is not charged with the crash") {
  Farm rig;
  rig.submit(rig.ann, a_job().with_tasks(4).attempts(9));
  rig.make_suspect();
  // Task 0 takes one slot, the suspect the other; nothing is prefetched behind either.
  const SessionId one = rig.add(2, 4);
  REQUIRE(rig.indices() == std::vector<std::uint32_t>{0, 1});
  rig.start(one, rig.granted.at(0));
  rig.lose(one);
  CHECK(rig.detail(0).crashes == 2);
  CHECK(rig.detail(0).losses == 1);
  CHECK(rig.detail(1).crashes == 1);
  CHECK(rig.state(first, 0) != TaskState::dead);
}

TEST_CASE("killer: of two suspects each is alone with its worker") {
  Farm rig;
  rig.submit(rig.ann, a_job().with_tasks(5));
  for (int i = 0; i < 2; ++i) {  // tasks 1 and 2 were behind task 0
    const SessionId worker = rig.add(1, 2);
    rig.start(worker, rig.granted.at(0));
    rig.lose(worker);
  }
  const SessionId one = rig.add(4, 4);
  REQUIRE(rig.indices() == std::vector<std::uint32_t>{0, 1, 3, 4});
  rig.receive(one, Started{{rig.granted.at(1)}});
  rig.expect({"Persist * TaskStarted{task=1:1 *"});  // every slot is taken: the other waits
  rig.receive(one, Results{{Rig::ok(rig.granted.at(2))}});
  rig.granted = Rig::assigned(rig.take());
  CHECK(rig.indices() == std::vector<std::uint32_t>{2});
}

TEST_CASE("killer: a stream of other work does not keep a suspect waiting for ever") {
  Farm rig;
  rig.submit(rig.ann, a_job().with_tasks(2));
  rig.make_suspect();
  const SessionId one = rig.add(1, 3);
  REQUIRE(rig.indices() == std::vector<std::uint32_t>{0});
  std::vector<AttemptId> open = rig.granted;
  rig.submit(rig.ann, a_job().with_tasks(100).id(2));
  CHECK(rig.granted.empty());  // it would only wait, and the suspect with it
  // Another kind of worker takes from the stream as usual.
  Query query{1, QueryKind::explain, {first, 1}, 0, 0};
  rig.receive(rig.ann, query);
  const auto lines = rig.only<QueryReply>().explanations;
  const auto line = std::find_if(lines.begin(), lines.end(), [](const Explanation& each) {
    return each.filter == "credit";
  });
  REQUIRE(line != lines.end());
  CHECK(line->detail.find("idle slot") != std::string::npos);
  rig.receive(one, Results{{Rig::ok(open.at(0))}});
  rig.granted = Rig::assigned(rig.take());
  REQUIRE(rig.granted.size() == 1);
  CHECK(rig.granted[0].task == TaskRef{first, 1});
}

TEST_CASE("killer: workers that could not take the suspect are filled as ever") {
  Farm rig;
  JobBuilder picky = a_job().with_tasks(2);
  picky.last().requires_.labels = {{"room", "7"}};
  rig.submit(rig.ann, picky);
  for (int i = 0; i < 2; ++i) {
    const SessionId worker =
        rig.join(a_worker(++rig.joined).slots(1).prefetch(1).label("room", "7"));
    rig.granted = Rig::assigned(rig.take());
    rig.start(worker, rig.granted.at(0));
    rig.lose(worker);
  }
  rig.join(a_worker(++rig.joined).slots(1).prefetch(1).label("room", "7"));
  rig.granted = Rig::assigned(rig.take());
  REQUIRE(rig.indices() == std::vector<std::uint32_t>{0});
  rig.submit(rig.ann, a_job().with_tasks(100).id(2));
  CHECK(rig.granted.empty());
  rig.add(2, 2);
  CHECK(rig.granted.size() == 4);
}

TEST_CASE("killer: a queue is searched from any place on") {
  IndexSet set(300'000);
  for (const std::uint32_t each : {0u, 63u, 64u, 4'095u, 4'096u, 299'999u}) set.insert(each);
  CHECK(set.first_from(0) == 0);
  CHECK(set.first_from(1) == 63);
  CHECK(set.first_from(64) == 64);
  CHECK(set.first_from(65) == 4'095);
  CHECK(set.first_from(4'096) == 4'096);
  CHECK(set.first_from(4'097) == 299'999);
  CHECK(set.first_from(299'999) == 299'999);
  CHECK(set.first_from(300'000) == IndexSet::none);
  CHECK(IndexSet(5).first_from(0) == IndexSet::none);
}
