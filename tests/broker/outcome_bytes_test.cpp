// What open jobs keep of their tasks' ends is counted as it comes, bounds new work, and never a
// result.
#include "broker/core/summary.h"
#include "tests/broker/rig.h"

using namespace framebus;
using namespace framebus::broker;
using namespace framebus::broker::test;

namespace {

const JobId first{1};

struct Farm : Rig {
  SessionId ann, one;
  explicit Farm(Options options = {}) : Rig(options), ann(primary()), one(worker(1)) {}

  // The attempt at hand succeeds with so many bytes; the next one is at hand then.
  void succeed(std::size_t bytes, std::string log_tail = "") {
    TaskResult result = ok(granted.at(0));
    result.result = Bytes(bytes, 1);
    result.log_tail = std::move(log_tail);
    receive(one, Results{{result}});
    const Actions actions = take();
    CHECK(all<ResultsOk>(actions).size() == 1);
    granted = assigned(actions);
  }
  std::uint64_t metric() const {
    for (const Counter& each : summarize_broker(core.state()).counters) {
      if (each.name == "outcome_bytes") return each.value;
    }
    return UINT64_MAX;
  }
};

}  // namespace

TEST_CASE("outcomes: results of an open job count at once, are taken, and hold up new work") {
  Options options;
  options.outcome_bytes_max = 100'000;
  Farm rig(options);
  rig.submit(rig.ann, a_job().with_tasks(4));
  CHECK(rig.metric() == 0);
  rig.succeed(60'000);
  CHECK(rig.metric() == 60'000 + sizeof(Outcomes));
  const std::vector<AttemptId> at_hand = rig.granted;
  rig.submit(rig.ann, a_job().with_tasks(1).id(2));
  rig.granted = at_hand;
  rig.succeed(60'000);  // beyond the bound: it is a result
  CHECK(rig.metric() == 120'000 + 2 * sizeof(Outcomes));
  rig.receive(rig.ann, Submit{7, {{9}}, a_job().with_tasks(1).spec});
  const WireError error = rig.only<ErrorReply>().error;
  CHECK(error.code == static_cast<int>(Code::resource_exhausted));
  CHECK(error.retry_after_ms == 5'000);
  CHECK(error.message.find("found " + std::to_string(120'000 + 2 * sizeof(Outcomes))) !=
        std::string::npos);
  CHECK(error.message.find("allowed are 100000 (outcomes_max)") != std::string::npos);
  rig.act(rig.ann, JobAction::cancel, first);  // always works, and ends the job
  rig.take();
  rig.receive(rig.one, Aborted{{rig.granted}});
  rig.take();
  CHECK(rig.metric() == 0);
  rig.submit(rig.ann, a_job().with_tasks(1).id(3));
}

TEST_CASE("outcomes: a job that runs again brings back what it keeps, a restart counts alike") {
  Options options;
  options.ephemeral = false;
  options.outcome_bytes_max = 50'000;
  Farm rig(options);
  rig.submit(rig.ann, a_job().with_tasks(2).attempts(1));
  rig.succeed(40'000);
  TaskResult failed = Rig::error(rig.granted.at(0));
  failed.log_tail = std::string(5'000, 'l');
  rig.receive(rig.one, Results{{failed}});
  rig.take();
  CHECK(rig.metric() == 0);
  rig.act(rig.ann, JobAction::retry, first);
  rig.granted = Rig::assigned(rig.take());
  const std::uint64_t kept = rig.metric();
  CHECK(kept == 40'000 + sizeof(Outcomes) + 5'000 + sizeof(LastError) +
                    failed.error.message.size());
  Rig again(rig, seconds(1));
  again.step(Tick{});
  again.take();
  CHECK(again.core.state().open_outcome_bytes == kept);
  rig.receive(rig.one, Results{{failed}});  // fenced: it was the attempt before
  rig.take();
  rig.receive(rig.one, Results{{Rig::error(rig.granted.at(0))}});
  rig.take();
  rig.submit(rig.ann, a_job().with_tasks(1).id(2));
  rig.succeed(40'000);
  rig.submit(rig.ann, a_job().with_tasks(2).id(3));
  rig.succeed(40'000);
  rig.act(rig.ann, JobAction::retry, first);
  CHECK(rig.only<ErrorReply>().error.message.find("(outcomes_max)") != std::string::npos);
}

TEST_CASE("outcomes: of each task the last three errors count, however often it is tried") {
  Farm rig;
  rig.submit(rig.ann, a_job().with_tasks(1).attempts(1));
  for (int round = 0; round < 10; ++round) {
    TaskResult failed = Rig::error(rig.granted.at(0));
    failed.log_tail = std::string(1'000, 'l');
    rig.receive(rig.one, Results{{failed}});
    rig.take();
    rig.act(rig.ann, JobAction::retry, first);
    rig.granted = Rig::assigned(rig.take());
  }
  const std::uint64_t each = sizeof(LastError) + 1'000 + std::string("it broke").size();
  CHECK(rig.metric() == 3 * each);
}

TEST_CASE("outcomes: a success keeps the last KiB of its log, a failure the last 16") {
  Farm rig;
  rig.submit(rig.ann, a_job().with_tasks(2).attempts(1));
  rig.succeed(0, std::string(20'000, 'l') + "end");
  TaskResult failed = Rig::error(rig.granted.at(0));
  failed.log_tail = std::string(20'000, 'l') + "end";
  rig.receive(rig.one, Results{{failed}});
  rig.take();
  const Job& job = *rig.core.state().find_job(first);
  const std::string& short_tail = job.detail_of(0)->trouble->errors.at(0).log_tail;
  CHECK(short_tail == std::string(1'021, 'l') + "end");
  const std::string& tail = job.detail_of(1)->trouble->errors.at(0).log_tail;
  CHECK(tail == std::string(16 * 1024 - 3, 'l') + "end");
}
