// The spool of executors' processes: folders that go with them, and its bound.
#include "worker/shell/spool.h"

#include <doctest/doctest.h>

#include <fstream>

#include "tests/libmsg/blob/scratch_directory.h"

namespace framebus::worker {
namespace {

TEST_CASE("spool: a folder goes with everything that was left in it") {
  const test::ScratchDirectory directory;
  std::filesystem::path path;
  {
    SpoolFolder folder = SpoolFolder::make(directory.path()).value();
    SpoolFolder other = SpoolFolder::make(directory.path()).value();
    path = folder.path();
    CHECK(path != other.path());
    std::ofstream(path / "17-1") << "half a resu";
    const SpoolFolder moved = std::move(folder);
    CHECK(moved.path() == path);
    CHECK(std::filesystem::exists(path / "17-1"));
  }
  CHECK_FALSE(std::filesystem::exists(path));
  CHECK(std::filesystem::is_empty(directory.path()));
}

TEST_CASE("spool: a folder of another's is never taken") {
  const test::ScratchDirectory directory;
  const std::string name = SpoolFolder::make(directory.path()).value().path().filename();
  const auto next = directory / std::to_string(std::stoull(name) + 1);
  std::filesystem::create_directory(next);
  CHECK(SpoolFolder::make(directory.path()).value().path() != next);
  CHECK(std::filesystem::exists(next));
}

TEST_CASE("spool: blobs on their way count until they are gone, and the bound is named") {
  SpoolBudget budget;
  {
    const auto first = budget.hold(60, 100);
    REQUIRE(first);
    const auto refused = budget.hold(41, 100);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::resource_exhausted);
    CHECK(refused.error().message ==
          "a blob of 41 bytes beside 60 on their way to the broker; at most 100 may lie in one "
          "executor's spool (blob-spool-size)");
    CHECK(budget.hold(40, 100));
  }
  CHECK(budget.hold(100, 100));
  CHECK_FALSE(budget.hold(UINT64_MAX, 100));
}

}  // namespace
}  // namespace framebus::worker
