// Durable before visible, with a store whose sync takes its time.
#include "broker/shell/commit_pipeline.h"

#include <doctest/doctest.h>

namespace framebus::broker {
namespace {

// Appends at once; what is durable is decided by the test.
class SlowStore final : public Store {
 public:
  Status append(TimePoint, std::vector<Record>&& records) override {
    if (fails) return fail(Code::resource_exhausted, "No space left on device");
    appended += records.size();
    return {};
  }
  std::uint64_t last_lsn() const override { return appended; }
  Result<std::uint64_t> durable() override {
    if (fails) return fail(Code::data_loss, "Input/output error");
    return durable_lsn;
  }
  Status sync() override { return {}; }
  Status replay(const RecordSink&) override { return {}; }
  StoreStats stats() const override { return {}; }

  std::uint64_t appended = 0;
  std::uint64_t durable_lsn = 0;
  bool fails = false;
};

Persist record(std::uint64_t lsn) {
  return {lsn, RetryDue{}};
}

Send send(std::uint64_t number, std::uint64_t after_lsn) {
  return {SessionId{1}, HeartbeatAck{number}, after_lsn};
}

// The numbers of the HeartbeatAcks released, 0 for a close.
std::vector<std::uint64_t> released(CommitPipeline& pipeline) {
  std::vector<std::uint64_t> numbers;
  pipeline.release([&](Action&& action) {
    if (const auto* sent = std::get_if<Send>(&action))
      numbers.push_back(std::get<HeartbeatAck>(sent->message).sequence);
    if (std::holds_alternative<CloseSession>(action)) numbers.push_back(0);
  });
  return numbers;
}

using Numbers = std::vector<std::uint64_t>;

TEST_CASE(
    "commit pipeline: a message leaves only when its record is durable, independent ones do not "
    "wait") {
  SlowStore store;
  CommitPipeline pipeline(store);
  REQUIRE(pipeline.append({}, {record(1), send(10, 1), send(11, 0), record(2), send(12, 2)}));
  REQUIRE(pipeline.sync());
  CHECK(released(pipeline) == Numbers{11});
  store.durable_lsn = 1;
  REQUIRE(pipeline.sync());
  CHECK(released(pipeline) == Numbers{10});
  REQUIRE(
      pipeline.append({}, {send(13, 2), send(14, 1)}));  // the loop goes on while a sync is under way
  CHECK(released(pipeline) == Numbers{14});
  store.durable_lsn = 2;
  REQUIRE(pipeline.sync());
  CHECK(released(pipeline) == Numbers{12, 13});
  CHECK(pipeline.waiting_count() == 0);
}

TEST_CASE("commit pipeline: with everything durable the core's order is kept") {
  SlowStore store;
  CommitPipeline pipeline(store);
  REQUIRE(pipeline.append({}, {record(1), send(1, 1), send(2, 0), record(2), send(3, 2), send(4, 1)}));
  store.durable_lsn = 2;
  REQUIRE(pipeline.sync());
  CHECK(released(pipeline) == Numbers{1, 2, 3, 4});
}

TEST_CASE("commit pipeline: a session is closed behind the messages sent before") {
  SlowStore store;
  CommitPipeline pipeline(store);
  REQUIRE(pipeline.append({}, {record(1), send(1, 1), CloseSession{SessionId{1}, "done"}}));
  REQUIRE(pipeline.sync());
  CHECK(released(pipeline).empty());
  store.durable_lsn = 1;
  REQUIRE(pipeline.sync());
  CHECK(released(pipeline) == Numbers{1, 0});
}

TEST_CASE("commit pipeline: a failed append or sync is an error that names the records") {
  SlowStore store;
  CommitPipeline pipeline(store);
  store.fails = true;
  CHECK(pipeline.append({}, {record(1)}).error().message.find("records up to 1") != std::string::npos);
  store.fails = false;
  REQUIRE(pipeline.append({}, {record(1)}));
  store.fails = true;
  CHECK(pipeline.sync().error().code == Code::data_loss);
}

TEST_CASE("memory store: numbers densely from 1, replays what it retains") {
  const auto store = make_memory_store();
  const TimePoint at{seconds(7)};
  REQUIRE(store->append(at, {RetryDue{}, RetryDue{}}));
  CHECK(store->last_lsn() == 2);
  REQUIRE(store->append(at, {JobForgotten{.job = JobId{5}}}));
  CHECK(store->durable().value() == 3);
  std::vector<std::uint64_t> lsns;
  REQUIRE(store->replay([&](std::uint64_t lsn, TimePoint when, const Record& each) {
    lsns.push_back(lsn);
    CHECK(when == at);
    if (lsn == 3) CHECK(each == Record(JobForgotten{.job = JobId{5}}));
  }));
  CHECK(lsns == std::vector<std::uint64_t>{1, 2, 3});
  const auto counting = make_memory_store(Retain::nothing);
  REQUIRE(counting->append(at, {RetryDue{}, RetryDue{}}));
  CHECK(counting->last_lsn() == 2);
  REQUIRE(counting->replay(
      [](std::uint64_t, TimePoint, const Record&) { FAIL("nothing was retained"); }));
}

}  // namespace
}  // namespace framebus::broker
