// Submits: idempotent, bounded, each refusal naming its field or bound.
#include "tests/broker/rig.h"

using namespace framebus;
using namespace framebus::broker;
using namespace framebus::broker::test;

namespace {

WireError refusal(JobBuilder builder, Options options = {}) {
  Rig rig(options);
  const SessionId ann = rig.primary();
  rig.receive(ann, Submit{1, {{1}}, builder.spec});
  return rig.only<ErrorReply>().error;
}

void check_refused(JobBuilder builder, const std::string& field) {
  const WireError error = refusal(std::move(builder));
  CHECK(error.code == static_cast<int>(Code::invalid_argument));
  CHECK_MESSAGE(error.message.find(field) != std::string::npos, error.message);
}

}  // namespace

TEST_CASE("submit: the same id and content give the same job") {
  Rig rig;
  const SessionId ann = rig.primary();
  const Submit message{1, {{1}}, a_job().with_tasks(2).spec};
  rig.receive(ann, message);
  rig.take();
  rig.receive(ann, message);
  rig.expect({"Send session 1 SubmitOk{request=1 job=1 task_count=2 known=1 ephemeral=1} after 1"});
}

TEST_CASE("submit: the same id with another content is an error that names the job") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.receive(ann, Submit{1, {{1}}, a_job().with_tasks(2).spec});
  rig.take();
  rig.receive(ann, Submit{2, {{1}}, a_job().with_tasks(3).spec});
  const WireError error = rig.only<ErrorReply>().error;
  CHECK(error.code == static_cast<int>(Code::already_exists));
  CHECK(error.message.find("job 1") != std::string::npos);
}

TEST_CASE("submit: a repeat is known even after a restart and after the job was forgotten") {
  Options options;
  options.finished_jobs_kept = seconds(10);
  Rig rig(options);
  const SessionId ann = rig.primary();
  const Submit message{1, {{1}}, a_job().with_tasks(1).spec};
  rig.receive(ann, message);
  rig.take();
  rig.act(ann, JobAction::cancel, JobId{1});
  rig.take();
  rig.tick(seconds(10));
  rig.expect({"Persist 3 JobForgotten{job=1 submit_id=01000000 digest=16 bytes task_count=1}",
              "DropLogs job 1"});
  rig.receive(ann, message);
  CHECK(rig.only<SubmitOk>().known);
  const auto copy = rig.replayed();
  CHECK(copy->state().submits.size() == 1);
}

TEST_CASE("submit: missing inputs are named, nothing is accepted") {
  Rig rig;
  const SessionId ann = rig.primary();
  BlobRef blob;
  blob.size = 5;
  rig.step(Received{ann, Submit{4, {{1}}, a_job().with_tasks(1).spec}, {blob}});
  rig.expect({"Send session 1 InputsMissing{request=4 blobs=[{size=5}]}"});
  CHECK(rig.core.state().jobs.empty());
}

TEST_CASE("submit: every bound is refused by the name of its field") {
  check_refused(a_job(), "job.steps");
  check_refused(a_job().with_tasks(0), "job.steps[0].task_count");
  check_refused(a_job().with_tasks(limits::tasks_per_job_max + 1), "task_count");
  check_refused(a_job().step("a", 600'000).step("b", 600'000), "tasks_per_job_max");
  check_refused(a_job().with_tasks(1).priority(101), "job.priority");
  check_refused(a_job().with_tasks(1).timeout_ms(-1), "timeout_ms");
  check_refused(a_job().with_tasks(1).deadline_ms(INT64_MAX), "deadline_ms");
  check_refused(a_job().step("", 1), "job.steps[0].name");
  check_refused(a_job().step("a", 1, ""), "job.steps[0].type");
  check_refused(a_job().step("a", 1).step("a", 1), "used twice");
  check_refused(a_job().step("a", 1).after(0), "depends_on");
  check_refused(a_job().step("a", 1).step("b", 2).after(0, true), "equal numbers");
  check_refused(a_job().with_tasks(1).limit("nuke", 1), "nuke");
  JobBuilder params = a_job().with_tasks(3);
  params.last().task_params.resize(2);
  check_refused(params, "task_params");
  JobBuilder heavy = a_job().with_tasks(1);
  heavy.last().params.resize(limits::task_spec_bytes_max + 1);
  check_refused(heavy, "params");
}

TEST_CASE(
    "submit: too many waiting tasks are refused with the bound, what is there and when to return") {
  Options options;
  options.queued_tasks_max = 5;
  Rig rig(options);
  const SessionId ann = rig.primary();
  rig.submit(ann, a_job().with_tasks(4));
  rig.receive(ann, Submit{9, {{200}}, a_job().with_tasks(2).spec});
  const WireError error = rig.only<ErrorReply>().error;
  CHECK(error.code == static_cast<int>(Code::resource_exhausted));
  CHECK(error.retry_after_ms > 0);
  CHECK(error.message.find("allowed are 5 (queued_tasks_max)") != std::string::npos);
  CHECK(error.message.find("found 6 tasks") != std::string::npos);
}

TEST_CASE("submit: a full store refuses new jobs and still takes results") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.worker(1);
  rig.submit(ann, a_job().with_tasks(1));
  rig.step(StorePressure{true, "12 MiB left"});
  rig.take();
  rig.receive(ann, Submit{9, {{200}}, a_job().with_tasks(2).spec});
  CHECK(rig.only<ErrorReply>().error.message.find("12 MiB left") != std::string::npos);
  rig.receive(one, Results{{Rig::ok(rig.granted.front())}});
  CHECK(rig.only<ResultsOk>().attempts.size() == 1);
}

TEST_CASE("session: messages of the other role are refused, before Hello too") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.worker(1);
  rig.receive(one, Submit{3, {{1}}, a_job().with_tasks(1).spec});
  CHECK(rig.only<ErrorReply>().error.code == static_cast<int>(Code::permission_denied));
  rig.receive(ann, Results{});
  CHECK(rig.only<ErrorReply>().error.code == static_cast<int>(Code::permission_denied));
  rig.receive(SessionId{99}, Heartbeat{});
  CHECK(rig.only<ErrorReply>().error.code == static_cast<int>(Code::no_session));
  rig.receive(ann, Welcome{});
  CHECK(rig.only<ErrorReply>().error.code == static_cast<int>(Code::malformed_message));
}

TEST_CASE("session: a worker beyond max_workers is refused and told when to return") {
  Options options;
  options.max_workers = 1;
  Rig rig(options);
  rig.worker(1);
  rig.join(a_worker(2));
  rig.expect(
      {"Send session 2 Refused{error={code=4 message=\"found 2 connected workers, allowed are 1 "
       "(max_wo...\" retry_after_ms=10000}}",
       "CloseSession session 2 refused: found 2 connected workers, allowed are 1 (max_workers)"});
}

TEST_CASE("session: a Hello with nonsense in it is refused by the name of the field") {
  for (int which = 0; which < 4; ++which) {
    Rig rig;
    WorkerBuilder builder = a_worker(1);
    if (which == 0) builder.hello.worker.id = {};
    if (which == 1) builder.hello.worker.slots = 0;
    if (which == 2) builder.hello.worker.task_types.clear();
    if (which == 3) builder.hello.role = Role::bulk;
    rig.join(builder);
    const Actions actions = rig.take();
    REQUIRE(Rig::all<Refused>(actions).size() == 1);
    CHECK(rig.core.state().workers.empty());
  }
}

TEST_CASE(
    "store short of space: new jobs are refused and told when to ask again, all else goes on") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.worker(1);
  const JobId job = rig.submit(ann, a_job().with_tasks(2));
  const AttemptId attempt = rig.granted.at(0);
  rig.step(StorePressure{true, "12 MiB are left of 100 MiB"});
  rig.receive(ann, Submit{7, {{7}}, a_job().with_tasks(1).spec});
  const WireError error = rig.only<ErrorReply>().error;
  CHECK(error.code == static_cast<int>(Code::resource_exhausted));
  CHECK(error.message.find("12 MiB are left") != std::string::npos);
  CHECK(error.retry_after_ms > 0);
  CHECK(rig.core.state().counters.refused_store_full == 1);

  rig.receive(one, Results{{Rig::ok(attempt)}});  // recorded, confirmed, and the next is granted
  const Actions actions = rig.take();
  CHECK(Rig::all<ResultsOk>(actions).size() == 1);
  CHECK(Rig::assigned(actions).size() == 1);
  CHECK(rig.state(job, 0) == TaskState::succeeded);
  rig.act(ann, JobAction::cancel, job);
  CHECK(Rig::all<ActOk>(rig.take()).size() == 1);

  rig.step(StorePressure{false, ""});
  rig.submit(ann, a_job().with_tasks(1).id(8));
}
