// Jobs in parts: resumable, idempotent, bounded, and in the end the same job as in one piece.
#include <chrono>
#include <cstdio>

#include "broker/core/uploads.h"
#include "tests/broker/rig.h"
#include "tests/sanitized.h"

using namespace framebus;
using namespace framebus::broker;
using namespace framebus::broker::test;

namespace {

const SubmitId upload_id{{7}};

struct Uploader : Rig {
  SessionId ann;
  SipHasher digest{SipKey{}};
  std::uint32_t parts = 0;

  explicit Uploader(Options options = {}) : Rig(options), ann(primary()) {}
  Uploader(const Uploader& before, Duration down)
      : Rig(before, down), ann(primary()), digest(before.digest), parts(before.parts) {}

  void open(const JobSpec& spec) { receive(ann, SubmitOpen{1, upload_id, spec}); }
  SubmitPart part(std::uint32_t step, std::vector<Bytes> params) {
    digest.add_u64(step);
    digest.add_u64(params.size());
    for (const Bytes& each : params) {
      digest.add_u64(each.size());
      digest.add(each);
    }
    return SubmitPart{2, upload_id, ++parts, step, std::move(params)};
  }
  SubmitCommit commit() const {
    SipHasher copy = digest;
    const SipHash hash = copy.finish();
    return SubmitCommit{3, upload_id, parts, {hash.begin(), hash.end()}};
  }
  WireError refusal() { return only<ErrorReply>().error; }
};

JobSpec two_steps() {
  return a_job().step("a", 3).step("b", 2).spec;
}

int code(Code value) {
  return static_cast<int>(value);
}

}  // namespace

TEST_CASE("upload: opened, filled, committed, and every answer waits for its record") {
  Uploader rig;
  rig.open(two_steps());
  rig.expect({"Persist 1 UploadOpened{submit_id=07000000 owner=\"ann\" *",
              "Send session 1 SubmitOpenOk{request=1 next_part=1} after 1"});
  rig.receive(rig.ann, rig.part(1, {bytes("x"), bytes("y")}));
  rig.expect(
      {"Persist 2 UploadPart{submit_id=07000000 part=1 step=1 task_params=[1 bytes 1 bytes]}",
       "Send session 1 SubmitPartOk{request=2 part=1} after 2"});
  rig.receive(rig.ann, rig.part(0, {bytes("p"), bytes("q")}));
  rig.take();
  rig.receive(rig.ann, rig.part(0, {bytes("r")}));
  rig.take();
  CHECK(rig.core.state().jobs.empty());
  rig.receive(rig.ann, rig.commit());
  rig.expect({"Persist 5 JobAccepted{job=1 submit_id=07000000 owner=\"ann\" uploaded=1}",
              "Send session 1 SubmitOk{request=3 job=1 task_count=5 ephemeral=1} after 5"});
  const Job& job = *rig.core.state().find_job(JobId{1});
  CHECK(job.spec.steps[0].task_params == std::vector<Bytes>{bytes("p"), bytes("q"), bytes("r")});
  CHECK(job.spec.steps[1].task_params == std::vector<Bytes>{bytes("x"), bytes("y")});
  CHECK(rig.core.state().uploads.empty());
}

TEST_CASE("upload: in one piece, in parts, again in one piece: one job") {
  Uploader rig;
  rig.open(two_steps());
  rig.take();
  rig.receive(rig.ann, rig.part(1, {bytes("x"), bytes("y")}));
  rig.take();
  rig.receive(rig.ann, rig.commit());
  rig.take();
  JobSpec whole = two_steps();
  whole.steps[1].task_params = {bytes("x"), bytes("y")};
  rig.receive(rig.ann, Submit{9, upload_id, whole});
  rig.expect({"Send session 1 SubmitOk{request=9 job=1 task_count=5 known=1 ephemeral=1} after 3"});
  rig.receive(rig.ann, rig.commit());
  rig.expect({"Send session 1 SubmitOk{request=3 job=1 task_count=5 known=1 ephemeral=1} after 3"});
  rig.open(two_steps());
  rig.expect({"Send session 1 SubmitOk{request=1 job=1 task_count=5 known=1 ephemeral=1} after 3"});
}

TEST_CASE("upload: goes on after a lost connection and after a restart of the broker") {
  Options options;
  options.ephemeral = false;
  Uploader before(options);
  before.open(two_steps());
  before.take();
  before.receive(before.ann, before.part(0, {bytes("p")}));
  before.take();
  before.step(PeerLost{before.ann, "cut"});
  before.expect({});
  before.ann = before.primary();
  before.open(two_steps());
  before.expect({"Send session 2 SubmitOpenOk{request=1 next_part=2} after 2"});

  Uploader rig(before, seconds(500));
  rig.open(two_steps());
  rig.expect({"Send session 3 SubmitOpenOk{request=1 next_part=2} after 2"});
  SubmitPart repeated{4, upload_id, 1, 0, {bytes("p")}};
  rig.receive(rig.ann, repeated);
  rig.expect({"Send session 3 SubmitPartOk{request=4 part=1} after 2"});
  rig.receive(rig.ann, rig.part(0, {bytes("q"), bytes("r")}));
  rig.expect({"Persist 3 UploadPart*", "Send session 3 SubmitPartOk{request=2 part=2} after 3"});
  rig.receive(rig.ann, rig.commit());
  CHECK(rig.only<SubmitOk>().task_count == 5);
  CHECK(rig.core.state().find_job(JobId{1})->spec.steps[0].task_params.size() == 3);
}

TEST_CASE("upload: dropped some time after its owner's last connection is gone, not earlier") {
  Options options;
  options.upload_kept = seconds(600);
  Uploader rig(options);
  const SessionId second = rig.primary();
  rig.open(two_steps());
  rig.take();
  rig.step(PeerLost{rig.ann, "cut"});
  rig.tick(seconds(601));
  rig.expect({});
  rig.step(PeerLost{second, "cut"});
  rig.tick(seconds(599));
  rig.expect({});
  rig.primary("bob");  // somebody else
  SUBCASE("nobody came") {
    rig.tick(seconds(1));
    rig.expect({"Persist 2 UploadDropped{submit_id=07000000}"});
    CHECK(rig.core.state().open_spec_bytes == 0);
  }
  SUBCASE("its owner came back") {
    rig.ann = rig.primary();
    rig.tick(seconds(9'000));
    rig.expect({});
    CHECK(rig.core.state().uploads.size() == 1);
  }
}

TEST_CASE("upload: of another principal it can not be seen, filled or committed") {
  Uploader rig;
  rig.open(two_steps());
  rig.take();
  const SessionId bob = rig.primary("bob");
  rig.receive(bob, SubmitOpen{1, upload_id, two_steps()});
  CHECK(rig.refusal().code == code(Code::permission_denied));
  rig.receive(bob, SubmitPart{1, upload_id, 1, 0, {}});
  CHECK(rig.refusal().code == code(Code::permission_denied));
  rig.receive(bob, rig.commit());
  CHECK(rig.refusal().code == code(Code::permission_denied));
  rig.receive(bob, Submit{1, upload_id, two_steps()});
  CHECK(rig.refusal().code == code(Code::already_exists));
}

TEST_CASE("upload: what does not fit is refused and says what is expected") {
  Uploader rig;
  rig.receive(rig.ann, SubmitPart{1, upload_id, 1, 0, {}});
  CHECK(rig.refusal().code == code(Code::not_found));
  rig.receive(rig.ann, rig.commit());
  CHECK(rig.refusal().code == code(Code::not_found));
  rig.open(two_steps());
  rig.take();
  JobSpec other = two_steps();
  other.priority = 99;
  rig.open(other);
  CHECK(rig.refusal().code == code(Code::already_exists));

  rig.receive(rig.ann, SubmitPart{1, upload_id, 2, 0, {}});
  const WireError gap = rig.refusal();
  CHECK(gap.code == code(Code::failed_precondition));
  CHECK(gap.message == "part: found 2, expected is 1");
  rig.receive(rig.ann, SubmitPart{1, upload_id, 1, 2, {}});
  CHECK(rig.refusal().message.find("step: found 2") != std::string::npos);
  rig.receive(rig.ann, SubmitPart{1, upload_id, 1, 1, {{}, {}, {}}});
  CHECK(rig.refusal().message.find("would have 3 entries, allowed are 2") != std::string::npos);
  rig.receive(rig.ann, SubmitPart{1, upload_id, 1, 1, {Bytes(limits::task_spec_bytes_max + 1)}});
  CHECK(rig.refusal().message.find("task_spec_bytes_max") != std::string::npos);

  rig.receive(rig.ann, SubmitPart{1, upload_id, 1, 1, {bytes("x")}});
  rig.take();
  SubmitCommit early{1, upload_id, 2, Bytes(16)};
  rig.receive(rig.ann, early);
  CHECK(rig.refusal().message.find("recorded are 1") != std::string::npos);
  early.parts = 1;
  rig.receive(rig.ann, early);
  CHECK(rig.refusal().message.find("digest:") != std::string::npos);
  // The right digest, but one task has no parameters.
  rig.part(1, {bytes("x")});
  rig.receive(rig.ann, rig.commit());
  CHECK(rig.refusal().message.find("task_params: has 1 entries") != std::string::npos);
  rig.receive(rig.ann, rig.part(1, {bytes("y")}));
  rig.take();
  rig.receive(rig.ann, rig.commit());
  CHECK(rig.only<SubmitOk>().task_count == 5);
}

TEST_CASE("upload: missing inputs are named at the commit, which is then repeated") {
  Uploader rig;
  JobSpec spec = two_steps();
  BlobRef input;
  input.hash.bytes[0] = 5;
  spec.steps[1].inputs = {input};
  rig.open(spec);
  rig.take();
  CHECK(inputs_of_upload(rig.core.state(), upload_id) == std::vector<BlobRef>{input});
  CHECK(inputs_of_upload(rig.core.state(), SubmitId{{8}}).empty());
  rig.step(Received{rig.ann, rig.commit(), {input}});
  rig.expect({"Send session 1 InputsMissing{request=3 blobs=[{hash=05000000}]}"});
  BlobRef unnamed;  // by this upload: it was looked for because of another message
  unnamed.hash.bytes[0] = 6;
  rig.step(Received{rig.ann, rig.commit(), {unnamed, input}});
  rig.expect({"Send session 1 InputsMissing{request=3 blobs=[{hash=05000000}]}"});
  rig.step(Received{rig.ann, rig.commit(), {unnamed}});
  CHECK(rig.only<SubmitOk>().job == JobId{1});
}

TEST_CASE("upload: number, tasks and bytes are bounded, each by its name") {
  Options options;
  options.queued_tasks_max = 6;
  options.queued_spec_bytes_max = 100'000;
  Uploader rig(options);
  rig.open(a_job().with_tasks(7).spec);
  CHECK(rig.refusal().message.find("queued_tasks_max") != std::string::npos);
  rig.open(a_job().with_tasks(3).spec);
  rig.take();
  rig.receive(rig.ann, rig.part(0, {Bytes(60'000)}));
  rig.take();
  rig.receive(rig.ann, SubmitPart{1, upload_id, 2, 0, {Bytes(60'000)}});
  const WireError full = rig.refusal();
  CHECK(full.code == code(Code::resource_exhausted));
  CHECK(full.message.find("(queued_specs_max)") != std::string::npos);
  CHECK(full.retry_after_ms > 0);

  Uploader many;
  for (std::uint32_t i = 0; i < limits::uploads_max; ++i) {
    SubmitId id;
    id.bytes[0] = static_cast<std::uint8_t>(i);
    id.bytes[1] = 1;
    many.receive(many.ann, SubmitOpen{1, id, a_job().with_tasks(1).spec});
    many.take();
  }
  many.open(a_job().with_tasks(1).spec);
  CHECK(many.refusal().message.find("uploads_max") != std::string::npos);
}

TEST_CASE("upload: the commit of a million tasks takes well under a second") {
  Core core(Options{}, 1);
  const TimePoint now{seconds(1)};
  Actions out;
  const auto receive = [&](Message message) {
    out.clear();
    core.step(now, Received{SessionId{1}, std::move(message), {}}, out);
  };
  Hello hello;
  hello.role = Role::primary;
  core.step(now, PeerHello{SessionId{1}, hello, ""}, out);
  receive(SubmitOpen{1, upload_id, a_job().with_tasks(1'000'000).spec});
  SipHasher digest{SipKey{}};
  const auto begin_parts = std::chrono::steady_clock::now();
  for (std::uint32_t part = 1; part <= 100; ++part) {
    SubmitPart message{1, upload_id, part, 0, {}};
    digest.add_u64(0);
    digest.add_u64(10'000);
    for (std::uint32_t i = 0; i < 10'000; ++i) {
      message.task_params.push_back(bytes("{\"frame\":" + std::to_string(part * 10'000 + i) + "}"));
      digest.add_u64(message.task_params.back().size());
      digest.add(message.task_params.back());
    }
    receive(std::move(message));
  }
  const SipHash hash = digest.finish();
  const auto begin = std::chrono::steady_clock::now();
  receive(SubmitCommit{1, upload_id, 100, {hash.begin(), hash.end()}});
  const auto end = std::chrono::steady_clock::now();
  REQUIRE(Rig::all<SubmitOk>(out).size() == 1);
  const auto ms = [](auto span) { return std::chrono::duration<double, std::milli>(span).count(); };
  std::printf("upload: 1,000,000 tasks in 100 parts: parts %.0f ms, commit %.0f ms\n",
              ms(begin - begin_parts), ms(end - begin));
  CHECK(ms(end - begin) < 1'000 * testing::patience);
}
