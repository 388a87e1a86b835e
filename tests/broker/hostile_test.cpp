// Peers that are allowed to speak and use it: what they make the core keep is bounded, and what
// they report can not make a message that the wire refuses.
#include "libmsg/base/limits.h"
#include "tests/broker/rig.h"

using namespace framebus;
using namespace framebus::broker;
using namespace framebus::broker::test;

namespace {

JobBuilder labelled(std::size_t bytes) {
  JobBuilder builder = a_job().with_tasks(1);
  for (int i = 0; i < 40; ++i) {
    builder.last().requires_.labels.push_back(
        {"key" + std::to_string(i), std::string(bytes / 40, 'v')});
  }
  return builder;
}

}  // namespace

TEST_CASE("hostile: names and labels count towards the bytes that may wait") {
  Options options;
  options.queued_spec_bytes_max = 20'000;
  Rig rig(options);
  const SessionId ann = rig.primary();
  rig.submit(ann, labelled(8'000));
  rig.receive(ann, Submit{7, {{7}}, labelled(9'000).spec});
  const WireError error = rig.only<ErrorReply>().error;
  CHECK(error.code == static_cast<int>(Code::resource_exhausted));
  CHECK(error.message.find("(queued_specs_max)") != std::string::npos);
}

TEST_CASE("hostile: jobs that ended are forgotten beyond their bytes, the oldest first") {
  Options options;
  options.queued_spec_bytes_max = 50'000;
  Rig rig(options);
  const SessionId ann = rig.primary();
  std::vector<JobId> jobs;
  for (std::uint8_t i = 1; i <= 20; ++i) {
    jobs.push_back(rig.submit(ann, labelled(9'000).id(i)));
    rig.act(ann, JobAction::cancel, jobs.back());
    rig.take();
    CHECK(rig.core.state().finished_bytes <= options.queued_spec_bytes_max);
  }
  CHECK(rig.core.state().find_job(jobs.front()) == nullptr);
  CHECK(rig.core.state().find_job(jobs.back()) != nullptr);
}

TEST_CASE("hostile: what results keep counts for a job that ended") {
  Options options;
  options.queued_spec_bytes_max = 50'000;
  Rig rig(options);
  const SessionId ann = rig.primary();
  const SessionId one = rig.worker(1);
  for (std::uint8_t i = 1; i <= 3; ++i) {
    rig.submit(ann, a_job().with_tasks(1).id(i));
    TaskResult result = Rig::ok(rig.granted.at(0));
    result.result = Bytes(30'000, 1);
    rig.receive(one, Results{{result}});
    rig.take();
  }
  CHECK(rig.core.state().jobs.size() == 1);
}

namespace {

// A broker without an archive, and a job that is too large to stay once it has ended.
struct Cramped : Rig {
  SessionId ann, one;
  AttemptId attempt;
  static Options options() {
    Options made;
    made.queued_spec_bytes_max = 50'000;
    made.event_window = 2;
    return made;
  }
  Cramped() : Rig(options()), ann(primary()), one(worker(1)) {
    submit(ann, a_job().with_tasks(1));
    attempt = granted.at(0);
  }
  void end() {
    TaskResult result = ok(attempt);
    result.result = Bytes(60'000, 1);
    receive(one, Results{{result}});
  }
  bool is_here() const { return core.state().find_job(JobId{1}) != nullptr; }
};

}  // namespace

TEST_CASE("hostile: a job that is too large to stay goes after its watchers have heard its end") {
  Cramped rig;
  rig.receive(rig.ann, Watch{5, JobId{1}, {}, true});
  rig.take();
  const SessionId bob = rig.primary("bob");
  rig.receive(bob, Watch{6, {}, {}, false});
  rig.take();
  rig.end();
  rig.expect({"Persist 3 TaskEnded{task=1:0 token=1.1 row=11 *",
              "Send session 2 ResultsOk*after 3",
              "Send session 3 Events{request=6 sequence=2 *state=succeeded*",
              "Send session 1 Events{request=5 sequence=2 events=[{*result=60000 bytes*",
              "Send session 1 Error{request=5 error={code=8 *after 3",
              "Persist 4 JobForgotten{job=1 *", "DropLogs job 1"});
  CHECK(rig.core.state().finished_bytes == 0);
}

TEST_CASE("hostile: a watcher that does not read keeps a job that is too large for a lease") {
  for (const bool reads : {false, true}) {
    CAPTURE(reads);
    Cramped rig;
    rig.receive(rig.ann, Watch{5, JobId{1}, {}, false});
    rig.take();
    rig.start(rig.one, rig.attempt);  // the window is full
    rig.end();
    CHECK(Rig::all<framebus::Events>(rig.take()).empty());
    CHECK(rig.is_here());
    // Meanwhile memory is full, and new work says so.
    rig.receive(rig.ann, Submit{7, {{7}}, a_job().with_tasks(1).spec});
    const WireError error = rig.only<ErrorReply>().error;
    CHECK(error.code == static_cast<int>(Code::resource_exhausted));
    CHECK(error.retry_after_ms == 5'000);
    CHECK(error.message.find("watchers that lag") != std::string::npos);
    if (reads) {
      rig.receive(rig.ann, EventsOk{5, 2});
      const Actions actions = rig.take();
      const auto told = Rig::all<framebus::Events>(actions);
      REQUIRE(told.size() == 1);
      CHECK(told[0].events.back().job.state == JobState::succeeded);
      CHECK(Rig::all<ErrorReply>(actions).size() == 1);
    } else {
      rig.advance(rig.options().lease - milliseconds(1));
      rig.receive(rig.one, rig.beat({}));
      rig.take();
      CHECK(rig.is_here());
      REQUIRE(rig.core.next_wakeup().has_value());
      CHECK(*rig.core.next_wakeup() <= rig.now + milliseconds(1));
      rig.tick(milliseconds(1));
      rig.expect({"Send session 1 Error{request=5 error={code=8 *",
                  "Persist * JobForgotten{job=1 *", "DropLogs job 1"});
    }
    CHECK_FALSE(rig.is_here());
    rig.submit(rig.ann, a_job().with_tasks(1));
  }
}

TEST_CASE("hostile: names of blobs are bounded, in jobs and in results") {
  Rig rig;
  const SessionId ann = rig.primary();
  JobBuilder builder = a_job().with_tasks(1);
  builder.last().inputs.push_back({{}, 1, std::string(5'000, 'n')});
  rig.receive(ann, Submit{7, {{7}}, builder.spec});
  CHECK(rig.only<ErrorReply>().error.message.find("inputs[0].name") != std::string::npos);
  builder.last().inputs.assign(1'000, {{}, 1, std::string(4'000, 'n')});
  rig.receive(ann, Submit{8, {{8}}, builder.spec});
  CHECK(rig.only<ErrorReply>().error.message.find("bytes of all names") != std::string::npos);

  const SessionId one = rig.worker(1);
  const JobId job = rig.submit(ann, a_job().with_tasks(1));
  TaskResult result = Rig::ok(rig.granted.at(0));
  result.blobs.assign(1'000, {{}, 1, std::string(4'000, 'n')});
  rig.receive(one, Results{{result}});
  CHECK(Rig::all<ResultsOk>(rig.take()).size() == 1);
  CHECK(rig.state(job) == TaskState::failed);
}

TEST_CASE("hostile: an Assign of steps with many inputs fits the wire") {
  Rig rig;
  const SessionId ann = rig.primary();
  for (std::uint8_t i = 1; i <= 8; ++i) {
    JobBuilder builder = a_job().with_tasks(1).id(i);
    builder.last().inputs.assign(1'000, {{}, 1, std::string(2'000, 'n')});
    rig.submit(ann, builder);
  }
  rig.join(a_worker(1).slots(8));
  const std::vector<Assign> assigns = Rig::all<Assign>(rig.take());
  CHECK(assigns.size() >= 2);
  for (const Assign& assign : assigns) {
    std::size_t bytes = 0;
    for (const StepInfo& step : assign.steps) bytes += bytes_of(step.inputs);
    CHECK(bytes < limits::wire_message_bytes_max);
  }
}

TEST_CASE("hostile: a result that says it ran for less than no time ran for none") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.worker(1);
  const JobId job = rig.submit(ann, a_job().with_tasks(1));
  TaskResult result = Rig::ok(rig.granted.at(0));
  result.run_us = INT64_MIN;
  rig.receive(one, Results{{result}});
  rig.take();
  CHECK(rig.core.state().find_job(job)->detail_of(0)->attempts.at(0).run_ms == 0);
}

TEST_CASE("hostile: a page of workers with the longest texts fits the wire") {
  Rig rig;
  const SessionId ann = rig.primary();
  const std::string text(limits::name_bytes_max, 't');
  for (std::uint8_t i = 1; i <= 120; ++i) {
    WorkerBuilder builder = a_worker(i);
    for (std::size_t each = 0; each < limits::labels_max; ++each) builder.label(text, text);
    for (std::size_t each = 0; each < limits::devices_per_worker_max; ++each) {
      builder.hello.worker.devices.push_back({text, text, text, text, text});
    }
    rig.join(builder);
    rig.take();
  }
  Query query;
  query.kind = QueryKind::workers;
  rig.receive(ann, query);
  const QueryReply reply = rig.only<QueryReply>();
  CHECK(reply.workers.size() < 120);
  CHECK(reply.next_offset == reply.workers.size());
  CHECK(reply.workers.size() * (limits::labels_max * 2 + limits::devices_per_worker_max * 5) *
            text.size() <
        limits::wire_message_bytes_max);
}
