// Starts of a broker that are cut short at every operation on the disk, in every mode: an epoch
// that was told never comes again, the key stays, and what the directory holds is not taken away.
//
// All of it, since it is short: the tenth of tests/full_run.h picks from the many lives only.
#include "broker/shell/durable_start.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <random>
#include <string>

#include "tests/store/careless_disk.h"
#include "tests/store/fault_disk.h"
#include "tests/full_run.h"

namespace framebus::broker {
namespace {

using testing::all_crash_modes;
using testing::Carelessness;
using testing::CrashMode;
using testing::FaultDisk;

const std::filesystem::path data = "/home/ada/state/framebus/broker";

// One broker after the other in one directory.
class Life {
 public:
  Life(std::uint64_t seed, Carelessness how) : disk(seed), door_(how, disk) {
    (void)disk.make_directory("/home");  // there before us, and durable
    (void)disk.sync_directory("/");
  }

  Status start() {
    FRAMEBUS_TRY(make_durable_directory(door_, data));
    FRAMEBUS_ASSIGN(const std::uint64_t epoch, raise_epoch(door_, data, {0, data / "journal"}));
    if (epoch <= told_)
      wrong = "epoch " + std::to_string(epoch) + " after " + std::to_string(told_);
    FRAMEBUS_ASSIGN(const Bytes key, load_token_key(door_, data));
    if (!key_.empty() && key != key_) wrong = "another key";
    told_ = epoch;
    key_ = key;
    // As the journal does: whatever was accepted lies below the directory.
    FRAMEBUS_TRY(door_.make_directory(data / "journal"));
    return door_.sync_directory(data);
  }

  // Comes up again, perhaps after another crash on the way; the test's error if it can not.
  Status recover(CrashMode mode, std::mt19937_64& chance) {
    disk.restart(mode);
    disk.crash_at(disk.operation_count() + 1 + chance() % 12);
    const Status started = start();
    if (!started && !disk.has_crashed()) return started;
    disk.restart(all_crash_modes[chance() % std::size(all_crash_modes)]);
    FRAMEBUS_TRY(start());
    disk.restart(CrashMode::drop_unsynced);
    return start();
  }

  std::uint64_t told() const { return told_; }

  FaultDisk disk;
  std::string wrong;

 private:
  testing::CarelessDisk door_;
  std::uint64_t told_ = 0;
  Bytes key_;
};

constexpr int starts = 3;

struct Crashes {
  std::uint64_t count = 0;
  std::uint64_t operations = 0;
  std::string first_wrong;
};

Crashes crash_everywhere(Carelessness how, std::uint64_t seed) {
  Crashes out;
  {
    Life whole(seed, how);
    for (int i = 0; i < starts; ++i) REQUIRE(whole.start());
    out.operations = whole.disk.operation_count();
  }
  std::mt19937_64 chance(seed);
  for (std::uint64_t at = 1; at <= out.operations && out.first_wrong.empty(); ++at) {
    for (const CrashMode mode : all_crash_modes) {
      Life life(seed + at, how);
      life.disk.crash_at(at);
      for (int i = 0; i < starts && life.start(); ++i) {
      }
      const Status recovered = life.recover(mode, chance);
      ++out.count;
      if (recovered && life.wrong.empty()) continue;
      out.first_wrong = "operation " + std::to_string(at) + ", mode " + name_of(mode) + ": " +
                        (recovered ? life.wrong : recovered.error().message);
      break;
    }
  }
  return out;
}

TEST_CASE("durable start: cut short at every operation in every mode, no epoch comes twice") {
  constexpr std::uint64_t seed = 20'261'121;
  const Crashes crashes = crash_everywhere(Carelessness::none, seed);
  CHECK_MESSAGE(crashes.first_wrong.empty(), crashes.first_wrong << ", seed " << seed);
  CHECK(crashes.operations > 25);
  std::printf("crash: epoch: %llu crashes in %llu operations x %zu modes; seed %llu\n",
              static_cast<unsigned long long>(crashes.count),
              static_cast<unsigned long long>(crashes.operations), std::size(all_crash_modes),
              static_cast<unsigned long long>(seed));
}

TEST_CASE("durable start: many short lives, each crashed anywhere and again on its way up") {
  const std::uint64_t lives = testing::is_full_run() ? 20'000 : 2'000;
  std::uint64_t told = 0;
  const std::uint64_t first = testing::seed_or(1);
  for (std::uint64_t seed = first; seed < first + lives; ++seed) {
    std::mt19937_64 chance(seed);
    Life life(seed, Carelessness::none);
    for (int crash = 0; crash < 4; ++crash) {
      life.disk.crash_at(life.disk.operation_count() + 1 + chance() % 30);
      while (life.start()) {
      }
      const CrashMode mode = all_crash_modes[chance() % std::size(all_crash_modes)];
      const Status recovered = life.recover(mode, chance);
      INFO("seed " << seed << ", crash " << crash << ", mode " << std::string(name_of(mode)));
      INFO((recovered ? std::string() : recovered.error().message));
      REQUIRE(recovered);
      REQUIRE(life.wrong == "");
    }
    told += life.told();
  }
  CHECK(told > lives * 8);
  std::printf("crash: epoch: %llu lives of four crashes each, seeds from %llu\n",
              static_cast<unsigned long long>(lives), static_cast<unsigned long long>(first));
}

// A disk whose directories above our own are somebody else's.
class ForeignAbove final : public testing::CarelessDisk {
 public:
  explicit ForeignAbove(Disk& disk) : CarelessDisk(Carelessness::none, disk) {}
  Status sync_directory(const std::filesystem::path& path) override {
    synced.push_back(path.string());
    if (path == "/home/ada") return refusal;
    return CarelessDisk::sync_directory(path);
  }
  Result<FileFacts> facts(const std::filesystem::path& path) const override {
    if (path == unreadable) return fail(Code::internal, "stat: Input/output error");
    FRAMEBUS_ASSIGN(FileFacts found, CarelessDisk::facts(path));
    found.device = path.string().starts_with(mounted) ? 2 : 1;
    return found;
  }
  Status refusal;
  std::string mounted = "none";
  std::filesystem::path unreadable;
  std::vector<std::string> synced;
};

// Made, as far as anybody can see, by a start that did not live to sync it.
void make_all(Disk& disk) {
  for (const char* path :
       {"/home", "/home/ada", "/home/ada/state", "/home/ada/state/framebus", data.c_str()}) {
    REQUIRE(disk.make_directory(path));
  }
}

TEST_CASE("durable start: a directory above that can not be synced by anybody is no failure") {
  for (const Code code : {Code::failed_precondition, Code::permission_denied, Code::internal}) {
    FaultDisk disk(1);
    make_all(disk);
    ForeignAbove door(disk);
    door.refusal = fail(code, "fsync /home/ada: as told");
    const Status made = make_durable_directory(door, data);
    CHECK(made.has_value() == (code != Code::internal));
    CHECK(door.synced == std::vector<std::string>{"/home/ada/state/framebus", "/home/ada/state",
                                                  "/home/ada"});
  }
}

TEST_CASE("durable start: what lies above the file system of the directory is left alone") {
  FaultDisk disk(1);
  make_all(disk);
  ForeignAbove door(disk);
  door.mounted = "/home/ada/state";
  REQUIRE(make_durable_directory(door, data));
  CHECK(door.synced == std::vector<std::string>{"/home/ada/state/framebus", "/home/ada/state"});
}

TEST_CASE("durable start: a journal that can not be looked at is not taken for none") {
  FaultDisk disk(1);
  make_all(disk);
  ForeignAbove door(disk);
  door.unreadable = data / "journal";
  const auto epoch = raise_epoch(door, data, {0, data / "journal"});
  REQUIRE_FALSE(epoch);
  CHECK(epoch.error().code == Code::internal);
  CHECK(disk.paths().empty());
  door.unreadable.clear();
  CHECK(raise_epoch(door, data, {0, data / "journal"}).value() == 1);
}

TEST_CASE("durable start: the real disk tells a file system without syncs from one that failed") {
  const auto synced = make_posix_disk()->sync_directory("/proc");
  REQUIRE_FALSE(synced);
  CHECK(synced.error().code == Code::failed_precondition);
}

TEST_CASE("durable start: each planted carelessness is found") {
  for (const Carelessness how : {Carelessness::skips_file_sync, Carelessness::skips_directory_sync,
                                 Carelessness::syncs_after_rename}) {
    bool is_found = false;
    for (std::uint64_t seed = 1; seed <= 5 && !is_found; ++seed)
      is_found = !crash_everywhere(how, seed * 1'000).first_wrong.empty();
    CHECK_MESSAGE(is_found, "carelessness number " << static_cast<int>(how));
  }
}

}  // namespace
}  // namespace framebus::broker
