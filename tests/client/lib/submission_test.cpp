// Submissions on whole lists of steps, against a broker that a test plays.
#include "client/lib/submission.h"

#include <doctest/doctest.h>

#include "libmsg/base/siphash.h"

using namespace framebus;
using namespace framebus::client;

namespace {

SubmitId some_id() {
  SubmitId id;
  id.bytes[0] = 9;
  return id;
}

Bytes bytes(std::size_t count, std::uint8_t value) {
  return Bytes(count, value);
}

// Steps with `counts[i]` tasks, each with parameters of 100 bytes.
JobSpec job_of(const std::vector<std::uint32_t>& counts) {
  JobSpec job;
  job.name = "many";
  std::uint8_t value = 0;
  for (const std::uint32_t count : counts) {
    StepSpec& step = job.steps.emplace_back();
    step.name = "s" + std::to_string(job.steps.size());
    step.type = "echo";
    step.task_count = std::max(count, 1u);
    for (std::uint32_t i = 0; i < count; ++i) step.task_params.push_back(bytes(100, ++value));
  }
  return job;
}

JobSpec skeleton_of(JobSpec job) {
  for (StepSpec& step : job.steps) step.task_params.clear();
  return job;
}

// Ten entries a part, three parts on their way.
SubmissionOptions small() {
  SubmissionOptions options;
  options.whole_bytes_max = 3000;
  options.part_bytes_max = 1050;
  options.parts_outstanding_max = 3;
  return options;
}

struct Driver {
  Submission submission;
  explicit Driver(JobSpec job, SubmissionOptions options = small())
      : submission(some_id(), std::move(job), options) {}

  SubmissionSteps start() {
    SubmissionSteps out;
    submission.start(out);
    return out;
  }
  SubmissionSteps answer(std::uint64_t tag, const Result<Message>& message) {
    SubmissionSteps out;
    submission.on_answer(tag, message, out);
    return out;
  }
  SubmissionSteps opened(std::uint64_t tag, std::uint32_t next_part) {
    return answer(tag, Message{SubmitOpenOk{0, next_part}});
  }
  SubmissionSteps part_ok(std::uint64_t tag) { return answer(tag, Message{SubmitPartOk{}}); }
  SubmissionSteps put(const Status& status) {
    SubmissionSteps out;
    submission.on_put(status, out);
    return out;
  }
  SubmissionSteps waited() {
    SubmissionSteps out;
    submission.on_waited(out);
    return out;
  }
};

SubmissionStep ask_open(std::uint64_t tag, const JobSpec& job) {
  return AskBroker{tag, SubmitOpen{0, some_id(), skeleton_of(job)}};
}

SubmissionStep ask_part(std::uint64_t tag, const JobSpec& job, std::uint32_t part,
                        std::uint32_t step, std::uint32_t first, std::uint32_t count) {
  SubmitPart message;
  message.submit_id = some_id();
  message.part = part;
  message.step = step;
  const auto begin = job.steps[step].task_params.begin() + first;
  message.task_params.assign(begin, begin + count);
  return AskBroker{tag, message};
}

SubmitOk accepted() {
  SubmitOk ok;
  ok.job = JobId{5};
  return ok;
}

Error error(Code code, std::int64_t retry_ms = 0) {
  return {code, "said the broker", retry_ms};
}

}  // namespace

TEST_CASE("submission: a job that fits goes as one message") {
  const JobSpec job = job_of({3});
  Driver d(job);
  CHECK(d.start() == SubmissionSteps{AskBroker{1, Submit{0, some_id(), job}}});
  CHECK(d.answer(1, Message{accepted()}) == SubmissionSteps{SubmissionDone{accepted()}});
  CHECK(d.answer(1, Message{accepted()}).empty());
}

TEST_CASE("submission: inputs that are missing are put, then it is asked again") {
  const JobSpec job = job_of({3});
  Driver d(job);
  d.start();
  const std::vector<BlobRef> missing(1);
  CHECK(d.answer(1, Message{InputsMissing{0, missing}}) == SubmissionSteps{PutInputs{missing}});
  CHECK(d.put({}) == SubmissionSteps{AskBroker{2, Submit{0, some_id(), job}}});
  CHECK(d.answer(2, Message{accepted()}) == SubmissionSteps{SubmissionDone{accepted()}});
}

TEST_CASE("submission: inputs asked for again and again are the broker's fault") {
  Driver d(job_of({1}));
  d.start();
  for (std::uint64_t round = 1; round <= 3; ++round) {
    CHECK(std::holds_alternative<PutInputs>(d.answer(round, Message{InputsMissing{}})[0]));
    d.put({});
  }
  const SubmissionSteps out = d.answer(4, Message{InputsMissing{}});
  REQUIRE(out.size() == 1);
  CHECK(std::get<SubmissionDone>(out[0]).outcome.error().code == Code::internal);
}

TEST_CASE("submission: an input that can not be sent ends it with that error") {
  Driver d(job_of({1}));
  d.start();
  d.answer(1, Message{InputsMissing{}});
  CHECK(d.put(framebus::fail(error(Code::not_found))) ==
        SubmissionSteps{SubmissionDone{framebus::fail(error(Code::not_found))}});
}

TEST_CASE("submission: a large job goes in parts, a few at a time, then is committed") {
  const JobSpec job = job_of({25, 0, 12});
  Driver d(job);
  CHECK(d.start() == SubmissionSteps{ask_open(1, job)});
  CHECK(d.opened(1, 1) == SubmissionSteps{PartsSent{0, 5}, ask_part(2, job, 1, 0, 0, 10),
                                          ask_part(3, job, 2, 0, 10, 10),
                                          ask_part(4, job, 3, 0, 20, 5)});
  CHECK(d.part_ok(2) == SubmissionSteps{PartsSent{1, 5}, ask_part(5, job, 4, 2, 0, 10)});
  CHECK(d.part_ok(3) == SubmissionSteps{PartsSent{2, 5}, ask_part(6, job, 5, 2, 10, 2)});
  CHECK(d.part_ok(4) == SubmissionSteps{PartsSent{3, 5}});
  CHECK(d.part_ok(5) == SubmissionSteps{PartsSent{4, 5}});
  SipHasher hasher{SipKey{}};
  const auto add = [&](std::uint32_t step, std::size_t first, std::size_t count) {
    hasher.add_u64(step);
    hasher.add_u64(count);
    for (std::size_t i = first; i < first + count; ++i) {
      hasher.add_u64(100);
      hasher.add(job.steps[step].task_params[i]);
    }
  };
  add(0, 0, 10);
  add(0, 10, 10);
  add(0, 20, 5);
  add(2, 0, 10);
  add(2, 10, 2);
  const SipHash hash = hasher.finish();
  CHECK(d.part_ok(6) ==
        SubmissionSteps{
            PartsSent{5, 5},
            AskBroker{7, SubmitCommit{0, some_id(), 5, Bytes(hash.begin(), hash.end())}}});
  CHECK(d.answer(7, Message{accepted()}) == SubmissionSteps{SubmissionDone{accepted()}});
}

TEST_CASE("submission: missing inputs of a large job are put and only the commit is repeated") {
  Driver d(job_of({35}));
  d.start();
  const SubmissionSteps resumed = d.opened(1, 5);
  REQUIRE(resumed.size() == 2);
  const auto commit = std::get<AskBroker>(resumed[1]);
  CHECK(std::holds_alternative<SubmitCommit>(commit.message));
  CHECK(d.answer(2, Message{InputsMissing{}}) == SubmissionSteps{PutInputs{}});
  CHECK(d.put({}) == SubmissionSteps{AskBroker{3, commit.message}});
}

TEST_CASE("submission: it goes on from the part the broker names") {
  const JobSpec job = job_of({35});
  Driver d(job);
  d.start();
  CHECK(d.opened(1, 4) == SubmissionSteps{PartsSent{3, 4}, ask_part(2, job, 4, 0, 30, 5)});
}

TEST_CASE("submission: one that was committed before is known at SubmitOpen") {
  Driver d(job_of({35}));
  d.start();
  CHECK(d.answer(1, Message{accepted()}) == SubmissionSteps{SubmissionDone{accepted()}});
}

TEST_CASE("submission: an upload that the broker dropped begins anew, stale answers are ignored") {
  const JobSpec job = job_of({35});
  Driver d(job);
  d.start();
  d.opened(1, 1);
  d.part_ok(2);
  CHECK(d.answer(3, framebus::fail(error(Code::not_found))) == SubmissionSteps{ask_open(6, job)});
  CHECK(d.answer(4, framebus::fail(error(Code::not_found))).empty());
  CHECK(d.part_ok(5).empty());
  CHECK(d.opened(6, 1) == SubmissionSteps{PartsSent{0, 4}, ask_part(7, job, 1, 0, 0, 10),
                                          ask_part(8, job, 2, 0, 10, 10),
                                          ask_part(9, job, 3, 0, 20, 10)});
}

TEST_CASE("submission: parts that leave a gap are sent again from where the broker is") {
  const JobSpec job = job_of({35});
  Driver d(job);
  d.start();
  d.opened(1, 1);
  CHECK(d.answer(3, framebus::fail(error(Code::failed_precondition))) ==
        SubmissionSteps{ask_open(5, job)});
  CHECK(d.answer(4, framebus::fail(error(Code::failed_precondition))).empty());
  CHECK(d.opened(5, 2)[0] == SubmissionStep{PartsSent{1, 4}});
}

TEST_CASE("submission: a broker that drops it every time is given up") {
  Driver d(job_of({35}));
  d.start();
  std::uint64_t tag = 1;
  for (int restart = 0; restart < 8; ++restart) {
    const SubmissionSteps out = d.answer(tag, framebus::fail(error(Code::not_found)));
    REQUIRE(out.size() == 1);
    tag = std::get<AskBroker>(out[0]).tag;
  }
  CHECK(d.answer(tag, framebus::fail(error(Code::not_found))) ==
        SubmissionSteps{SubmissionDone{framebus::fail(error(Code::not_found))}});
}

TEST_CASE("submission: half an upload waits for a broker at its limit, as long as it was told") {
  const JobSpec job = job_of({35});
  Driver d(job);
  d.start();
  d.opened(1, 1);
  d.part_ok(2);
  CHECK(d.answer(3, framebus::fail(error(Code::resource_exhausted, 250))) ==
        SubmissionSteps{WaitFor{milliseconds(250)}});
  CHECK(d.part_ok(4).empty());
  CHECK(d.waited() == SubmissionSteps{ask_open(6, job)});
  CHECK(d.opened(6, 3)[0] == SubmissionStep{PartsSent{2, 4}});
}

TEST_CASE("submission: a limit that stays is told after some waits") {
  Driver d(job_of({35}));
  d.start();
  d.opened(1, 2);
  std::uint64_t tag = 2;
  for (int wait = 0; wait < 5; ++wait) {
    CHECK(d.answer(tag, framebus::fail(error(Code::resource_exhausted))) ==
          SubmissionSteps{WaitFor{seconds(1)}});
    tag = std::get<AskBroker>(d.waited()[0]).tag;
  }
  CHECK(d.answer(tag, framebus::fail(error(Code::resource_exhausted))) ==
        SubmissionSteps{SubmissionDone{framebus::fail(error(Code::resource_exhausted))}});
}

TEST_CASE("submission: what was refused before a part was recorded is refused") {
  Driver d(job_of({35}));
  d.start();
  CHECK(d.answer(1, framebus::fail(error(Code::resource_exhausted, 250))) ==
        SubmissionSteps{SubmissionDone{framebus::fail(error(Code::resource_exhausted, 250))}});
}

TEST_CASE("submission: a part that makes no sense is an error") {
  for (const std::uint32_t part : {0u, 6u}) {
    Driver d(job_of({35}));
    d.start();
    const SubmissionSteps out = d.opened(1, part);
    REQUIRE(out.size() == 1);
    CHECK(std::get<SubmissionDone>(out[0]).outcome.error().code == Code::malformed_message);
  }
}

TEST_CASE("submission: a lost broker ends it with the session's error") {
  for (const Code code : {Code::unavailable, Code::deadline_exceeded, Code::shutdown}) {
    Driver d(job_of({35}));
    d.start();
    CHECK(d.answer(1, framebus::fail(error(code))) ==
          SubmissionSteps{SubmissionDone{framebus::fail(error(code))}});
  }
}

TEST_CASE("submission: what no message can carry is refused before anything is sent") {
  JobSpec job = job_of({1});
  job.steps[0].task_params.clear();
  job.steps[0].axes.push_back({"k", std::vector<Bytes>(40, bytes(250'000, 1)), 0, 1, 0});
  Driver d(job);
  const SubmissionSteps out = d.start();
  REQUIRE(out.size() == 1);
  CHECK(std::get<SubmissionDone>(out[0]).outcome.error().code == Code::invalid_argument);
}

TEST_CASE("submission: a sweep of a million tasks is one small message") {
  JobSpec job = job_of({0});
  job.steps[0].task_count = 1'000'000;
  job.steps[0].axes.push_back({"seed", {}, 1, 1, 1'000'000});
  Submission submission(some_id(), job);
  CHECK_FALSE(submission.is_in_parts());
  CHECK(encoded_bytes_at_most(job) < 4096);
}
