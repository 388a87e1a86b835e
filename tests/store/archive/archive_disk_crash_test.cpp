// The archive on a disk that crashes at every operation, in every mode: a job whose last piece was
// confirmed is there whole, a removal that was confirmed holds, no job is ever served in part, and
// the database is sound.
//
// archive_crash_test.cpp kills a process, whose page cache lives on; here what was not synced is
// lost, torn or reordered. The default tenth, or everything with FRAMEBUS_TEST_FULL=1.
#include <doctest/doctest.h>
#include <sqlite3.h>

#include <cstdio>
#include <map>
#include <random>
#include <set>

#include "broker/store/archive/archive.h"
#include "tests/full_run.h"
#include "tests/store/archive/fault_vfs.h"
#include "tests/store/archive/sample_jobs.h"
#include "tests/store/careless_disk.h"

namespace framebus::broker {
namespace {

using testing::all_crash_modes;
using testing::CarelessDisk;
using testing::Carelessness;
using testing::CrashMode;
using testing::FaultDisk;
using testing::FaultVfs;
using testing::SyncLapse;

const std::filesystem::path file = "/data/archive.db";
constexpr std::uint64_t jobs = 3;
constexpr int versions = 3;  // the last one is for after the crash
constexpr int none = -1;

const std::vector<JobImage>& version_of(std::uint64_t job, int version) {
  static std::map<std::pair<std::uint64_t, int>, std::vector<JobImage>> made;
  auto& pieces = made[{job, version}];
  if (pieces.empty()) {
    pieces = test::random_job(JobId{job}, 10 + static_cast<std::uint32_t>(job) * 3,
                              job * 100 + static_cast<std::uint64_t>(version), 8);
  }
  return pieces;
}

struct Mistake {
  const char* what = "none";
  SyncLapse lapse = SyncLapse::none;
  Carelessness disk = Carelessness::none;
};

class CrashRun {
 public:
  CrashRun(std::uint64_t seed, const Mistake& mistake)
      : disk(seed), door_(mistake.disk, disk), vfs_(door_, mistake.lapse) {
    // The salts of the log come from there.
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, 1, nullptr);
    (void)disk.make_directory("/data");
    (void)disk.sync_directory("/");
    for (std::uint64_t job = 1; job <= jobs; ++job) allowed_[job] = {none};
  }

  // Every step is tried; after the crash each of them is refused.
  void work() {
    if (!open()) return;
    for (std::uint64_t job = 1; job <= jobs; ++job) put(job, 0);
    look();
    if (!open()) return;  // closing moves the log into the database
    put(1, 1);
    begin_and_leave(2, 1);
    remove_up_to(2);
    clean();
    if (!open()) return;
    put(2, 1);
    look();
  }

  // Comes up again, perhaps after another crash on the way, and hands everything over again. The
  // error is the test's.
  Status recover(CrashMode mode, std::mt19937_64& chance) {
    may_refuse = false;
    restart(mode);
    disk.crash_at(disk.operation_count() + 1 + chance() % 120);
    const Status opened = open();
    if (!opened && !disk.has_crashed()) return opened;
    if (opened) look();
    if (opened) put_pending();
    restart(all_crash_modes[chance() % std::size(all_crash_modes)]);
    check_database(false);
    FRAMEBUS_TRY(open());
    look();
    put_pending();
    look();
    for (std::uint64_t job = 1; job <= jobs; ++job) put(job, versions - 1);
    clean();
    restart(CrashMode::drop_unsynced);
    check_database(true);
    FRAMEBUS_TRY(open());
    look();
    for (const auto& [job, may_be] : allowed_) {
      if (may_be != std::set<int>{versions - 1}) wrong.push_back("a job can not be put again");
    }
    return {};
  }

  FaultDisk disk;
  std::uint64_t confirmed = 0;
  std::uint64_t loaded = 0;
  std::uint64_t removed = 0;
  bool may_refuse = false;  // before the crash: its disk fails
  std::vector<std::string> wrong;

 private:
  void restart(CrashMode mode) {
    archive_.reset();
    disk.restart(mode);
  }

  Status open() {
    archive_.reset();
    FRAMEBUS_ASSIGN(archive_, JobArchive::open(file, {}, {vfs_.name(), &door_}));
    return {};
  }

  void put(std::uint64_t job, int version) {
    for (const JobImage& piece : version_of(job, version)) {
      const Status done = archive_->put(piece);
      if (piece.last && done) {
        allowed_[job] = {version};
        pending_.erase(job);
        ++confirmed;
      } else if (piece.last || !done) {
        if (piece.last) allowed_[job].insert(version);
        pending_[job] = version;
        if (!disk.has_crashed() && !may_refuse) wrong.push_back("refused: " + done.error().message);
        return;
      }
    }
  }

  // A job that comes again from the first piece before its last one.
  void begin_and_leave(std::uint64_t job, int version) {
    (void)archive_->put(version_of(job, version).front());
  }

  // As the core does after a restart: what was not confirmed, from its first piece.
  void put_pending() {
    const std::map<std::uint64_t, int> again = pending_;
    for (const auto& [job, version] : again) put(job, version);
  }

  void remove_up_to(std::uint64_t job_max) {
    const auto ended = version_of(job_max, 0).front().ended_at_ms;
    const auto gone = archive_->remove_old(ended + 1, 0, 10, {});
    for (std::uint64_t job = 1; job <= job_max && !gone; ++job) allowed_[job].insert(none);
    if (!gone) return;
    removed += gone->size();
    for (const JobId job : *gone) allowed_[job.value] = {none};
  }

  void clean() {
    while (archive_->clean().value_or(false)) {
    }
  }

  void look() {
    for (const auto& [job, may_be] : allowed_) {
      const auto pieces = archive_->load(JobId{job});
      if (disk.has_crashed()) return;
      ++loaded;
      int found = none;
      for (int version = 0; pieces && version < versions; ++version) {
        if (*pieces == version_of(job, version)) found = version;
      }
      if (pieces ? found == none : pieces.error().code != Code::not_found) {
        wrong.push_back("job " + std::to_string(job) + " is served in part: " +
                        (pieces ? "of several versions" : pieces.error().message));
      } else if (!may_be.contains(found)) {
        wrong.push_back("job " + std::to_string(job) + " is there in version " +
                        std::to_string(found));
      }
    }
  }

  // With eyes of our own: sound, and after a cleaning nothing that belongs to no job.
  void check_database(bool is_clean) {
    sqlite3* database = nullptr;
    const int opened = sqlite3_open_v2(file.c_str(), &database, SQLITE_OPEN_READWRITE, vfs_.name());
    if (opened == SQLITE_OK) {
      const std::string said = text_of(database, "PRAGMA integrity_check");
      if (said != "ok") wrong.push_back("integrity: " + said);
      const std::string left = is_clean ? "0" : "";
      if (is_clean && text_of(database, "SELECT count(*) FROM versions WHERE stage <> 1") != left)
        wrong.push_back("half a version stays");
      if (is_clean && text_of(database,
                              "SELECT count(*) FROM pieces WHERE version NOT IN "
                              "(SELECT version FROM versions)") != left)
        wrong.push_back("pieces of no version stay");
    } else if (disk.facts(file)) {
      wrong.push_back("the database can not be opened");
    }
    sqlite3_close(database);
  }

  static std::string text_of(sqlite3* database, const char* sql) {
    sqlite3_stmt* statement = nullptr;
    std::string out = "no answer";
    if (sqlite3_prepare_v2(database, sql, -1, &statement, nullptr) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
      out = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    }
    sqlite3_finalize(statement);
    return out;
  }

  CarelessDisk door_;
  FaultVfs vfs_;
  std::unique_ptr<JobArchive> archive_;
  std::map<std::uint64_t, std::set<int>> allowed_;  // versions that may be seen, by job
  std::map<std::uint64_t, int> pending_;            // not confirmed
};

constexpr std::uint64_t operations_about = 550;  // of the work

struct Crashes {
  std::uint64_t count = 0;
  std::uint64_t operations = 0;
  std::uint64_t loaded = 0;
  std::string first_wrong;
};

Crashes crash_everywhere(const Mistake& mistake, std::uint64_t seed, std::uint64_t stride) {
  Crashes out;
  {
    CrashRun whole(seed, mistake);
    whole.work();
    out.operations = whole.disk.operation_count();
    CHECK(whole.wrong == std::vector<std::string>{});
    CHECK(whole.confirmed == 5);
    CHECK(whole.removed == 2);
  }
  std::mt19937_64 chance(seed);
  for (std::uint64_t at = 1; at <= out.operations; at += stride) {
    for (const CrashMode mode : all_crash_modes) {
      CrashRun run(seed + at, mistake);
      run.disk.crash_at(at);
      run.work();
      const Status recovered = run.recover(mode, chance);
      ++out.count;
      out.loaded += run.loaded;
      if (recovered && run.wrong.empty()) continue;
      out.first_wrong = "operation " + std::to_string(at) + ", mode " + name_of(mode) + ": " +
                        (run.wrong.empty() ? recovered.error().message : run.wrong.front());
      return out;
    }
  }
  return out;
}

// exit_code_of_start() makes 74 of an unavailable without a time to try again.
TEST_CASE("archive on a disk that fails: an I/O error names the file and no time to try again") {
  // Each sync of making it, then of what opens it once more.
  int failures = 0;
  for (std::uint64_t n = 1; n <= 8; ++n) {
    CAPTURE(n);
    FaultDisk disk(n);
    (void)disk.make_directory("/data");
    (void)disk.sync_directory("/");
    const FaultVfs vfs(disk);
    disk.fail_sync(n);
    for (int opening = 0; opening < 2; ++opening) {
      const auto archive = JobArchive::open(file, {}, {vfs.name(), &disk});
      if (archive) continue;
      ++failures;
      CAPTURE(archive.error().message);
      CHECK(archive.error().code == Code::unavailable);
      CHECK(archive.error().retry_after_ms == 0);
      CHECK(archive.error().message.find(file.string()) != std::string::npos);
    }
  }
  CHECK(failures > 0);
}

TEST_CASE("archive on a full disk: no room is told as that, wherever it is missing") {
  int refusals = 0;
  for (std::uint64_t capacity = 0; capacity <= 128 * 1024; capacity += 4 * 1024) {
    CAPTURE(capacity);
    FaultDisk disk(1, capacity);
    (void)disk.make_directory("/data");
    const FaultVfs vfs(disk);
    const auto archive = JobArchive::open(file, {}, {vfs.name(), &disk});
    if (archive) continue;
    ++refusals;
    CHECK(archive.error().code == Code::resource_exhausted);
    CHECK(archive.error().message.find(file.string()) != std::string::npos);
  }
  CHECK(refusals > 0);
}

TEST_CASE(
    "archive on a crashing disk: at every operation in every mode a confirmed job is whole and "
    "none is served in part") {
  constexpr std::uint64_t seed = 20'261'123;
  const Crashes crashes = crash_everywhere({}, seed, testing::stride_of_run());
  CHECK_MESSAGE(crashes.first_wrong.empty(), crashes.first_wrong << ", seed " << seed);
  CHECK(crashes.operations > 300);
  std::printf(
      "crash: archive: %llu crashes in %llu operations x %zu modes, %llu loads looked at; "
      "seed %llu\n",
      static_cast<unsigned long long>(crashes.count),
      static_cast<unsigned long long>(crashes.operations), std::size(all_crash_modes),
      static_cast<unsigned long long>(crashes.loaded), static_cast<unsigned long long>(seed));
}

TEST_CASE("archive on a crashing disk: many short lives, each crashed anywhere and again") {
  const std::uint64_t lives = testing::is_full_run() ? 3'000 : 300;
  const std::uint64_t first = testing::seed_or(1);
  std::uint64_t loaded = 0;
  for (std::uint64_t seed = first; seed < first + lives; ++seed) {
    std::mt19937_64 chance(seed);
    CrashRun run(seed, {});
    run.disk.crash_at(1 + chance() % operations_about);
    run.work();
    const CrashMode mode = all_crash_modes[chance() % std::size(all_crash_modes)];
    const Status recovered = run.recover(mode, chance);
    INFO("seed " << seed << ", mode " << std::string(name_of(mode)));
    INFO((recovered ? std::string() : recovered.error().message));
    REQUIRE(recovered);
    REQUIRE(run.wrong == std::vector<std::string>{});
    loaded += run.loaded;
  }
  CHECK(loaded > lives);
  std::printf("crash: archive: %llu lives crashed at random operations, seeds from %llu\n",
              static_cast<unsigned long long>(lives), static_cast<unsigned long long>(first));
}

// A disk that fails a sync never writes what was to be synced, whatever a later sync says.
TEST_CASE("archive on a failing disk: a sync that fails loses nothing that is confirmed later") {
  constexpr std::uint64_t seed = 20'261'124;
  constexpr std::uint64_t syncs = 60;  // more than the work has
  std::mt19937_64 chance(seed);
  std::uint64_t refused = 0;
  for (std::uint64_t n = 1; n <= syncs; ++n) {
    CrashRun run(seed + n, {});
    run.may_refuse = true;
    run.disk.fail_sync(n);
    run.work();
    refused += run.confirmed < 5 ? 1 : 0;
    const Status recovered = run.recover(CrashMode::drop_unsynced, chance);
    INFO("sync " << n << ", seed " << seed);
    INFO((recovered ? std::string() : recovered.error().message));
    REQUIRE(recovered);
    REQUIRE(run.wrong == std::vector<std::string>{});
  }
  CHECK(refused > 5);
}

TEST_CASE("archive on a crashing disk: each planted mistake is found") {
  const Mistake mistakes[] = {
      {"synchronous = OFF", SyncLapse::every_sync, Carelessness::none},
      {"synchronous = NORMAL", SyncLapse::log_sync, Carelessness::none},
      {"names never synced", SyncLapse::none, Carelessness::skips_directory_sync},
  };
  for (const Mistake& mistake : mistakes) {
    const Crashes crashes = crash_everywhere(mistake, 11, 7);
    CHECK_MESSAGE(!crashes.first_wrong.empty(), std::string(mistake.what));
  }
}

}  // namespace
}  // namespace framebus::broker
