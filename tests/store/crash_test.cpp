// A crash at every operation of a long workload, in every mode: nothing acknowledged is lost,
// nothing is invented, and the journal opens again by itself.
//
// The workload appends, syncs, seals, rolls, prepares segments, compacts and opens anew; recovery
// itself is crashed as well. Run the default tenth, or everything with FRAMEBUS_TEST_FULL=1.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "broker/store/journal/live_records.h"
#include "tests/full_run.h"
#include "tests/store/journal_rig.h"

using namespace framebus;
using namespace framebus::testing;

namespace {

constexpr std::uint64_t operations_wanted = 500;

class CrashRun {
 public:
  explicit CrashRun(std::uint64_t seed) : disk(seed), rig(disk), stream_(seed), chance_(~seed) {}

  // Until the disk crashes, or `operations_wanted` operations are over.
  void work() {
    if (!reopen()) return;
    while (disk.operation_count() < operations_wanted) {
      if (!step(chance_.below(100))) return;
      acknowledged = std::max(acknowledged, rig.journal->durable_lsn());
    }
  }

  // Comes up again and opens; crashes once more while it does, if the dice say so. The error, if
  // any, is the test's.
  Status recover(CrashMode mode) {
    disk.restart(mode);
    disk.crash_at(disk.operation_count() + 1 + chance_.below(30));
    Status opened = rig.open();
    if (!opened && !disk.has_crashed()) return opened;
    if (opened) {
      compare();
      acknowledged = rig.journal->durable_lsn();
    }
    disk.restart(all_crash_modes[chance_.below(std::size(all_crash_modes))]);
    FRAMEBUS_TRY(rig.open());
    compare();
    return {};
  }

  // It goes on where it was, and what it said is durable also survives the next crash.
  Status go_on() {
    acknowledged = rig.journal->last_lsn();
    attempted.erase(attempted.upper_bound(acknowledged), attempted.end());
    for (int i = 0; i < 5; ++i) {
      FRAMEBUS_TRY(append());
      FRAMEBUS_TRY(rig.journal->sync());
      rig.run_upkeep();
    }
    acknowledged = rig.journal->durable_lsn();
    disk.restart(CrashMode::drop_unsynced);
    FRAMEBUS_TRY(rig.open());
    compare();
    return {};
  }

  FaultDisk disk;
  Rig rig;
  std::map<std::uint64_t, Stored> attempted;
  std::uint64_t acknowledged = 0;
  std::uint64_t compactions = 0;
  std::vector<std::string> wrong;

 private:
  bool reopen() {
    if (rig.journal) compactions += rig.journal->stats().compactions;
    return rig.open().has_value();
  }

  Status append() {
    const std::vector<Record> records = stream_.next_batch(5);
    at_ns_ += static_cast<std::int64_t>(chance_.below(1'000));
    const std::uint64_t first = rig.journal->last_lsn() + 1;
    for (std::size_t i = 0; i < records.size(); ++i) {
      attempted[first + i] = {first + i, at_ns_, records[i]};
    }
    return rig.journal->append(TimePoint(Duration(at_ns_)), records);
  }

  bool step(std::uint64_t dice) {
    if (dice < 55) return append().has_value();
    if (dice < 85) return rig.journal->sync().has_value();
    if (dice < 91) return rig.journal->seal().has_value();
    if (dice < 98) {
      const auto job = rig.journal->plan_upkeep();
      if (!job) return true;
      // Commits go on beside it.
      if (!append() || !rig.journal->sync()) return false;
      rig.journal->finish_upkeep(journal::run_upkeep(disk, *job));
      return !disk.has_crashed();
    }
    if (dice < 99) return rig.journal->request_compaction().has_value();
    return reopen();
  }

  // What was replayed against what was handed in.
  void compare() {
    const std::uint64_t last = rig.journal->last_lsn();
    if (last < acknowledged) wrong.push_back("ends before what was acknowledged");
    journal::LiveRecords live(rig.options.forget_after);
    for (const auto& [lsn, stored] : attempted) {
      if (lsn <= last) live.note(lsn, stored.at_ns, keys_of(stored.record));
    }
    std::size_t next = 0;
    for (const auto& [lsn, stored] : attempted) {
      if (lsn > last) break;
      if (next < rig.replayed.size() && rig.replayed[next].lsn == lsn) {
        if (!(rig.replayed[next] == stored)) wrong.push_back("another record than was written");
        ++next;
      } else if (live.keeps(lsn, stored.at_ns, keys_of(stored.record))) {
        wrong.push_back("record " + std::to_string(lsn) + " is missing");
      }
    }
    if (next != rig.replayed.size()) wrong.push_back("records that nobody wrote");
  }

  RecordStream stream_;
  RecordStream chance_;
  std::int64_t at_ns_ = 1'000;
};

}  // namespace

TEST_CASE("crash: at every operation and in every mode nothing acknowledged is lost or invented") {
  constexpr std::uint64_t seed = 20'261'120;
  CrashRun whole(seed);
  whole.work();
  const std::uint64_t operations = whole.disk.operation_count();
  REQUIRE(operations >= operations_wanted);
  CHECK(whole.acknowledged > 300);
  CHECK(whole.rig.files("snapshot-").size() == 1);
  std::uint64_t crashes = 0;
  std::uint64_t lost_unacknowledged = 0;
  for (std::uint64_t at = 1; at <= operations; at += stride_of_run()) {
    for (const CrashMode mode : all_crash_modes) {
      CrashRun run(seed);
      run.disk.crash_at(at);
      run.work();
      const std::uint64_t written = run.attempted.empty() ? 0 : run.attempted.rbegin()->first;
      Status recovered = run.disk.has_crashed() ? run.recover(mode) : Status{};
      if (recovered) {
        lost_unacknowledged += written - std::min(written, run.rig.journal->last_lsn());
        recovered = run.go_on();
      }
      INFO("operation " << at << ", mode " << std::string(name_of(mode)) << ", seed " << seed);
      INFO((recovered ? std::string() : recovered.error().message));
      INFO((run.wrong.empty() ? std::string() : run.wrong.front()));
      REQUIRE(recovered.has_value());
      REQUIRE(run.wrong.empty());
      ++crashes;
    }
  }
  std::printf(
      "crash: %llu crashes in %llu operations x %zu modes, %llu records in the workload, "
      "%llu never acknowledged were lost, 0 acknowledged; seed %llu\n",
      static_cast<unsigned long long>(crashes), static_cast<unsigned long long>(operations),
      std::size(all_crash_modes), static_cast<unsigned long long>(whole.attempted.size()),
      static_cast<unsigned long long>(lost_unacknowledged), static_cast<unsigned long long>(seed));
  CHECK(lost_unacknowledged > 0);  // the modes do drop something
}

TEST_CASE("crash: many short lives one after the other, each crashed anywhere") {
  const std::uint64_t lives = is_full_run() ? 20'000 : 2'000;
  std::uint64_t crashes = 0;
  const std::uint64_t first = seed_or(1);
  for (std::uint64_t seed = first; crashes < lives; ++seed) {
    CrashRun run(seed);
    RecordStream dice(seed);
    run.disk.crash_at(1 + dice.below(operations_wanted));
    run.work();
    if (!run.disk.has_crashed()) continue;
    const CrashMode mode = all_crash_modes[dice.below(std::size(all_crash_modes))];
    Status recovered = run.recover(mode);
    if (recovered) recovered = run.go_on();
    INFO("seed " << seed << ", mode " << std::string(name_of(mode)));
    INFO((recovered ? std::string() : recovered.error().message));
    INFO((run.wrong.empty() ? std::string() : run.wrong.front()));
    REQUIRE(recovered.has_value());
    REQUIRE(run.wrong.empty());
    ++crashes;
  }
  std::printf("crash: %llu lives crashed at random operations, seeds from %llu\n",
              static_cast<unsigned long long>(crashes), static_cast<unsigned long long>(first));
}
