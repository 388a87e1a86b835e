// The worker's commands, each carried out beside the loop.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/worker/scripted_broker.h"
#include "worker/shell/commands.h"

namespace framebus::worker {
namespace {

class FakeSlots final : public SlotPool {
 public:
  void start(StartAttempt) override {}
  void cancel(const AttemptId&) override {}
  void kill(const AttemptId&) override {}
  void cancel_all() override {}
  bool wait_idle(Duration) override { return true; }
  void drop_caches() override { ++drops; }
  PoolView describe() override {
    return {{{{{{7}, 3}, {}}, "ren\"der", milliseconds(1500), true}}, {{"render", 4242}}};
  }
  std::atomic<int> drops{0};
};

struct Rig {
  Rig() : cache(std::move(*open_blob_store(directory.path() / "cache", false))) {
    runner =
        std::make_unique<CommandRunner>(CommandServices{&inbox, &slots, cache.get(), &prepared});
  }
  void start(std::uint64_t number, const std::string& verb, const std::string& payload) {
    runner->start(StartCommand{number, verb, Bytes(payload.begin(), payload.end()), 0});
  }
  CommandFinished finished() {
    const TimePoint limit = now_monotonic() + patience;
    while (now_monotonic() < limit) {
      for (Event& event : inbox.take())
        if (auto* done = std::get_if<CommandFinished>(&event)) waiting.push_back(*done);
      if (!waiting.empty()) {
        const CommandFinished first = waiting.front();
        waiting.erase(waiting.begin());
        return first;
      }
      wait({}, {}, &inbox.wakeup(), milliseconds(50));
      inbox.wakeup().drain();
    }
    FAIL("no command has finished");
    return {};
  }
  CommandFinished run(const std::string& verb, const std::string& payload) {
    start(1, verb, payload);
    return finished();
  }

  TemporaryDirectory directory;
  Inbox inbox;
  FakeSlots slots;
  PreparedStore prepared;
  std::unique_ptr<BlobStore> cache;
  std::vector<CommandFinished> waiting;
  std::unique_ptr<CommandRunner> runner;
};

TEST_CASE("commands: ping answers nothing, echo its payload, too much is refused with its size") {
  Rig rig;
  CHECK(rig.run("ping", "") == CommandFinished{1, {}, {}});
  CHECK(text_of(rig.run("echo", "hello").payload) == "hello");
  const CommandFinished large = rig.run("echo", std::string(70'000, 'x'));
  CHECK(large.error.code == static_cast<std::uint16_t>(Code::resource_exhausted));
  CHECK(large.error.message.find("70000") != std::string::npos);
}

TEST_CASE("commands: status is JSON about attempts, processes and what is prepared") {
  Rig rig;
  rig.prepared.set("scene", 1, Bytes(10));
  CHECK(text_of(rig.run("status", "").payload) ==
        R"({"attempts": [{"task": "7:3", "grant": 0, "type": "ren\"der", "for_ms": 1500, )"
        R"("cancelled": true}], "executors": [{"role": "render", "pid": 4242}], )"
        R"("prepared": [{"name": "scene", "bytes": 10}]})");
}

TEST_CASE(
    "commands: drop_caches asks the executors and empties the blob cache, but for what is in use") {
  Rig rig;
  const auto old = rig.cache->put_bytes(bytes_of("old")),
             fresh = rig.cache->put_bytes(bytes_of("x"));
  REQUIRE((old && fresh));
  const timespec long_ago[2] = {{1, 0}, {1, 0}};
  REQUIRE(::utimensat(AT_FDCWD, rig.cache->path_of(old->hash)->c_str(), long_ago, 0) == 0);
  CHECK(rig.run("drop_caches", "").error.code == 0);
  CHECK(rig.slots.drops == 1);
  CHECK_FALSE(rig.cache->has(old->hash));
  CHECK(rig.cache->has(fresh->hash));
}

TEST_CASE("commands: a wait is cancelled, a wrong one is told what is wanted") {
  Rig rig;
  rig.start(1, "wait", "{\"ms\": 86400000}");
  rig.start(2, "ping", "");
  CHECK(rig.finished().number == 2);
  rig.runner->cancel(1);
  const CommandFinished cancelled = rig.finished();
  CHECK(cancelled.number == 1);
  CHECK(cancelled.error.code == static_cast<std::uint16_t>(Code::cancelled));
  CHECK(rig.run("wait", "{\"ms\": 1}").error.code == 0);
  for (const char* wrong : {"", "{}", "[1]", "{\"ms\": -1}", "{\"ms\": \"soon\"}", "{"})
    CHECK(rig.run("wait", wrong).error.code != 0);
}

TEST_CASE("commands: prepare keeps the newest payload of each name") {
  Rig rig;
  rig.start(1, "prepare:scene", "one");
  rig.finished();
  rig.start(2, "prepare", "two");
  rig.finished();
  CHECK(text_of(*rig.prepared.get("scene")) == "one");
  CHECK(text_of(*rig.prepared.get("")) == "two");
  CHECK_FALSE(rig.prepared.get("other"));
  CHECK(rig.prepared.since(1).size() == 1);
}

}  // namespace
}  // namespace framebus::worker
