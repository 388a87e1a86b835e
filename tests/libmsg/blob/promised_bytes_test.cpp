// Blobs that come at the same time do not count the same free bytes.
#include "libmsg/blob/promised_bytes.h"

#include <doctest/doctest.h>
#include <sys/statvfs.h>

#include "libmsg/base/limits.h"
#include "libmsg/blob/blob_store.h"
#include "tests/libmsg/blob/sample_bytes.h"
#include "tests/libmsg/blob/scratch_directory.h"

namespace framebus {
namespace {

constexpr auto hundred = [] { return std::uint64_t{100}; };

std::uint64_t free_in(const std::filesystem::path& directory) {
  struct statvfs found {};
  REQUIRE(::statvfs(directory.c_str(), &found) == 0);
  return found.f_bavail * found.f_frsize;
}

TEST_CASE("promised bytes: what was promised is nobody else's until it is written or given up") {
  PromisedBytes room;
  auto first = room.promise(50, 20, hundred);
  REQUIRE(first);
  CHECK_FALSE(room.promise(31, 20, hundred));
  auto second = room.promise(30, 20, hundred);
  REQUIRE(second);
  CHECK(room.total() == 80);
  CHECK_FALSE(room.promise(1, 20, hundred));
  first->written(10);  // the disk counts those itself now
  CHECK(room.total() == 70);
  second.reset();
  CHECK(room.total() == 40);
  CHECK(room.promise(40, 20, hundred));
}

TEST_CASE("promised bytes: no sum of sizes overflows into room") {
  PromisedBytes room;
  CHECK_FALSE(room.promise(UINT64_MAX, 20, hundred));
  CHECK_FALSE(room.promise(1, UINT64_MAX, hundred));
  CHECK_FALSE(room.promise(0, 101, hundred));
  CHECK(room.total() == 0);
}

TEST_CASE(
    "promised bytes: a promise that is moved is kept once, and more written than promised is "
    "fine") {
  PromisedBytes room;
  {
    PromisedBytes::Promise kept;
    {
      auto made = room.promise(50, 0, hundred);
      kept = std::move(*made);
    }
    CHECK(room.total() == 50);
    kept.written(70);
    CHECK(room.total() == 0);
    kept = *room.promise(30, 0, hundred);
    CHECK(room.total() == 30);
  }
  CHECK(room.total() == 0);
}

TEST_CASE("blob store: two blobs that fit alone but not together are not both begun") {
  const test::ScratchDirectory directory;
  // Wide margins: others use this disk too. Nothing is written.
  const std::uint64_t used = std::min<std::uint64_t>(free_in(directory.path()), 20 * limits::GiB);
  const std::uint64_t kept = free_in(directory.path()) - used;
  const std::uint64_t size = used / 10 * 6;
  const auto store = open_blob_store(directory / "blobs", false, kept).value();
  const BlobHash one = hash_bytes(test::sample_bytes(1)), two = hash_bytes(test::sample_bytes(2));
  auto writer = store->begin(one, size);
  REQUIRE(writer);
  const auto refused = store->begin(two, size);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::resource_exhausted);
  CHECK(refused.error().message.find("promised") != std::string::npos);
  CHECK(refused.error().retry_after_ms > 0);
  CHECK(store->begin(two, used * 2).error().retry_after_ms == 0);  // would not fit alone either
  writer->reset();  // given up
  CHECK(store->begin(two, size));
}

}  // namespace
}  // namespace framebus
