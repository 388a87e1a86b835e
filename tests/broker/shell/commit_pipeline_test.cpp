// Durable before visible, with a store whose sync takes its time and whose backlog is bounded.
#include "broker/shell/commit_pipeline.h"

#include <doctest/doctest.h>

namespace framebus::broker {
namespace {

// Appends at once; what is durable, and what fails, is decided by the test.
class SlowStore final : public Store {
 public:
  Status replay(const RecordSink&) override { return {}; }
  std::uint64_t last_lsn() const override { return appended; }
  Status append(TimePoint at, std::vector<Record>&& records) override {
    if (is_broken) return fail(Code::data_loss, "Input/output error");
    if (appended - durable_upto >= backlog_max) return fail(Code::resource_exhausted, "full");
    appended += records.size();
    times.push_back(at);
    records.clear();
    return {};
  }
  Result<std::uint64_t> durable() override {
    if (is_broken) return fail(Code::data_loss, "Input/output error");
    return durable_upto;
  }
  Status sync() override {
    if (is_broken) return fail(Code::data_loss, "Input/output error");
    durable_upto = appended;
    return {};
  }
  StoreStats stats() const override { return {}; }

  std::uint64_t appended = 0;
  std::uint64_t durable_upto = 0;
  std::uint64_t backlog_max = 1'000;
  bool is_broken = false;
  std::vector<TimePoint> times;
};

constexpr TimePoint now{seconds(7)};

Persist record(std::uint64_t lsn) {
  return {lsn, RetryDue{}};
}

Send send(std::uint64_t number, std::uint64_t after_lsn) {
  return {SessionId{1}, HeartbeatAck{number}, after_lsn};
}

// What was released, in words.
std::vector<std::string> released(CommitPipeline& pipeline) {
  std::vector<std::string> words;
  pipeline.release([&](Action&& action) {
    if (const auto* sent = std::get_if<Send>(&action)) {
      words.push_back("send " + std::to_string(std::get<HeartbeatAck>(sent->message).sequence));
    } else {
      const std::string text = to_string(action);
      words.push_back(text.substr(0, text.find_first_of(" {(")));
    }
  });
  return words;
}

using Words = std::vector<std::string>;

// poll(): the lsn it reports, 0 for none.
std::uint64_t polled(CommitPipeline& pipeline) {
  const auto synced = pipeline.poll();
  REQUIRE(synced);
  return *synced ? (*synced)->lsn : 0;
}

TEST_CASE(
    "commit pipeline: a message leaves only when its record is durable, independent ones do not "
    "wait") {
  SlowStore store;
  CommitPipeline pipeline(store);
  REQUIRE(pipeline.append(now, {record(1), send(10, 1), send(11, 0), record(2), send(12, 2)}));
  CHECK(polled(pipeline) == 0);
  CHECK(released(pipeline) == Words{"send 11"});
  store.durable_upto = 1;
  CHECK(released(pipeline).empty());  // only poll() says how far the store is
  CHECK(polled(pipeline) == 1);
  CHECK(released(pipeline) == Words{"send 10"});
  // The loop goes on while a sync is under way.
  REQUIRE(pipeline.append(now, {send(13, 2), send(14, 1)}));
  CHECK(released(pipeline) == Words{"send 14"});
  store.durable_upto = 2;
  CHECK(polled(pipeline) == 2);
  CHECK(polled(pipeline) == 0);
  CHECK(released(pipeline) == Words{"send 12", "send 13"});
  CHECK(pipeline.waiting_count() == 0);
  CHECK(pipeline.counters().taken == 5);
  CHECK(pipeline.counters().released == 5);
}

TEST_CASE("commit pipeline: with everything durable the core's order is kept") {
  SlowStore store;
  CommitPipeline pipeline(store);
  REQUIRE(
      pipeline.append(now, {record(1), send(1, 1), send(2, 0), record(2), send(3, 2), send(4, 1)}));
  store.durable_upto = 2;
  CHECK(polled(pipeline) == 2);
  CHECK(released(pipeline) == Words{"send 1", "send 2", "send 3", "send 4"});
}

TEST_CASE("commit pipeline: a session is closed behind the messages sent before") {
  SlowStore store;
  CommitPipeline pipeline(store);
  REQUIRE(pipeline.append(now, {record(1), send(1, 1), CloseSession{SessionId{1}, "done"}}));
  CHECK(polled(pipeline) == 0);
  CHECK(released(pipeline).empty());
  store.durable_upto = 1;
  CHECK(polled(pipeline) == 1);
  CHECK(released(pipeline) == Words{"send 1", "CloseSession"});
}

TEST_CASE(
    "commit pipeline: the archive, the end of a log and what destroys wait for the records before "
    "them, a log line and an open read do not") {
  SlowStore store;
  CommitPipeline pipeline(store);
  ReadLog open_read{SessionId{1}, {}, true};
  ReadLog last_read{SessionId{1}, {}, false};
  REQUIRE(pipeline.append(
      now, {record(1), record(2), Archive{{}, 1}, StoreLog{}, LogEnded{}, open_read, last_read,
            DropLogs{JobId{1}}, DropBlobs{}, Note{1, ""}, LoadArchived{JobId{1}}, ListArchived{}}));
  CHECK(released(pipeline) == Words{"StoreLog", "ReadLog", "Note", "LoadArchived", "ListArchived"});
  store.durable_upto = 1;
  CHECK(polled(pipeline) == 1);
  CHECK(released(pipeline) == Words{"Archive"});
  store.durable_upto = 2;
  CHECK(polled(pipeline) == 2);
  CHECK(released(pipeline) == Words{"LogEnded", "ReadLog", "DropLogs", "DropBlobs"});
}

TEST_CASE(
    "commit pipeline: a full backlog keeps batches and their times in order, and offers them "
    "again") {
  SlowStore store;
  store.backlog_max = 2;
  CommitPipeline pipeline(store);
  REQUIRE(pipeline.append(now, {record(1), record(2), send(1, 2)}));
  CHECK_FALSE(pipeline.is_backlogged());
  REQUIRE(pipeline.append(now + seconds(1), {record(3), send(2, 3), send(3, 0)}));
  CHECK(pipeline.is_backlogged());
  REQUIRE(pipeline.append(now + seconds(2), {record(4), send(4, 4)}));
  CHECK(store.appended == 2);
  CHECK(polled(pipeline) == 0);
  CHECK(pipeline.is_backlogged());
  CHECK(released(pipeline) == Words{"send 3"});
  CHECK(pipeline.counters().turned_away == 2);
  store.durable_upto = 2;
  CHECK(polled(pipeline) == 2);
  CHECK_FALSE(pipeline.is_backlogged());
  CHECK(store.appended == 4);
  CHECK(store.times == std::vector<TimePoint>{now, now + seconds(1), now + seconds(2)});
  CHECK(released(pipeline) == Words{"send 1"});
  store.durable_upto = 4;
  CHECK(polled(pipeline) == 4);
  CHECK(released(pipeline) == Words{"send 2", "send 4"});
}

TEST_CASE("commit pipeline: finish() makes everything durable, also what a full backlog held up") {
  SlowStore store;
  store.backlog_max = 1;
  CommitPipeline pipeline(store);
  REQUIRE(pipeline.append(now, {record(1), send(1, 1)}));
  REQUIRE(pipeline.append(now, {record(2), send(2, 2)}));
  REQUIRE(pipeline.finish());
  CHECK(store.durable_upto == 2);
  CHECK(released(pipeline) == Words{"send 1", "send 2"});
}

TEST_CASE("commit pipeline: after a failed append or sync nothing that waited is released") {
  SlowStore store;
  CommitPipeline pipeline(store);
  REQUIRE(pipeline.append(now, {record(1), send(1, 1)}));
  store.is_broken = true;
  store.durable_upto = 1;  // whatever the disk says afterwards
  const auto polled = pipeline.poll();
  REQUIRE_FALSE(polled);
  CHECK(polled.error() == Error{Code::data_loss, "sync records up to 1: Input/output error", 0});
  CHECK(released(pipeline).empty());
  CHECK(pipeline.append(now, {record(2)}).error().message ==
        "append records up to 2: Input/output error");
  CHECK(pipeline.finish().error().code == Code::data_loss);
  CHECK(released(pipeline).empty());
}

TEST_CASE("commit pipeline: a restarted broker goes on behind the records that were replayed") {
  SlowStore store;
  store.appended = store.durable_upto = 41;
  CommitPipeline pipeline(store);
  CHECK(pipeline.durable_lsn() == 41);
  REQUIRE(pipeline.append(now, {send(1, 41), record(42), send(2, 42)}));
  CHECK(polled(pipeline) == 0);
  CHECK(released(pipeline) == Words{"send 1"});
}

}  // namespace
}  // namespace framebus::broker
