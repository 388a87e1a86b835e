// Which chunks are asked for, and which are believed.
#include "libmsg/blob/chunk_plan.h"

#include <doctest/doctest.h>

#include "libmsg/base/limits.h"

namespace framebus {
namespace {

constexpr std::uint64_t chunk = limits::blob_chunk_bytes;

TEST_CASE("chunk plan: an empty blob needs nothing") {
  ChunkPlan plan(0);
  CHECK(plan.is_complete());
  CHECK_FALSE(plan.ask(16));
}

TEST_CASE("chunk plan: asks for everything once, at most a window at a time") {
  ChunkPlan plan(5 * chunk + 1);
  CHECK(plan.ask(2)->offset == 0);
  CHECK(plan.ask(2)->offset == chunk);
  CHECK_FALSE(plan.ask(2));
  CHECK(plan.arrived(chunk, chunk));
  CHECK_FALSE(plan.ask(2));  // arrived, but not yet written
  CHECK(plan.is_waiting());
  plan.written(chunk);
  CHECK(plan.ask(2)->offset == 2 * chunk);
  CHECK(plan.arrived(0, chunk));
  plan.written(chunk);
  while (const auto range = plan.ask(16)) {
    if (range->offset == 5 * chunk) CHECK(range->length == 1);
  }
  for (const std::uint64_t index : {5, 3, 2, 4}) {
    CHECK_FALSE(plan.is_complete());
    const std::uint64_t length = index == 5 ? 1 : chunk;
    CHECK(plan.arrived(index * chunk, length));
    plan.written(length);
  }
  CHECK(plan.is_complete());
}

TEST_CASE("chunk plan: nobody is waited for while all that came is being written") {
  ChunkPlan plan(chunk);
  CHECK_FALSE(plan.is_waiting());
  REQUIRE(plan.ask(2));
  CHECK(plan.is_waiting());
  CHECK(plan.arrived(0, chunk));
  CHECK_FALSE(plan.is_waiting());
}

TEST_CASE("chunk plan: what was not asked for, comes twice or has another length is refused") {
  ChunkPlan plan(3 * chunk);
  REQUIRE(plan.ask(1));
  CHECK(plan.arrived(chunk, chunk).error().code == Code::invalid_argument);
  CHECK(plan.arrived(1, chunk).error().code == Code::invalid_argument);
  CHECK(plan.arrived(0, chunk - 1).error().code == Code::invalid_argument);
  CHECK(plan.arrived(0, chunk));
  CHECK(plan.arrived(0, chunk).error().code == Code::invalid_argument);
}

}  // namespace
}  // namespace framebus
