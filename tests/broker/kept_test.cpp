// What is remembered after a job is gone, which blobs are in use, and the parameters of sweeps.
#include "libmsg/base/json_text.h"
#include "libmsg/schema/sweep.h"
#include "tests/broker/rig.h"

using namespace framebus;
using namespace framebus::broker;
using namespace framebus::broker::test;

namespace {

const JobId first{1};

BlobHash blob(std::uint8_t number) {
  BlobHash hash;
  hash.bytes[0] = number;
  return hash;
}
BlobRef blob_ref(std::uint8_t number) {
  return {blob(number), 5, "file"};
}

// Which of these the broker would let go.
std::vector<BlobHash> unused(Rig& rig, std::vector<BlobHash> offered) {
  rig.step(BlobsOffered{std::move(offered)});
  const Actions actions = rig.take();
  REQUIRE(actions.size() == 1);
  return std::get<DropBlobs>(actions[0]).blobs;
}

std::string refusal_of(const StepSpec& step) {
  Rig rig;
  const SessionId ann = rig.primary();
  JobSpec spec;
  spec.name = "sweep";
  spec.steps = {step};
  rig.receive(ann, Submit{1, {{1}}, spec});
  return rig.only<ErrorReply>().error.message;
}

StepSpec swept(std::vector<SweepAxis> axes, std::uint32_t tasks) {
  StepSpec step;
  step.name = "sweep";
  step.type = "echo";
  step.task_count = tasks;
  step.axes = std::move(axes);
  return step;
}

std::string text(const Bytes& bytes) {
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("submit ids: remembered for their time after the job is gone, over restarts") {
  Options options;
  options.ephemeral = false;
  options.finished_jobs_kept = seconds(10);
  options.submit_ids_kept = seconds(1'000);
  Rig rig(options);
  const SessionId ann = rig.primary();
  const Submit message{1, {{1}}, a_job().with_tasks(1).spec};
  const auto end_one = [&](Rig& on, SessionId session, std::uint8_t id) {
    on.receive(session, Submit{1, {{id}}, a_job().with_tasks(1).spec});
    const JobId job = on.only<SubmitOk>().job;
    on.act(session, JobAction::cancel, job);
    on.take();
    on.tick(seconds(10));
    on.take();
  };
  end_one(rig, ann, 1);
  Rig next(rig, seconds(900));
  const SessionId back = next.primary();
  next.receive(back, message);
  CHECK(next.only<SubmitOk>().known);
  end_one(next, back, 2);  // nothing is over yet
  CHECK(next.core.state().submits.size() == 2);
  next.advance(seconds(100));
  end_one(next, back, 3);
  CHECK(next.core.state().submits.size() == 2);
  next.receive(back, message);
  CHECK(!next.only<SubmitOk>().known);
}

TEST_CASE("blobs: inputs, results and inputs of uploads are in use, until their jobs are gone") {
  Options options;
  options.finished_jobs_kept = seconds(10);
  Rig rig(options);
  const SessionId ann = rig.primary();
  const SessionId one = rig.worker(1);
  const std::vector<BlobHash> all{blob(1), blob(2), blob(3), blob(4)};
  CHECK(unused(rig, all) == all);
  JobBuilder builder = a_job().with_tasks(1);
  builder.last().inputs = {blob_ref(1), blob_ref(1)};
  rig.submit(ann, builder);
  TaskResult result = Rig::ok(rig.granted.at(0));
  result.blobs = {blob_ref(2), blob_ref(1)};
  rig.receive(one, Results{{result}});
  rig.take();
  JobBuilder parts = a_job().with_tasks(1);
  parts.last().inputs = {blob_ref(3)};
  rig.receive(ann, SubmitOpen{1, {{77}}, parts.spec});
  rig.take();
  CHECK(unused(rig, all) == std::vector{blob(4)});
  CHECK(rig.replayed()->state().blob_uses == rig.core.state().blob_uses);
  rig.tick(seconds(10));
  rig.take();
  CHECK(unused(rig, all) == std::vector{blob(1), blob(2), blob(4)});
  rig.step(PeerLost{ann, "gone"});
  rig.tick(rig.options().upload_kept);
  rig.take();
  CHECK(unused(rig, all) == all);
}

TEST_CASE("sweep: the last axis varies fastest, keys are sorted and quoted, ranges may fall") {
  const std::vector<SweepAxis> axes{{"z\"\n\x01", {bytes("1.5"), bytes("[2,\"x\"]")}, 0, 1, 0},
                                    {"a", {}, 10, -5, 3}};
  REQUIRE(sweep_size(axes).value() == 6);
  CHECK(text(sweep_params(axes, 0)) == "{\"a\":10,\"z\\\"\\n\\u0001\":1.5}");
  CHECK(text(sweep_params(axes, 2)) == "{\"a\":0,\"z\\\"\\n\\u0001\":1.5}");
  CHECK(text(sweep_params(axes, 3)) == "{\"a\":10,\"z\\\"\\n\\u0001\":[2,\"x\"]}");
  for (std::uint32_t index = 0; index < 6; ++index) {
    const std::string params = text(sweep_params(axes, index));
    const auto document = JsonDocument::parse(params, "params");
    REQUIRE(document.has_value());
    CHECK(canonical_json(document->root()) == params);
  }
}

TEST_CASE("sweep: its size is checked") {
  const SweepAxis range{"frame", {}, 0, 1, 1'000};
  SweepAxis other = range;
  other.key = "sample";
  CHECK(sweep_size({range, other}).value() == 1'000'000);
  SweepAxis third{"more", {}, 0, 1, 2};
  CHECK(sweep_size({range, other, third}).error().message.find("2000000 tasks") !=
        std::string::npos);
  CHECK(!sweep_size({}).has_value());
  CHECK(!sweep_size({range, range}).has_value());
  CHECK(!sweep_size({{"", {}, 0, 1, 5}}).has_value());
  CHECK(!sweep_size({{"a", {}, 0, 1, 0}}).has_value());
  CHECK(!sweep_size({{"a", {bytes("1")}, 0, 1, 1}}).has_value());
  CHECK(!sweep_size({{"a", {bytes("1"), {}}, 0, 1, 0}}).has_value());
  CHECK(!sweep_size({{"a", {}, INT64_MAX, 1, 2}}).has_value());
  CHECK(sweep_size({{"a", {}, INT64_MAX, 1, 1}}).has_value());
  CHECK(!sweep_size({{"a", {}, 0, INT64_MIN, 3}}).has_value());
  CHECK(!sweep_size({{"a", {}, 0, 1, UINT32_MAX}, {"b", {}, 0, 1, UINT32_MAX}}).has_value());
  CHECK(!sweep_size(std::vector<SweepAxis>(limits::sweep_axes_max + 1, range)).has_value());
}

TEST_CASE("sweep: a job that contradicts its axes is refused by the field") {
  const SweepAxis axis{"frame", {}, 1, 1, 4};
  CHECK(refusal_of(swept({axis}, 5)).find("axes: their product is 4 tasks") != std::string::npos);
  CHECK(refusal_of(swept({axis, axis}, 16)).find("'frame' is used twice") != std::string::npos);
  StepSpec both = swept({axis}, 4);
  both.task_params.resize(4);
  CHECK(refusal_of(both).find("a step with axes has none") != std::string::npos);
  SweepAxis wide{"x", {Bytes(limits::task_spec_bytes_max, '1')}, 0, 1, 0};
  CHECK(refusal_of(swept({wide}, 1)).find("one task's parameters") != std::string::npos);
}

TEST_CASE("sweep: a million tasks are kept as their axes and 16 bytes each") {
  static_assert(sizeof(Task) == 16);
  Rig rig;
  const SessionId ann = rig.primary();
  JobSpec spec;
  spec.name = "sweep";
  spec.steps = {swept({{"x", {}, 0, 1, 1'000}, {"y", {}, 0, 1, 1'000}}, 1'000'000)};
  rig.receive(ann, Submit{1, {{1}}, spec});
  CHECK(rig.only<SubmitOk>().task_count == 1'000'000);
  const Job& job = *rig.core.state().find_job(first);
  CHECK(job.spec_bytes < 1'000);
  CHECK(job.details.empty());
  CHECK(job.spec.steps[0].task_params.empty());
  CHECK(text(sweep_params(job.spec.steps[0].axes, 123'456)) == "{\"x\":123,\"y\":456}");
}

TEST_CASE("sweep: each attempt gets the parameters of its task, a retry the same") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.join(a_worker(1).slots(4));
  rig.take();
  JobSpec spec;
  spec.name = "sweep";
  spec.steps = {swept({{"frame", {}, 7, 2, 3}}, 3)};
  rig.receive(ann, Submit{1, {{1}}, spec});
  const Assign assign = Rig::all<Assign>(rig.take()).at(0);
  REQUIRE(assign.attempts.size() == 3);
  CHECK(text(assign.attempts[0].params) == "{\"frame\":7}");
  CHECK(text(assign.attempts[2].params) == "{\"frame\":11}");
  rig.receive(SessionId{2},
              Results{{Rig::error({assign.attempts[2].task, assign.attempts[2].token})}});
  rig.take();
  rig.tick(seconds(2));
  const Assign again = Rig::all<Assign>(rig.take()).at(0);
  CHECK(text(again.attempts.at(0).params) == "{\"frame\":11}");
}
