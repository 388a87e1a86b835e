// The disk pool: order within a strand, turns between strands, quiet ends.
#include "libmsg/blob/disk_pool.h"

#include <doctest/doctest.h>

#include <atomic>
#include <future>

namespace framebus {
namespace {

TEST_CASE("disk pool: jobs of a strand run in order, one at a time, on several threads") {
  std::vector<int> order;
  std::atomic<int> inside{0};
  std::atomic<bool> overlapped{false};
  std::promise<void> done;
  {
    DiskPool pool(4);
    const auto strand = pool.make_strand();
    for (int i = 0; i < 1000; ++i) {
      pool.post(strand, [&, i] {
        overlapped = overlapped || ++inside > 1;
        order.push_back(i);
        --inside;
      });
    }
    pool.post(strand, [&] { done.set_value(); });
    REQUIRE(done.get_future().wait_for(std::chrono::seconds(5)) == std::future_status::ready);
  }
  CHECK_FALSE(overlapped);
  REQUIRE(order.size() == 1000);
  for (int i = 0; i < 1000; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("disk pool: a short strand does not wait behind a long one") {
  DiskPool pool(1);
  std::promise<void> gate;
  const auto opened = gate.get_future().share();
  std::atomic<int> long_jobs_done{0};
  std::promise<int> seen;
  const auto long_strand = pool.make_strand();
  pool.post(long_strand, [opened] { opened.wait(); });
  for (int i = 0; i < 100; ++i) pool.post(long_strand, [&] { ++long_jobs_done; });
  pool.post(pool.make_strand(), [&] { seen.set_value(long_jobs_done); });
  gate.set_value();
  auto answer = seen.get_future();
  REQUIRE(answer.wait_for(std::chrono::seconds(5)) == std::future_status::ready);
  CHECK(answer.get() <= 1);
}

TEST_CASE("disk pool: an abandoned strand's waiting jobs never run") {
  std::atomic<bool> ran{false};
  std::promise<void> gate;
  {
    DiskPool pool(1);
    const auto opened = gate.get_future().share();
    const auto strand = pool.make_strand();
    pool.post(strand, [opened] { opened.wait(); });
    pool.post(strand, [&] { ran = true; });
    pool.abandon(strand);
    std::promise<void> after;
    pool.post(strand, [&] { after.set_value(); });
    gate.set_value();
    REQUIRE(after.get_future().wait_for(std::chrono::seconds(5)) == std::future_status::ready);
  }
  CHECK_FALSE(ran);
}

}  // namespace
}  // namespace framebus
