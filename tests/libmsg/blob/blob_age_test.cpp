// The age of blobs: what pins one, what may be removed, and that the two never cross.
#include "libmsg/blob/blob_age.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "libmsg/blob/blob_client.h"
#include "libmsg/blob/blob_store.h"
#include "tests/libmsg/blob/sample_bytes.h"
#include "tests/libmsg/blob/scratch_directory.h"
#include "tests/store/fault_disk.h"

namespace framebus {
namespace {

using test::sample_bytes;
using test::ScratchDirectory;

constexpr Duration day = std::chrono::hours(24);

std::unique_ptr<BlobStore> open_in(const ScratchDirectory& directory, bool sync = false) {
  auto store = open_blob_store(directory / "blobs", sync);
  REQUIRE(store);
  return std::move(*store);
}

void make_older(const std::filesystem::path& path, Duration age) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const auto whole = std::chrono::duration_cast<seconds>(age).count();
  const timespec times[2] = {{0, UTIME_OMIT}, {now.tv_sec - whole, 0}};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

TEST_CASE("blob age: an old blob goes, a young one and one that is not there stay as they are") {
  const ScratchDirectory directory;
  const auto store = open_in(directory);
  const BlobRef old = store->put_bytes(sample_bytes(1000)).value();
  const BlobRef young = store->put_bytes(sample_bytes(1001)).value();
  make_older(store->path_of(old.hash).value(), 2 * day);
  CHECK(store->remove_older(young.hash, day).value() == false);
  CHECK(store->remove_older(old.hash, day).value() == true);
  CHECK(store->remove_older(old.hash, day).value() == false);
  CHECK_FALSE(store->has(old.hash));
  CHECK(store->has(young.hash));
}

TEST_CASE("blob age: a pin, a repeated put of bytes and one of a file each make a blob young") {
  const ScratchDirectory directory;
  const auto store = open_in(directory);
  const Bytes bytes = sample_bytes(5000);
  const BlobRef blob = store->put_bytes(bytes).value();
  const auto path = store->path_of(blob.hash).value();
  const auto copy = directory / "copy";
  std::filesystem::copy_file(path, copy);
  SUBCASE("pin") {
    make_older(path, 2 * day);
    CHECK(store->pin(blob.hash).value() == blob.size);
  }
  SUBCASE("bytes") {
    make_older(path, 2 * day);
    CHECK(store->put_bytes(bytes).value() == blob);
  }
  SUBCASE("file") {
    make_older(path, 2 * day);
    CHECK(store->put_file(copy).value().hash == blob.hash);
  }
  CHECK(store->remove_older(blob.hash, day).value() == false);
  CHECK(store->has(blob.hash));
}

TEST_CASE("blob age: reading a blob does not pin it, and a pin of nothing is not_found") {
  const ScratchDirectory directory;
  const auto store = open_in(directory);
  const BlobRef blob = store->put_bytes(sample_bytes(100)).value();
  make_older(store->path_of(blob.hash).value(), 2 * day);
  REQUIRE(store->read(blob.hash, 0, 100));
  CHECK(store->remove_older(blob.hash, day).value() == true);
  CHECK(store->pin(blob.hash).error().code == Code::not_found);
}

TEST_CASE(
    "blob age: whoever was told that a blob is there still finds it, whatever the collector") {
  const ScratchDirectory directory;
  const auto store = open_in(directory);
  const Bytes bytes = sample_bytes(64);
  int pinned = 0, removed = 0;
  for (int round = 0; round < 500; ++round) {
    const BlobRef blob = store->put_bytes(bytes).value();
    make_older(store->path_of(blob.hash).value(), 2 * day);
    std::atomic<int> ready{0};
    const auto together = [&ready] {
      ++ready;
      while (ready < 2) std::this_thread::yield();
    };
    bool was_removed = false;
    std::thread collector([&] {
      together();
      was_removed = store->remove_older(blob.hash, day).value();
    });
    together();
    const bool was_pinned = store->pin(blob.hash).has_value();
    collector.join();
    CHECK(was_pinned == store->has(blob.hash));
    CHECK(was_removed != was_pinned);
    pinned += was_pinned;
    removed += was_removed;
  }
  CHECK(pinned + removed == 500);
}

TEST_CASE("blob age: a list has the old blobs of one part, sorted, in pages") {
  const ScratchDirectory directory;
  const auto store = open_in(directory);
  std::vector<BlobHash> old;
  for (std::size_t i = 0; i < 600; ++i) {
    const BlobRef blob = store->put_bytes(sample_bytes(100 + i)).value();
    if (i % 2 == 0) continue;
    make_older(store->path_of(blob.hash).value(), 2 * day);
    old.push_back(blob.hash);
  }
  std::ranges::sort(old);
  std::vector<BlobHash> found;
  for (unsigned part = 0; part < blob_parts; ++part) {
    BlobHash after;
    for (;;) {
      const auto page =
          list_older_blobs(*make_posix_disk(), directory / "blobs", part, day, after, 1).value();
      if (page.empty()) break;
      CHECK(page.size() == 1);
      found.insert(found.end(), page.begin(), page.end());
      after = page.back();
    }
  }
  CHECK(found == old);
}

TEST_CASE("blob age: files that are no blobs are never listed") {
  const ScratchDirectory directory;
  const auto store = open_in(directory);
  const auto stray = blob_part_path(directory / "blobs", 0x17) / "notes.txt";
  REQUIRE(std::filesystem::copy_file("/proc/self/cmdline", stray));
  make_older(stray, 2 * day);
  CHECK(
      list_older_blobs(*make_posix_disk(), directory / "blobs", 0x17, day, {}, 10).value().empty());
}

TEST_CASE("blob age: a store that syncs pins what it has put, also after it was opened again") {
  const ScratchDirectory directory;
  BlobRef blob;
  {
    const auto store = open_in(directory, true);
    blob = store->put_bytes(bytes_of("synced")).value();
    CHECK(store->pin(blob.hash).value() == 6);
  }
  CHECK(open_in(directory, true)->pin(blob.hash).value() == 6);
}

// A store with one blob on a disk that refuses every open, as when no descriptor is left.
struct UnavailableStore {
  UnavailableStore() {
    (void)disk->make_directory("/data");
    store = open_blob_store_on(disk, "/data/blobs").value();
    blob = store->put_bytes(sample_bytes(500)).value();
    REQUIRE(store->path_of(blob.hash));
    disk->crash_at(disk->operation_count() + 1);
    (void)disk->make_directory("/data/other");
    REQUIRE(disk->open("/data/blobs", OpenFor::read).error().code == Code::unavailable);
  }
  std::shared_ptr<testing::FaultDisk> disk = std::make_shared<testing::FaultDisk>(1);
  std::unique_ptr<BlobStore> store;
  BlobRef blob;
};

TEST_CASE(
    "blob use: a blob that can not be opened now is unavailable, only a missing one is missing") {
  UnavailableStore down;
  const auto path = down.store->path_of(down.blob.hash);
  REQUIRE_FALSE(path);
  CHECK(path.error().code == Code::unavailable);
  CHECK(path.error().message.find(to_string(down.blob.hash)) != std::string::npos);
  down.disk->restart(testing::CrashMode::keep);
  CHECK(down.store->path_of(down.blob.hash));
  CHECK(down.store->path_of(hash_bytes(sample_bytes(7))).error().code == Code::not_found);
}

TEST_CASE("blob use: a blob that the cache can not open now is not fetched once more") {
  UnavailableStore down;
  const auto context = make_context();
  // Nobody listens there: whoever asked would come back with that, after its patience.
  const auto client = make_blob_client(context, "inproc://nobody", milliseconds(100));
  const auto path = client->fetch(down.blob, *down.store, nullptr);
  REQUIRE_FALSE(path);
  CHECK(path.error() == down.store->path_of(down.blob.hash).error());
}

}  // namespace
}  // namespace framebus
