// The cache of scenes and frames: what those get who wait for somebody else's making.
#include "worker/executors/render/resident.h"

#include <doctest/doctest.h>

#include <future>

#include "libmsg/base/time.h"

namespace framebus::render {
namespace {

TEST_CASE("resident: a cancelled making does not fail the task that waited for it") {
  Resident<int> resident(2);
  std::promise<void> begun, other_asks;
  auto first = std::async(std::launch::async, [&] {
    return resident.get("scene", [&]() -> Result<std::shared_ptr<int>> {
      begun.set_value();
      // A little longer than the other needs from here to its wait; too short makes no difference.
      other_asks.get_future().wait_for(framebus::milliseconds(50));
      return fail(Code::cancelled, "its task was aborted");
    });
  });
  begun.get_future().wait();
  const auto second = resident.get(
      "scene", []() -> Result<std::shared_ptr<int>> { return std::make_shared<int>(7); });
  REQUIRE(second);
  CHECK(**second == 7);
  CHECK(first.get().error().code == Code::cancelled);
}

}  // namespace
}  // namespace framebus::render
