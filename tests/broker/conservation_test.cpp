// What comes in equals what went out and what is still here; a miscount is found.
#include "broker/core/conservation.h"

#include "tests/broker/rig.h"

using namespace framebus;
using namespace framebus::broker;
using namespace framebus::broker::test;

namespace {

struct Busy : Rig {
  SessionId ann, one;
  JobId job;
  Busy() : ann(primary()), one(commandable(1, {"step"})), job(submit(ann, a_job().with_tasks(3))) {
    command(ann, 7, CommandTarget::all, "step");
    take();
    command(ann, 8, CommandTarget::next, "nobody knows this");
    take();
    receive(one, Results{{Rig::ok(granted.at(0))}});
    take();
  }
  // A miscount that no code makes, planted from outside.
  Ledger& ledger() { return const_cast<State&>(core.state()).ledger; }
};

}  // namespace

TEST_CASE("conservation: a planted miscount of any sum is found, and named") {
  Busy rig;
  REQUIRE(conservation_faults(rig.core.state()).empty());
  const std::vector<std::pair<std::uint64_t Ledger::*, std::string>> sums{
      {&Ledger::requests_received, "requests: received"},
      {&Ledger::requests_answered, "requests: received"},
      {&Ledger::requests_refused, "requests: received"},
      {&Ledger::requests_handed_on, "requests: received"},
      {&Ledger::requests_dropped, "requests: received"},
      {&Ledger::requests_forgotten, "requests: none forgotten"},
      {&Ledger::tasks_accepted, "tasks: accepted"},
      {&Ledger::tasks_forgotten, "tasks: accepted = forgotten"},
      {&Ledger::tasks_ended, "tasks: accepted + reopened"},
      {&Ledger::tasks_reopened, "tasks: accepted + reopened"},
      {&Ledger::leases_opened, "leases"},
      {&Ledger::leases_closed, "leases"},
      {&Ledger::answers_asked, "answers"},
      {&Ledger::answers_given, "answers"},
      {&Ledger::answers_dropped, "answers"}};
  for (const auto& [sum, name] : sums) {
    ++(rig.ledger().*sum);
    const auto faults = conservation_faults(rig.core.state());
    CHECK(!faults.empty());
    bool is_named = false;
    for (const std::string& fault : faults) is_named = is_named || fault.starts_with(name);
    CHECK_MESSAGE(is_named, name);
    --(rig.ledger().*sum);
  }
  CHECK(conservation_faults(rig.core.state()).empty());
}

TEST_CASE("conservation: the status shows every sum, what is outstanding, and no fault") {
  Busy rig;
  Query query;
  query.kind = QueryKind::status;
  rig.receive(rig.ann, query);
  const BrokerStatus status = rig.only<QueryReply>().status;
  const auto value = [&](const std::string& name) {
    for (const Counter& counter : status.counters) {
      if (counter.name == "conservation." + name) return counter.value;
    }
    FAIL("no counter " << name);
    return std::uint64_t{0};
  };
  CHECK(value("faults") == 0);
  CHECK(value("requests_outstanding") == 3);  // this query is one of them
  CHECK(value("answers_outstanding") == 1);
  CHECK(value("tasks_accepted") == 3);
  CHECK(value("tasks_ended") == 1);
  CHECK(value("tasks_open") == 2);
  CHECK(value("leases_opened") == 2);
  CHECK(value("leases_open") == 1);
  CHECK(value("requests_received") == value("requests_answered") + 3);
}

TEST_CASE("conservation: a query of the status is no fault of its own") {
  Rig rig;
  const SessionId ann = rig.primary();
  Query query;
  query.kind = QueryKind::status;
  for (int i = 0; i < 3; ++i) {
    rig.receive(ann, query);
    rig.take();
  }
  CHECK(rig.core.state().ledger.requests_received == 3);
  CHECK(rig.core.state().ledger.requests_answered == 3);
}

TEST_CASE("conservation: every request of a primary is answered, refused, kept or handed on") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.receive(ann, Submit{1, {}, {}});
  rig.take();
  rig.receive(ann, SubmitOpen{2, {}, {}});
  rig.take();
  rig.receive(ann, SubmitPart{3, {}, 0, 0, {}});
  rig.take();
  rig.receive(ann, SubmitCommit{4, {}, 0, {}});
  rig.take();
  rig.receive(ann, Act{5, JobAction::cancel, JobId{9}, {}, 0});
  rig.take();
  rig.receive(ann, Query{6, QueryKind::job, {JobId{9}, 0}, 0, 0});
  rig.take();
  rig.receive(ann, Query{7, QueryKind::archive, {}, 0, 0});
  rig.take();
  rig.receive(ann, Watch{8, JobId{9}, {}, false});
  rig.take();
  rig.receive(ann, Watch{9, {}, {}, false});
  rig.take();
  rig.receive(ann, LogRead{10, {JobId{9}, 0}, 0, 0, 0, false});
  rig.take();
  rig.receive(ann, Command{});
  rig.take();
  rig.receive(ann, Administer{});
  rig.take();
  const Ledger& ledger = rig.core.state().ledger;
  CHECK(ledger.requests_received == 12);
  CHECK(ledger.requests_forgotten == 0);
  CHECK(ledger.requests_answered + ledger.requests_refused + ledger.requests_handed_on == 12);
}
