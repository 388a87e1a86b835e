// What collection removes: blobs that are old, that the core does not name and the archive neither.
#include "broker/shell/blob_collector.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>

#include "tests/broker/shell/woken.h"
#include "tests/libmsg/blob/sample_bytes.h"
#include "tests/libmsg/blob/scratch_directory.h"
#include "tests/store/archive/sample_jobs.h"

namespace framebus::broker {
namespace {

using framebus::test::sample_bytes;
using framebus::test::ScratchDirectory;
using namespace test;

constexpr Duration pin = std::chrono::hours(24);
constexpr Duration forever = std::chrono::hours(24 * 365 * 100);  // the sample jobs are old

// One that another process holds for good.
class LockedArchive final : public JobArchive {
 public:
  Status put(const JobImage&) override { return fail(locked_); }
  Result<std::vector<JobImage>> load(JobId) override { return fail(locked_); }
  Result<ArchivedPage> list(std::uint32_t, std::uint32_t, std::int64_t) override {
    return fail(locked_);
  }
  Result<std::vector<JobId>> remove_old(std::int64_t, std::uint64_t, std::size_t,
                                        std::span<const JobId>) override {
    return fail(locked_);
  }
  Result<bool> clean() override { return fail(locked_); }
  Result<std::vector<BlobHash>> unnamed(std::span<const BlobHash>) override {
    return fail(locked_);
  }
  Result<ArchiveStats> stats() override { return fail(locked_); }
  Result<ArchiveHighest> highest() override { return fail(locked_); }

 private:
  Error locked_{Code::unavailable, "archive: database is locked", 0};
};

struct Farm {
  ScratchDirectory directory;
  Woken woken;
  std::unique_ptr<BlobStore> store = open_blob_store(directory / "blobs", false).value();
  Archivist archivist;
  BlobCollector collector;
  TimePoint now{seconds(50)};

  explicit Farm(std::size_t offered_max = 1024, std::unique_ptr<JobArchive> archive = nullptr)
      : archivist(archive ? std::move(archive) : JobArchive::open(directory / "archive.db").value(),
                  {.keep = forever, .wall_ms = {}}, woken.wake()),
        collector(*store, directory / "blobs", archivist,
                  {.pin = pin, .round = std::chrono::hours(1), .offered_max = offered_max},
                  woken.wake()) {}

  BlobHash put(std::size_t size) { return store->put_bytes(sample_bytes(size)).value().hash; }
  BlobHash put_old(std::size_t size) {
    const BlobHash hash = put(size);
    make_old(hash);
    return hash;
  }
  void make_old(const BlobHash& hash) {
    timespec now_wall{};
    ::clock_gettime(CLOCK_REALTIME, &now_wall);
    const timespec times[2] = {{0, UTIME_OMIT}, {now_wall.tv_sec - 48 * 3600, 0}};
    REQUIRE(::utimensat(AT_FDCWD, store->path_of(hash).value().c_str(), times, 0) == 0);
  }
  // The archivist has done everything posted so far.
  void settle() {
    std::atomic<bool> done{false};
    REQUIRE(archivist.post([&, wake = woken.wake()](JobArchive&) {
      done = true;
      wake();
    }));
    woken.until([&] { return done.load(); });
  }
  // Once through the whole store; `in_memory`: what the core would keep. Everything offered.
  std::vector<BlobHash> round(const std::vector<BlobHash>& in_memory = {}) {
    std::vector<BlobHash> offered;
    for (unsigned look = 0; look < 2 * 256; ++look) {
      now += std::chrono::minutes(1);
      collector.tick(now);
      settle();
      auto offer = collector.take();
      if (!offer) continue;
      DropBlobs unused;
      for (const BlobHash& hash : offer->blobs) {
        offered.push_back(hash);
        if (std::ranges::find(in_memory, hash) == in_memory.end()) unused.blobs.push_back(hash);
      }
      collector.drop(std::move(unused));
      settle();
    }
    return offered;
  }
};

TEST_CASE("blob collection: old and unnamed goes, young, used and archived blobs stay") {
  Farm farm;
  const BlobHash unused = farm.put_old(1000);
  const BlobHash in_memory = farm.put_old(1001);
  const BlobHash input = farm.put_old(1002);
  const BlobHash result = farm.put_old(1003);
  const BlobHash young = farm.put(1004);
  TaskImage task = plain_task(0, 1);
  task.blobs = {{result, 1003, "frame.exr"}};
  auto pieces = cut(JobId{4}, {task, plain_task(1, 2)});
  pieces[0].spec.steps[0].inputs = {{input, 1002, "scene.glb"}};
  farm.archivist.put(Archive{pieces[0], 0});
  std::vector<BlobHash> offered = farm.round({in_memory});
  CHECK(std::ranges::find(offered, young) == offered.end());
  CHECK(std::ranges::find(offered, unused) != offered.end());
  CHECK_FALSE(farm.store->has(unused));
  for (const BlobHash& kept : {in_memory, input, result, young}) CHECK(farm.store->has(kept));
  CHECK(farm.collector.counters().removed == 1);
  CHECK(farm.collector.counters().removed_bytes == 1000);
  CHECK(farm.collector.counters().failed == 0);
}

TEST_CASE("blob collection: a blob that was pinned after it was offered stays") {
  Farm farm;
  const BlobHash blob = farm.put_old(1000);
  std::optional<BlobsOffered> offer;
  for (unsigned look = 0; look < 256 && !offer; ++look) {
    farm.now += std::chrono::minutes(1);
    farm.collector.tick(farm.now);
    farm.settle();
    offer = farm.collector.take();
  }
  REQUIRE(offer);
  CHECK(offer->blobs == std::vector<BlobHash>{blob});
  REQUIRE(farm.store->pin(blob));  // a Submit that names it came meanwhile
  farm.collector.drop(DropBlobs{offer->blobs});
  farm.settle();
  CHECK(farm.store->has(blob));
  CHECK(farm.collector.counters().removed == 0);
}

TEST_CASE(
    "blob collection: it looks at one part, waits for the core's answer, and rests in between") {
  Farm farm;
  std::vector<BlobHash> blobs;
  for (std::size_t size = 100; size < 400; ++size) blobs.push_back(farm.put_old(size));
  farm.collector.tick(farm.now);
  farm.settle();
  auto offer = farm.collector.take();
  for (int again = 0; again < 3; ++again) {  // not answered yet, or not time yet
    farm.collector.tick(farm.now + (offer ? std::chrono::hours(again) : seconds(again)));
    farm.settle();
    CHECK_FALSE(farm.collector.take());
  }
  if (offer) {
    for (const BlobHash& hash : offer->blobs) CHECK(hash.bytes[0] == offer->blobs[0].bytes[0]);
  }
}

TEST_CASE("blob collection: a part with more blobs than one offer takes is offered page by page") {
  Farm farm(1);
  std::vector<BlobHash> blobs;
  for (std::size_t size = 100; size < 700; ++size) blobs.push_back(farm.put_old(size));
  std::vector<BlobHash> offered;
  for (int rounds = 0; rounds < 4; ++rounds) {
    for (const BlobHash& hash : farm.round(blobs)) offered.push_back(hash);
  }
  std::ranges::sort(blobs);
  std::ranges::sort(offered);
  offered.erase(std::unique(offered.begin(), offered.end()), offered.end());
  CHECK(offered == blobs);
  for (const BlobHash& hash : blobs) CHECK(farm.store->has(hash));
}

TEST_CASE("blob collection: an archive that can not answer keeps every blob") {
  Farm farm(1024, std::make_unique<LockedArchive>());
  const BlobHash blob = farm.put_old(1000);
  CHECK(farm.round() == std::vector<BlobHash>{blob, blob});
  CHECK(farm.store->has(blob));
  CHECK(farm.collector.counters().failed == 2);
}

}  // namespace
}  // namespace framebus::broker
