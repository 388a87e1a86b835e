// The blob store: names, verification, concurrency, trimming. No sockets.
#include "libmsg/blob/blob_store.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "libmsg/base/limits.h"
#include "tests/libmsg/blob/sample_bytes.h"
#include "tests/libmsg/blob/scratch_directory.h"

namespace framebus {
namespace {

using test::sample_bytes;
using test::ScratchDirectory;

std::unique_ptr<BlobStore> open_in(const ScratchDirectory& directory) {
  auto store = open_blob_store(directory / "blobs", false);
  REQUIRE(store);
  return std::move(*store);
}

std::size_t files_in(const std::filesystem::path& directory) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    count += entry.is_regular_file();
  return count;
}

Status store_in_chunks(BlobStore& store, const BlobRef& blob, const Bytes& bytes,
                       const std::vector<std::size_t>& order, std::size_t chunk) {
  FRAMEBUS_ASSIGN(auto writer, store.begin(blob.hash, blob.size));
  for (const std::size_t index : order) {
    const std::size_t offset = index * chunk;
    const std::size_t length = std::min(chunk, bytes.size() - offset);
    FRAMEBUS_TRY(writer->write(offset, BytesView(bytes).subspan(offset, length)));
  }
  return writer->commit();
}

void make_old(const std::filesystem::path& path, int hours) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const timespec times[2] = {{now.tv_sec - hours * 3600, 0}, {0, UTIME_OMIT}};
  REQUIRE(::utimensat(AT_FDCWD, path.c_str(), times, 0) == 0);
}

TEST_CASE("blob hash: BLAKE2b-256 of the empty string and of abc are the published ones") {
  CHECK(to_string(hash_bytes({})) ==
        "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
  CHECK(to_string(hash_bytes(bytes_of("abc"))) ==
        "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

TEST_CASE("blob store: what was put comes back under its hash, with private modes") {
  const ScratchDirectory directory;
  const auto store = open_in(directory);
  for (const std::size_t size : {0u, 1u, 1000u, 300'000u}) {
    const Bytes bytes = sample_bytes(size);
    const auto blob = store->put_bytes(bytes);
    REQUIRE(blob);
    CHECK(blob->size == size);
    CHECK(store->has(blob->hash));
    CHECK(store->size_of(blob->hash).value() == size);
    CHECK(store->read(blob->hash, 0, size + 10).value() == bytes);
    struct stat found {};
    REQUIRE(::stat(store->path_of(blob->hash).value().c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0600);
  }
  struct stat found {};
  REQUIRE(::stat((directory / "blobs").c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0700);
  CHECK(files_in(directory / "blobs/tmp") == 0);
}

TEST_CASE("blob store: a missing blob is not_found, an offset beyond the end invalid_argument") {
  const ScratchDirectory directory;
  const auto store = open_in(directory);
  const BlobHash missing = hash_bytes(bytes_of("missing"));
  CHECK_FALSE(store->has(missing));
  CHECK(store->path_of(missing).error().code == Code::not_found);
  CHECK(store->size_of(missing).error().code == Code::not_found);
  CHECK(store->read(missing, 0, 1).error().code == Code::not_found);
  const BlobRef blob = store->put_bytes(bytes_of("seven b")).value();
  CHECK(store->read(blob.hash, 7, 5).value().empty());
  CHECK(store->read(blob.hash, 8, 1).error().code == Code::invalid_argument);
}

TEST_CASE("blob store: a file is stored and hashed in one pass, a FIFO is refused at once") {
  const ScratchDirectory directory;
  const auto store = open_in(directory);
  const Bytes bytes = sample_bytes(3 * limits::MiB + 17);
  std::ofstream(directory / "file", std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  const BlobRef blob = store->put_file(directory / "file").value();
  CHECK(blob.hash == hash_bytes(bytes));
  CHECK(hash_file(directory / "file").value() == blob);
  CHECK(store->read(blob.hash, 1'000'000, 1000).value() ==
        Bytes(bytes.begin() + 1'000'000, bytes.begin() + 1'001'000));
  REQUIRE(::mkfifo((directory / "fifo").c_str(), 0600) == 0);
  CHECK(store->put_file(directory / "fifo").error().code == Code::invalid_argument);
  CHECK(hash_file(directory / "fifo").error().code == Code::invalid_argument);
  CHECK(store->put_file(directory / "nothing").error().code == Code::not_found);
}

TEST_CASE("blob writer: chunks in any order give the same blob") {
  const ScratchDirectory directory;
  const auto store = open_in(directory);
  const Bytes bytes = sample_bytes(10'500);
  const BlobRef blob{hash_bytes(bytes), bytes.size(), {}};
  std::vector<std::size_t> order = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  SUBCASE("in order") {}
  SUBCASE("backwards") {
    std::reverse(order.begin(), order.end());
  }
  SUBCASE("mixed") {
    order = {0, 2, 1, 10, 5, 4, 3, 9, 6, 8, 7};
  }
  REQUIRE(store_in_chunks(*store, blob, bytes, order, 1000));
  CHECK(store->read(blob.hash, 0, bytes.size()).value() == bytes);
}

TEST_CASE("blob writer: wrong bytes are data_loss and nothing is kept") {
  const ScratchDirectory directory;
  const auto store = open_in(directory);
  Bytes bytes = sample_bytes(5000);
  const BlobRef blob{hash_bytes(bytes), bytes.size(), {}};
  bytes[4321] ^= 1;
  CHECK(store_in_chunks(*store, blob, bytes, {4, 0, 1, 2, 3}, 1000).error().code ==
        Code::data_loss);
  CHECK_FALSE(store->has(blob.hash));
  CHECK(files_in(directory / "blobs/tmp") == 0);
}

TEST_CASE("blob writer: overlaps, bytes beyond the end and missing bytes are refused") {
  const ScratchDirectory directory;
  const auto store = open_in(directory);
  const Bytes bytes = sample_bytes(1000);
  const auto writer = store->begin(hash_bytes(bytes), 1000).value();
  const BytesView view(bytes);
  CHECK(writer->write(200, view.subspan(200, 300)));
  CHECK(writer->write(499, view.subspan(499, 2)).error().code == Code::invalid_argument);
  CHECK(writer->write(100, view.subspan(100, 101)).error().code == Code::invalid_argument);
  CHECK(writer->write(0, view).error().code == Code::invalid_argument);
  CHECK(writer->write(999, view.subspan(0, 2)).error().code == Code::invalid_argument);
  CHECK(writer->write(~0ull, view.subspan(0, 2)).error().code == Code::invalid_argument);
  CHECK(writer->commit().error().code == Code::failed_precondition);
  CHECK(writer->write(0, view.subspan(0, 200)));
  CHECK(writer->write(500, view.subspan(500)));
  CHECK(writer->commit());
  CHECK(writer->commit().error().code == Code::failed_precondition);
}

TEST_CASE(
    "blob store: a blob larger than the disk or the limit is refused before a byte is written") {
  const ScratchDirectory directory;
  const auto store = open_in(directory);
  const BlobHash hash = hash_bytes(bytes_of("x"));
  CHECK(store->begin(hash, limits::blob_bytes_max + 1).error().code == Code::resource_exhausted);
  CHECK(store->begin(hash, ~0ull).error().code == Code::resource_exhausted);
  CHECK(files_in(directory / "blobs/tmp") == 0);
}

TEST_CASE("blob store: several threads store the same blob at once") {
  const ScratchDirectory directory;
  const auto store = open_in(directory);
  const Bytes bytes = sample_bytes(200'000);
  std::atomic<int> stored{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int repeat = 0; repeat < 20; ++repeat) stored += store->put_bytes(bytes).has_value();
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(stored == 80);
  CHECK(store->read(hash_bytes(bytes), 0, bytes.size()).value() == bytes);
}

TEST_CASE(
    "blob store: leftovers of a dead process are removed at the next start, a writer's file is "
    "not") {
  const ScratchDirectory directory;
  const auto store = open_in(directory);
  std::ofstream(directory / "blobs/tmp/1-1") << "left behind";
  const Bytes bytes = sample_bytes(100);
  const auto writer = store->begin(hash_bytes(bytes), bytes.size()).value();
  const auto second = open_in(directory);
  CHECK(files_in(directory / "blobs/tmp") == 1);
  CHECK(writer->write(0, bytes));
  CHECK(writer->commit());
  CHECK(second->has(hash_bytes(bytes)));
}

TEST_CASE("blob trim: least recently used go first, down to the bound") {
  const ScratchDirectory directory;
  const auto store = open_in(directory);
  std::vector<BlobRef> blobs;
  for (int i = 0; i < 5; ++i) {
    blobs.push_back(store->put_bytes(sample_bytes(1000 + static_cast<std::size_t>(i))).value());
    make_old(store->path_of(blobs.back().hash).value(), 10 - i);
  }
  CHECK(store->trim(10'000));
  for (const BlobRef& blob : blobs) CHECK(store->has(blob.hash));
  CHECK(store->trim(3020));
  CHECK_FALSE(store->has(blobs[0].hash));
  CHECK_FALSE(store->has(blobs[1].hash));
  for (int i = 2; i < 5; ++i) CHECK(store->has(blobs[static_cast<std::size_t>(i)].hash));
}

TEST_CASE("blob trim: a blob that was just handed out stays, whatever the bound") {
  const ScratchDirectory directory;
  const auto store = open_in(directory);
  const BlobRef used = store->put_bytes(sample_bytes(1000)).value();
  const BlobRef unused = store->put_bytes(sample_bytes(1001)).value();
  make_old(store->path_of(used.hash).value(), 5);
  make_old(store->path_of(unused.hash).value(), 4);
  REQUIRE(store->path_of(used.hash));  // handed out: older than the other no more
  CHECK(store->trim(0));
  CHECK(store->has(used.hash));
  CHECK_FALSE(store->has(unused.hash));
}

}  // namespace
}  // namespace framebus
