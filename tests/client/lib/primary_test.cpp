// Primary over real sockets against a broker that a test scripts.
//
// A broker that is ended and started again has a context of its own: when that is gone its address
// is free, as after the end of a process.
#include "client/lib/primary.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>

#include "tests/client/lib/fake_broker.h"

using namespace framebus;
using namespace framebus::client;

namespace {

// Waits for a condition set by other threads, at most 10 s.
struct Latch {
  std::mutex mutex;
  std::condition_variable changed;
  int count = 0;
  void hit() {
    const std::lock_guard lock(mutex);
    ++count;
    changed.notify_all();
  }
  bool reached(int wanted) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(10), [&] { return count >= wanted; });
  }
};

PrimaryOptions options_for(std::shared_ptr<Context> context, const std::string& url,
                           Duration deadline = seconds(10)) {
  PrimaryOptions options;
  options.broker = url;
  options.deadline = deadline;
  options.context = std::move(context);
  options.reconnect_max = milliseconds(300);
  return options;
}

void ignore(const Message&, const FakeBroker::Answer&) {}

void answer_status(const Message& message, const FakeBroker::Answer& answer) {
  if (const auto* query = std::get_if<Query>(&message)) {
    QueryReply reply;
    reply.request = query->request;
    reply.status.workers = 4;
    answer(reply);
  }
}

}  // namespace

TEST_CASE("primary: a future completes with the broker's answer") {
  auto context = make_context();
  FakeBroker broker(context, "tcp://127.0.0.1:0", answer_status);
  Primary primary(options_for(context, broker.url()));
  const auto status = primary.status().get();
  REQUIRE(status.has_value());
  CHECK(status->workers == 4);
  CHECK(primary.has_workers().get().value());
  CHECK(primary.is_connected());
}

TEST_CASE("primary: without a broker a call ends at its deadline with unavailable and the URL") {
  auto context = make_context();
  Primary primary(options_for(context, "tcp://127.0.0.1:1", milliseconds(300)));
  const auto status = primary.status().get();
  REQUIRE_FALSE(status.has_value());
  CHECK(status.error().code == Code::unavailable);
  CHECK(status.error().message.find("tcp://127.0.0.1:1") != std::string::npos);
}

TEST_CASE("primary: the broker may start later than the client") {
  auto context = make_context();
  const std::string url =
      "inproc://late-" + std::to_string(reinterpret_cast<std::uintptr_t>(context.get()));
  Primary primary(options_for(context, url));
  auto future = primary.status();
  FakeBroker broker(context, url, answer_status);
  CHECK(future.get().has_value());
}

TEST_CASE("primary: a thousand requests answered in reverse order match") {
  auto context = make_context();
  std::vector<Query> seen;
  FakeBroker broker(context, "tcp://127.0.0.1:0",
                    [&seen](const Message& message, const FakeBroker::Answer& answer) {
                      if (const auto* query = std::get_if<Query>(&message)) seen.push_back(*query);
                      if (seen.size() < 1000) return;
                      for (auto each = seen.rbegin(); each != seen.rend(); ++each) {
                        QueryReply reply;
                        reply.request = each->request;
                        reply.total = each->task.index;
                        answer(reply);
                      }
                      seen.clear();
                    });
  Primary primary(options_for(context, broker.url()));
  std::vector<Future<QueryReply>> futures;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    Query query;
    query.kind = QueryKind::explain;
    query.task = {JobId{1}, i};
    query.limit = 1;
    futures.push_back(primary.query(query));
  }
  for (std::uint32_t i = 0; i < 1000; ++i) {
    const auto reply = futures[i].get();
    REQUIRE(reply.has_value());
    CHECK(reply->total == i);
  }
}

TEST_CASE("primary: pages are joined") {
  auto context = make_context();
  FakeBroker broker(
      context, "tcp://127.0.0.1:0", [](const Message& message, const FakeBroker::Answer& answer) {
        const auto* query = std::get_if<Query>(&message);
        if (!query) return;
        QueryReply reply;
        reply.request = query->request;
        reply.total = 25;
        for (std::uint32_t i = query->offset; i < std::min(query->offset + 10, 25u); ++i) {
          TaskSummary task;
          task.task = {JobId{1}, i};
          reply.tasks.push_back(task);
        }
        reply.next_offset = query->offset + 10 < 25 ? query->offset + 10 : 0;
        answer(reply);
      });
  Primary primary(options_for(context, broker.url()));
  Query query;
  query.kind = QueryKind::tasks;
  const auto reply = primary.query(query).get();
  REQUIRE(reply.has_value());
  REQUIRE(reply->tasks.size() == 25);
  CHECK(reply->tasks[24].task.index == 24);
}

TEST_CASE("primary: any call from a callback works, also waiting for a future and shutting down") {
  auto context = make_context();
  FakeBroker broker(context, "tcp://127.0.0.1:0", answer_status);
  auto primary = std::make_unique<Primary>(options_for(context, broker.url()));
  Latch latch;
  Query query;
  query.kind = QueryKind::status;
  primary->query(query, {}, [&](Result<QueryReply> reply) {
    CHECK(reply.has_value());
    CHECK(primary->status().get().has_value());
    primary->shutdown();
    CHECK(primary->status().get().error().code == Code::shutdown);
    primary.reset();
    latch.hit();
  });
  CHECK(latch.reached(1));
}

TEST_CASE(
    "primary: shutdown completes all futures and callbacks with shutdown, twice does nothing") {
  auto context = make_context();
  FakeBroker broker(context, "tcp://127.0.0.1:0", ignore);
  Primary primary(options_for(context, broker.url()));
  std::vector<Future<BrokerStatus>> futures;
  for (int i = 0; i < 50; ++i) futures.push_back(primary.status());
  auto fetch = primary.fetch_bytes(BlobRef{}, 1);
  Latch ended;
  primary.watch(
      {JobId{1}}, [](const Event&) {},
      [&](const Error& error) {
        CHECK(error.code == Code::shutdown);
        ended.hit();
      });
  primary.act(Act{}, {}, [&](Result<ActOk> outcome) {
    CHECK(outcome.error().code == Code::shutdown);
    ended.hit();
  });
  primary.shutdown();
  primary.shutdown();
  for (auto& future : futures) CHECK(future.get().error().code == Code::shutdown);
  CHECK(fetch.get().error().code == Code::shutdown);
  CHECK(ended.reached(2));
}

TEST_CASE("primary: a watch survives the broker's death and goes on from its cursor") {
  auto context = make_context();
  const std::string url = "ipc:///tmp/framebus-primary-test-" + std::to_string(getpid());
  Latch seen, confirmed;
  std::atomic<std::uint64_t> resumed_from{0};
  const auto serve = [&](std::uint64_t lsn) {
    return [&, lsn](const Message& message, const FakeBroker::Answer& answer) {
      if (const auto* watch = std::get_if<Watch>(&message)) {
        resumed_from = watch->from.lsn;
        Event event;
        event.kind = EventKind::task;
        event.cursor = {1, lsn};
        answer(Events{watch->request, 1, {event}});
      }
      if (std::holds_alternative<EventsOk>(message)) confirmed.hit();
    };
  };
  auto broker = std::make_unique<FakeBroker>(make_context(), url, serve(7));
  Primary primary(options_for(context, url));
  const auto watch = primary.watch({JobId{1}}, [&](const Event&) { seen.hit(); });
  REQUIRE(seen.reached(1));
  REQUIRE(confirmed.reached(1));
  broker.reset();
  broker = std::make_unique<FakeBroker>(make_context(), url, serve(8));
  REQUIRE(seen.reached(2));
  CHECK(resumed_from == 7);
  primary.unwatch(watch);
}

TEST_CASE("primary: a submit is repeated with the same submit id until it is answered") {
  auto context = make_context();
  const std::string url = "ipc:///tmp/framebus-submit-test-" + std::to_string(getpid());
  Latch received;
  std::mutex mutex;
  std::vector<SubmitId> ids;
  const auto record = [&](const Message& message) {
    if (const auto* submit = std::get_if<Submit>(&message)) {
      const std::lock_guard lock(mutex);
      ids.push_back(submit->submit_id);
      received.hit();
      return submit->request;
    }
    return std::uint64_t{0};
  };
  auto broker = std::make_unique<FakeBroker>(
      make_context(), url, [&](const Message& m, const FakeBroker::Answer&) { record(m); });
  Primary primary(options_for(context, url));
  auto future = primary.submit(JobSpec{}, {});
  REQUIRE(received.reached(1));
  broker.reset();
  broker = std::make_unique<FakeBroker>(make_context(), url,
                                        [&](const Message& m, const FakeBroker::Answer& answer) {
                                          SubmitOk ok;
                                          ok.request = record(m);
                                          ok.job = JobId{5};
                                          if (ok.request != 0) answer(ok);
                                        });
  const auto accepted = future.get();
  REQUIRE(accepted.has_value());
  CHECK(accepted->job == JobId{5});
  broker.reset();  // its thread wrote what is read now
  REQUIRE(ids.size() == 2);
  CHECK(ids[0] == ids[1]);
  CHECK_FALSE(ids[0].is_none());
}
