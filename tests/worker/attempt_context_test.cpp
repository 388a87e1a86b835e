// What an executor's transfers do while the broker is away: a blob client that fails as told.
#include "worker/shell/attempt_context.h"

#include <doctest/doctest.h>

namespace framebus::worker {
namespace {

class FailingClient final : public BlobClient {
 public:
  explicit FailingClient(int failures, Code code = Code::unavailable,
                         std::int64_t retry_after_ms = 0)
      : failures_left_(failures), code_(code), retry_after_ms_(retry_after_ms) {}
  Result<std::filesystem::path> fetch(const BlobRef&, BlobStore&,
                                      const std::atomic<bool>*) override {
    return fail(Code::internal, "not asked for here");
  }
  Result<Bytes> fetch_bytes(const BlobRef&, std::uint64_t, const std::atomic<bool>*) override {
    return fail(Code::internal, "not asked for here");
  }
  Result<BlobRef> put_bytes(BytesView bytes, const std::atomic<bool>*) override {
    ++calls;
    if (on_call) on_call();
    if (failures_left_ > 0) {
      --failures_left_;
      return fail(code_, "as told", retry_after_ms_);
    }
    return BlobRef{hash_bytes(bytes), bytes.size(), {}};
  }
  Result<BlobRef> put_file(const std::filesystem::path&, const std::atomic<bool>*) override {
    return fail(Code::internal, "not asked for here");
  }
  std::uint64_t bandwidth_bytes_per_s() const override { return 0; }
  void set_endpoint(const std::string&) override {}

  int calls = 0;
  std::function<void()> on_call;

 private:
  int failures_left_;
  Code code_;
  std::int64_t retry_after_ms_;
};

struct Rig {
  explicit Rig(FailingClient& client) {
    services.inbox = &inbox;
    services.blobs = &client;
    services.executor_caches = std::filesystem::temp_directory_path();
  }
  Result<BlobRef> put() { return context.put(bytes_of("frame"), "result"); }

  Inbox inbox;
  AttemptServices services;
  std::atomic<bool> cancelled{false};
  AttemptContext context{services, {}, "", cancelled};
};

TEST_CASE("attempt: a result waits for a broker that is away") {
  FailingClient client(2);
  Rig rig(client);
  const auto stored = rig.put();
  REQUIRE(stored);
  CHECK(stored->name == "result");
  CHECK(client.calls == 3);
}

TEST_CASE("attempt: a failure that repeats at once is final, and so is any that no wait can mend") {
  FailingClient unavailable(100);
  Rig rig(unavailable);
  CHECK(rig.put().error().code == Code::unavailable);
  CHECK(unavailable.calls < 10);
  FailingClient damaged(100, Code::data_loss);
  Rig other(damaged);
  CHECK(other.put().error().code == Code::data_loss);
  CHECK(damaged.calls == 1);
}

TEST_CASE("attempt: room that is promised to others is waited for, as long as the broker says") {
  FailingClient promised(5, Code::resource_exhausted, 1);
  Rig rig(promised);
  CHECK(rig.put());
  CHECK(promised.calls == 6);
  FailingClient hinted(1, Code::resource_exhausted, 400);
  Rig other(hinted);
  const TimePoint begin = now_monotonic();
  CHECK(other.put());
  CHECK(now_monotonic() - begin >= milliseconds(400));
  FailingClient full(100, Code::resource_exhausted);  // no hint: nothing will change it
  Rig last(full);
  CHECK(last.put().error().code == Code::resource_exhausted);
  CHECK(full.calls == 1);
  FailingClient forever(100, Code::resource_exhausted, 1);
  Rig draining(forever);
  const TimePoint limit = now_monotonic() + milliseconds(250);
  draining.services.patience_ends_ns = limit.time_since_epoch().count();
  CHECK_FALSE(draining.put());
  CHECK(forever.calls < 10);
}

TEST_CASE("attempt: a cancel and the end of a drain's patience end the wait") {
  FailingClient client(100);
  Rig rig(client);
  client.on_call = [&] { rig.cancelled = true; };
  CHECK_FALSE(rig.put());
  CHECK(client.calls == 1);
  FailingClient late(100);
  Rig draining(late);
  draining.services.patience_ends_ns = 0;
  CHECK_FALSE(draining.put());
  CHECK(late.calls == 1);
}

}  // namespace
}  // namespace framebus::worker
