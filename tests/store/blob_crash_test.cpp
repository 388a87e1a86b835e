// A crash at every operation of a blob store's work, in every mode: a blob that was acknowledged is
// there whole, no torn one is ever served, nothing that is pinned is removed, no leftovers stay.
//
// The work: puts of bytes and of a file, in order and out of order, two uploads at once, one that
// is given up and begun again, the same blob from two senders, pins, and removal of what is old.
// The default tenth, or everything with FRAMEBUS_TEST_FULL=1.
#include <doctest/doctest.h>

#include <cstdio>
#include <map>
#include <random>

#include "libmsg/blob/blob_age.h"
#include "libmsg/blob/blob_store.h"
#include "tests/libmsg/blob/sample_bytes.h"
#include "tests/libmsg/blob/scratch_directory.h"
#include "tests/store/careless_disk.h"
#include "tests/store/fault_disk.h"
#include "tests/full_run.h"

namespace framebus {
namespace {

using test::sample_bytes;
using testing::all_crash_modes;
using testing::CarelessDisk;
using testing::Carelessness;
using testing::CrashMode;
using testing::FaultDisk;

const std::filesystem::path store_directory = "/data/blobs";
constexpr Duration day = std::chrono::hours(24);
constexpr std::size_t chunk_bytes = 700;

BlobRef ref_of(const Bytes& bytes) {
  return {hash_bytes(bytes), bytes.size(), {}};
}

class CrashRun {
 public:
  CrashRun(std::uint64_t seed, Carelessness how, const std::filesystem::path& user_file,
           Duration clock_ahead = Duration{0})
      : disk(std::make_shared<FaultDisk>(seed)),
        door_(std::make_shared<CarelessDisk>(how, *disk, clock_ahead)),
        user_file_(user_file) {
    (void)disk->make_directory("/data");
    (void)disk->sync_directory("/");
  }

  // Every step is tried; after the crash each of them is refused.
  void work() {
    if (!open()) return;
    for (const std::size_t size : {0u, 1u, 600u}) put_bytes(sample_bytes(size));
    put_in_chunks(sample_bytes(3'000), {0, 1, 2, 3, 4});
    put_in_chunks(sample_bytes(3'001), {4, 2, 0, 3, 1});
    put_file();
    give_up_and_begin_again(sample_bytes(2'500));
    put_two_at_once(sample_bytes(1'500), sample_bytes(1'600));
    put_two_at_once(sample_bytes(1'700), sample_bytes(1'700));
    if (!open()) return;
    collect();
    put_bytes(sample_bytes(600));  // perhaps there, perhaps removed a moment ago
    put_bytes(sample_bytes(4'000));
  }

  // Comes up again, perhaps after another crash on the way, and looks. The error is the test's.
  Status recover(CrashMode mode, std::mt19937_64& chance) {
    restart(mode);
    disk->crash_at(disk->operation_count() + 1 + chance() % 300);
    const Status opened = open();
    if (!opened && !disk->has_crashed()) return opened;
    if (opened) look();
    if (!disk->has_crashed()) go_on();
    restart(all_crash_modes[chance() % std::size(all_crash_modes)]);
    FRAMEBUS_TRY(open());
    look();
    go_on();
    if (acknowledged.size() != known_.size()) wrong.push_back("not everything can be put again");
    restart(CrashMode::drop_unsynced);
    FRAMEBUS_TRY(open());
    look();
    return {};
  }

  std::shared_ptr<FaultDisk> disk;
  std::map<BlobHash, std::uint64_t> acknowledged;  // and its size
  std::uint64_t removed = 0;
  std::uint64_t looked_at = 0;
  std::vector<std::string> wrong;

 private:
  void restart(CrashMode mode) {
    store_.reset();
    disk->restart(mode);
  }

  Status open() {
    store_.reset();
    FRAMEBUS_ASSIGN(store_, open_blob_store_on(door_, store_directory));
    return {};
  }

  void note(const BlobRef& blob, bool is_acknowledged) {
    known_[blob.hash] = blob.size;
    if (is_acknowledged) acknowledged[blob.hash] = blob.size;
  }

  void put_bytes(const Bytes& bytes) {
    const bool is_put = store_->put_bytes(bytes).has_value();
    note(ref_of(bytes), is_put);
  }

  void put_file() {
    const auto put = store_->put_file(user_file_);
    if (put) note(*put, true);
  }

  Status write_chunk(BlobWriter& writer, const Bytes& bytes, std::size_t index) {
    const std::size_t at = index * chunk_bytes;
    const std::size_t length = std::min(chunk_bytes, bytes.size() - at);
    return writer.write(at, BytesView(bytes).subspan(at, length));
  }

  Status put_chunks(const Bytes& bytes, const std::vector<std::size_t>& order) {
    FRAMEBUS_ASSIGN(const auto writer, store_->begin(hash_bytes(bytes), bytes.size()));
    for (const std::size_t index : order) FRAMEBUS_TRY(write_chunk(*writer, bytes, index));
    return writer->commit();
  }

  void put_in_chunks(const Bytes& bytes, const std::vector<std::size_t>& order) {
    const bool is_put = put_chunks(bytes, order).has_value();
    note(ref_of(bytes), is_put);
  }

  void give_up_and_begin_again(const Bytes& bytes) {
    if (auto writer = store_->begin(hash_bytes(bytes), bytes.size())) {
      (void)write_chunk(**writer, bytes, 0);
      (void)write_chunk(**writer, bytes, 1);
    }
    put_in_chunks(bytes, {0, 1, 2, 3});
  }

  // The second is committed first; they may be the same blob.
  void put_two_at_once(const Bytes& first, const Bytes& second) {
    auto one = store_->begin(hash_bytes(first), first.size());
    auto two = store_->begin(hash_bytes(second), second.size());
    for (std::size_t index = 0; index < 3 && one && two; ++index) {
      if (!write_chunk(**one, first, index)) break;
      if (!write_chunk(**two, second, index)) break;
    }
    note(ref_of(second), two && (*two)->commit());
    note(ref_of(first), one && (*one)->commit());
  }

  // Two days later every other blob is pinned, and what is older than a day goes.
  void collect() {
    if (disk->has_crashed()) return;
    disk->let_time_pass(2 * day);
    std::map<BlobHash, std::uint64_t> pinned;
    for (const auto& [hash, size] : acknowledged) {
      if (hash.bytes[0] % 2 == 0 && store_->pin(hash)) pinned[hash] = size;
    }
    for (const auto& [hash, size] : known_) {
      if (disk->has_crashed()) return;
      const auto is_removed = store_->remove_older(hash, day);
      if (pinned.contains(hash)) {
        if (is_removed && *is_removed) wrong.push_back("a pinned blob was removed");
        continue;
      }
      // An error: nobody was told anything, and it may be gone.
      if (!is_removed || *is_removed) acknowledged.erase(hash);
      removed += is_removed && *is_removed ? 1 : 0;
    }
  }

  void check(const BlobHash& hash, const std::string& what) {
    ++looked_at;
    const std::uint64_t size = store_->size_of(hash).value_or(0);
    const auto bytes = store_->read(hash, 0, size + 1);
    if (!bytes) {
      wrong.push_back(what + " can not be read: " + bytes.error().message);
    } else if (hash_bytes(*bytes) != hash) {
      wrong.push_back(what + " " + to_string(hash) + " has other bytes");
    }
  }

  // Changes nothing that could crash.
  void look() {
    if (disk->has_crashed()) return;
    for (const auto& [hash, size] : acknowledged) {
      const auto pinned = store_->pin(hash);
      if (!pinned || *pinned != size) {
        wrong.push_back("acknowledged and not there: " + to_string(hash));
      } else {
        check(hash, "an acknowledged blob");
      }
    }
    for (const std::string& path : disk->paths()) {
      const std::string name = path.substr(path.rfind('/') + 1);
      BlobHash hash;
      if (path.starts_with("/data/blobs/tmp/")) {
        wrong.push_back("left over: " + path);
      } else if (from_hex(name, hash.bytes.data(), hash.bytes.size())) {
        check(hash, "a blob that nobody heard of");
      }
    }
  }

  // Whoever was not told puts again, and what is pinned then counts.
  void go_on() {
    for (const std::size_t size :
         {0u, 1u, 600u, 1'500u, 1'600u, 1'700u, 2'500u, 3'000u, 3'001u, 4'000u}) {
      put_bytes(sample_bytes(size));
    }
    put_file();
  }

  std::shared_ptr<CarelessDisk> door_;
  std::filesystem::path user_file_;
  std::unique_ptr<BlobStore> store_;
  std::map<BlobHash, std::uint64_t> known_;  // everything that was ever begun
};

struct Crashes {
  std::uint64_t count = 0;
  std::uint64_t operations = 0;
  std::uint64_t looked_at = 0;
  std::uint64_t not_acknowledged = 0;
  std::string first_wrong;
};

class UserFile {
 public:
  UserFile() {
    const auto disk = make_posix_disk();
    const auto file = disk->open(path, OpenFor::create);
    REQUIRE(file);
    REQUIRE((*file)->write(0, sample_bytes(2'222)));
  }
  const test::ScratchDirectory directory;
  const std::filesystem::path path = directory / "picture";
};

constexpr std::uint64_t operations_about = 600;  // of the work

Crashes crash_everywhere(Carelessness how, std::uint64_t seed, std::uint64_t stride,
                         Duration clock_ahead = Duration{0}) {
  const UserFile user;
  Crashes out;
  CrashRun whole(seed, how, user.path, clock_ahead);
  whole.work();
  out.operations = whole.disk->operation_count();
  CHECK(whole.wrong.empty());
  CHECK(whole.removed > 0);
  CHECK(whole.acknowledged.size() > 2);
  std::mt19937_64 chance(seed);
  for (std::uint64_t at = 1; at <= out.operations; at += stride) {
    for (const CrashMode mode : all_crash_modes) {
      CrashRun run(seed + at, how, user.path, clock_ahead);
      run.disk->crash_at(at);
      run.work();
      out.not_acknowledged += run.acknowledged.size() < whole.acknowledged.size() ? 1 : 0;
      const Status recovered = run.recover(mode, chance);
      ++out.count;
      out.looked_at += run.looked_at;
      if (recovered && run.wrong.empty()) continue;
      out.first_wrong = "operation " + std::to_string(at) + ", mode " + name_of(mode) + ": " +
                        (recovered ? run.wrong.front() : recovered.error().message);
      return out;
    }
  }
  return out;
}

TEST_CASE(
    "blob crash: at every operation in every mode what was acknowledged is whole, nothing torn is "
    "served") {
  constexpr std::uint64_t seed = 20'261'122;
  const Crashes crashes = crash_everywhere(Carelessness::none, seed, testing::stride_of_run());
  CHECK_MESSAGE(crashes.first_wrong.empty(), crashes.first_wrong << ", seed " << seed);
  CHECK(crashes.operations > 500);
  CHECK(crashes.not_acknowledged > 0);
  std::printf(
      "crash: blobs: %llu crashes in %llu operations x %zu modes, %llu blobs looked at; seed "
      "%llu\n",
      static_cast<unsigned long long>(crashes.count),
      static_cast<unsigned long long>(crashes.operations), std::size(all_crash_modes),
      static_cast<unsigned long long>(crashes.looked_at), static_cast<unsigned long long>(seed));
}

TEST_CASE("blob crash: many short lives, each crashed anywhere and again on its way up") {
  const std::uint64_t lives = testing::is_full_run() ? 3'000 : 300;
  const std::uint64_t first = testing::seed_or(1);
  const UserFile user;
  std::uint64_t looked_at = 0;
  for (std::uint64_t seed = first; seed < first + lives; ++seed) {
    std::mt19937_64 chance(seed);
    CrashRun run(seed, Carelessness::none, user.path);
    run.disk->crash_at(1 + chance() % operations_about);
    run.work();
    const CrashMode mode = all_crash_modes[chance() % std::size(all_crash_modes)];
    const Status recovered = run.recover(mode, chance);
    INFO("seed " << seed << ", mode " << std::string(name_of(mode)));
    INFO((recovered ? std::string() : recovered.error().message));
    REQUIRE(recovered);
    REQUIRE(run.wrong == std::vector<std::string>{});
    looked_at += run.looked_at;
  }
  CHECK(looked_at > lives);
  std::printf("crash: blobs: %llu lives crashed at random operations, seeds from %llu\n",
              static_cast<unsigned long long>(lives), static_cast<unsigned long long>(first));
}

// The machine of the disk keeps another time, as a file server may, or ours was set meanwhile.
TEST_CASE("blob crash: the same while our clock is hours from the one of the file system") {
  for (const std::int64_t hours : {5, -5}) {
    const Crashes crashes = crash_everywhere(Carelessness::none, 20'261'126, 3,
                                             std::chrono::hours(hours));
    CHECK_MESSAGE(crashes.first_wrong.empty(), crashes.first_wrong << ", " << hours << " hours");
    CHECK(crashes.not_acknowledged > 0);
  }
}

// A disk that fails a sync never writes what was to be synced, whatever a later sync says.
TEST_CASE("blob crash: a blob whose sync failed is never told to be there") {
  constexpr std::uint64_t seed = 20'261'125;
  const UserFile user;
  std::mt19937_64 chance(seed);
  CrashRun whole(seed, Carelessness::none, user.path);
  whole.work();
  std::uint64_t refused = 0;
  for (std::uint64_t n = 1; n <= 14; ++n) {
    CrashRun run(seed + n, Carelessness::none, user.path);
    run.disk->fail_sync(n);
    run.work();
    refused += run.acknowledged == whole.acknowledged ? 0 : 1;
    const Status recovered = run.recover(CrashMode::drop_unsynced, chance);
    INFO("sync " << n << ", seed " << seed);
    INFO((recovered ? std::string() : recovered.error().message));
    REQUIRE(recovered);
    REQUIRE(run.wrong == std::vector<std::string>{});
  }
  CHECK(refused > 0);
}

TEST_CASE("blob crash: each planted carelessness is found") {
  for (const Carelessness how : {Carelessness::skips_file_sync, Carelessness::skips_directory_sync,
                                 Carelessness::syncs_after_rename}) {
    const Crashes crashes = crash_everywhere(how, 7, 1);
    CHECK_MESSAGE(!crashes.first_wrong.empty(), "carelessness number " << static_cast<int>(how));
  }
}

}  // namespace
}  // namespace framebus
