#include "client/lib/callback_queue.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <future>
#include <memory>
#include <vector>

using framebus::client::CallbackQueue;

TEST_CASE("callbacks: run in order, and finish waits for them") {
  std::vector<int> order;
  {
    CallbackQueue queue;
    for (int i = 0; i < 100; ++i) queue.post([&order, i] { order.push_back(i); });
    queue.finish();
    CHECK(order.size() == 100);
    CHECK(std::is_sorted(order.begin(), order.end()));
    queue.finish();
    queue.post([&order] { order.push_back(100); });
  }
  CHECK(order.size() == 101);
}

TEST_CASE("callbacks: one may post, finish and destroy the queue it runs on") {
  auto queue = std::make_unique<CallbackQueue>();
  std::promise<void> done;
  queue->post([&] {
    queue->post([&] {
      queue->finish();
      queue.reset();
      done.set_value();
    });
  });
  CHECK(done.get_future().wait_for(std::chrono::seconds(10)) == std::future_status::ready);
}
