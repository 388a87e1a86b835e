// What stays with a job goes on while the broker is away; what is definite ends it.
#include <doctest/doctest.h>

#include "client/commands/away_notice.h"
#include "client/commands/results.h"
#include "libmsg/blob/blob_server.h"
#include "tests/client/lib/fake_broker.h"
#include "tests/libmsg/blob/scratch_directory.h"

using namespace framebus;
using namespace framebus::client;

namespace {

// A job of one echo step, and one of its tasks with a blob for a result.
JobSpec echo_spec() {
  StepSpec step;
  step.name = "main";
  step.type = "echo";
  step.task_count = 4;
  JobSpec spec;
  spec.steps.push_back(step);
  return spec;
}

TaskSummary task_with(std::uint32_t index, BlobRef blob) {
  TaskSummary task;
  task.task = {JobId{3}, index};
  task.state = TaskState::succeeded;
  blob.name = "result";
  task.blobs.push_back(blob);
  return task;
}

void answer_nothing(const Message&, const FakeBroker::Answer&) {}

// An address where nobody listens, and where a broker may be started later.
std::string free_url(const std::shared_ptr<Context>& context) {
  return FakeBroker(context, "tcp://127.0.0.1:0", answer_nothing).url();
}

PrimaryOptions impatient(std::shared_ptr<Context> context, const std::string& url) {
  PrimaryOptions options;
  options.broker = url;
  // Short beside the absence below, long beside any pause of a loaded machine: a broker that is
  // there and late five times in a row is a definite error.
  options.deadline = milliseconds(500);
  options.reconnect_max = milliseconds(100);
  options.context = std::move(context);
  return options;
}

struct Said {
  std::vector<std::string> lines;
  AwayNotice notice{[this](std::string_view line) { lines.emplace_back(line); }};
};

TimePoint at(Duration since) {
  return TimePoint{} + since;
}

}  // namespace

TEST_CASE("away: results are fetched once the broker is there, however long that takes") {
  test::ScratchDirectory scratch;
  const auto store = open_blob_store(scratch / "blobs", false).value();
  const BlobRef blob = store->put_bytes(bytes_of("a result")).value();
  auto context = make_context();
  const auto bulk = start_blob_server(context, *store, "tcp://127.0.0.1:0").value();
  const std::string url = free_url(context);
  Primary primary(impatient(context, url));
  ResultsOptions options;
  options.directory = scratch / "out";
  options.save_files = true;
  const auto results = client::Results::make(primary, JobId{3}, echo_spec(), options).value();
  const client::Results::OnTurn never = [] { return Status{}; };
  REQUIRE(results->add(task_with(0, blob), never));
  std::unique_ptr<FakeBroker> broker;
  int turns = 0;
  const Status finished = results->finish([&] {
    // Twenty turns are two seconds: four times as long as any answer may take.
    if (++turns == 20)
      broker = std::make_unique<FakeBroker>(context, url, answer_nothing, bulk->endpoint());
    return turns < 200 ? Status{} : fail(Code::internal, "never fetched");
  });
  CAPTURE((finished ? "" : finished.error().message));
  CHECK(finished.has_value());
  CHECK(results->report(true).files.size() == 1);
  CHECK(std::filesystem::file_size(scratch / "out/task-0.bin") == 8);
}

TEST_CASE("away: waiting for results ends when the user says so") {
  test::ScratchDirectory scratch;
  auto context = make_context();
  Primary primary(impatient(context, free_url(context)));
  ResultsOptions options;
  options.directory = scratch / "out";
  options.save_files = true;
  const auto results = client::Results::make(primary, JobId{3}, echo_spec(), options).value();
  const BlobRef blob{hash_bytes(bytes_of("x")), 1, {}};
  REQUIRE(results->add(task_with(0, blob), [] { return Status{}; }));
  int turns = 0;
  const Status finished = results->finish(
      [&] { return ++turns < 5 ? Status{} : fail(Code::cancelled, "interrupted"); });
  REQUIRE_FALSE(finished);
  CHECK(finished.error().code == Code::cancelled);
}

TEST_CASE("away: a result that the broker does not have is a definite error") {
  test::ScratchDirectory scratch;
  const auto store = open_blob_store(scratch / "blobs", false).value();
  auto context = make_context();
  const auto bulk = start_blob_server(context, *store, "tcp://127.0.0.1:0").value();
  FakeBroker broker(context, "tcp://127.0.0.1:0", answer_nothing, bulk->endpoint());
  Primary primary(impatient(context, broker.url()));
  ResultsOptions options;
  options.directory = scratch / "out";
  options.save_files = true;
  const auto results = client::Results::make(primary, JobId{3}, echo_spec(), options).value();
  const BlobRef blob{hash_bytes(bytes_of("x")), 1, {}};
  REQUIRE(results->add(task_with(0, blob), [] { return Status{}; }));
  int turns = 0;
  const Status finished = results->finish(
      [&] { return ++turns < 100 ? Status{} : fail(Code::internal, "waited for ever"); });
  REQUIRE_FALSE(finished);
  CHECK(finished.error().code == Code::not_found);
}

TEST_CASE("away: an absence is told once, after two seconds, and again after the next one") {
  Said said;
  said.notice.look(at(seconds(1)), true);
  said.notice.look(at(seconds(2)), false);
  said.notice.look(at(milliseconds(3900)), false);
  CHECK(said.lines.empty());
  said.notice.look(at(seconds(4)), false);
  said.notice.look(at(seconds(60)), false);
  said.notice.unanswered();
  CHECK(said.lines == std::vector<std::string>{"broker is away, waiting"});
  said.notice.look(at(seconds(61)), true);
  said.notice.look(at(seconds(62)), false);
  said.notice.look(at(seconds(65)), false);
  CHECK(said.lines.size() == 2);
}

TEST_CASE("away: a broker that is connected and silent is told once until it answers") {
  Said said;
  said.notice.unanswered();
  said.notice.unanswered();
  said.notice.look(at(seconds(1)), true);
  CHECK(said.lines.size() == 1);
  said.notice.answered();
  said.notice.unanswered();
  CHECK(said.lines.size() == 2);
}
