// The real disk: directories synced side by side.
#include <doctest/doctest.h>

#include <filesystem>
#include <vector>

#include "libmsg/disk/disk.h"
#include "tests/libmsg/blob/scratch_directory.h"

namespace framebus {
namespace {

TEST_CASE("posix disk: many directories are synced at once, and one that fails is told") {
  const test::ScratchDirectory place;
  const auto disk = make_posix_disk();
  std::vector<std::filesystem::path> paths;
  for (int i = 0; i < 40; ++i) {
    paths.push_back(place.path() / std::to_string(i));
    REQUIRE(disk->make_directory(paths.back()));
  }
  CHECK(disk->sync_directories(paths));
  CHECK(disk->sync_directories({}));
  std::filesystem::remove(paths[17]);
  const Status synced = disk->sync_directories(paths);
  REQUIRE_FALSE(synced);
  CHECK(synced.error().code == Code::not_found);
  CHECK(synced.error().message.find(paths[17].string()) != std::string::npos);
}

}  // namespace
}  // namespace framebus
