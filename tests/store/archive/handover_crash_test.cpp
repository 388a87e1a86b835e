// The hand-over of finished jobs, crashed at every operation in every mode with journal and archive
// on one disk: a job that was accepted is in the journal, or whole in the archive, or in both; in
// neither it is never, and no list has it twice.
//
// The work: jobs end, are archived and forgotten, the journal is compacted, one comes back, ends
// anew and goes again. Coming up is crashed as well, and afterwards everything has to end. The
// default tenth, or everything with FRAMEBUS_TEST_FULL=1.
#include <doctest/doctest.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstdio>
#include <random>

#include "broker/core/state.h"
#include "tests/full_run.h"
#include "tests/store/archive/fault_vfs.h"
#include "tests/store/archive/handover_broker.h"

namespace framebus::broker {
namespace {

using test::HandoverBroker;
using test::Told;
using testing::all_crash_modes;
using testing::CrashMode;
using testing::FaultDisk;
using testing::FaultVfs;
using testing::SyncLapse;

constexpr Duration until_archived = milliseconds(200);
constexpr Duration until_forgotten = milliseconds(400);
constexpr Duration until_all_is_over = seconds(3);

struct Mistake {
  const char* what = "none";
  bool is_hasty = false;
  SyncLapse lapse = SyncLapse::none;
};

class CrashRun {
 public:
  CrashRun(std::uint64_t seed, const Mistake& mistake)
      : disk(seed), vfs_(disk, mistake.lapse), mistake_(mistake) {
    // The salts of SQLite's log come from there.
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, 1, nullptr);
    (void)disk.make_directory("/data");
    (void)disk.sync_directory("/");
  }

  // Every step is tried; after the crash each of them does nothing.
  void work() {
    if (!start()) return;
    submit_all(2);
    broker_->pass(until_archived);
    broker_->pass(until_forgotten);
    broker_->compact();
    compactions += broker_->compactions();
    if (const auto failed = told.jobs.find(test::fails_at_first); failed != told.jobs.end())
      broker_->retry(failed->second);
    submit_all(names_.size());
    broker_->pass(until_archived);
    if (!broker_->is_up() || !start()) return;  // as after a stop
    look();
    broker_->pass(until_forgotten);
    broker_->compact();
    broker_->pass(until_forgotten);
    compactions += broker_->compactions();
  }

  // Comes up again, perhaps after another crash on the way, and brings everything to its end. The
  // error is the test's.
  Status recover(CrashMode mode, std::mt19937_64& chance) {
    restart(mode);
    disk.crash_at(disk.operation_count() + 1 + chance() % 150);
    const Status started = start();
    if (!started && !disk.has_crashed()) return started;
    if (started) {
      look();
      broker_->pass(until_archived);
    }
    restart(all_crash_modes[chance() % std::size(all_crash_modes)]);
    FRAMEBUS_TRY(start());
    look();
    finish();
    restart(CrashMode::drop_unsynced);
    FRAMEBUS_TRY(start());
    look();
    check_end();
    return {};
  }

  // Everything has ended well, has left the journal and is in the archive once.
  void finish() {
    submit_all(names_.size());
    broker_->pass(until_all_is_over);
    if (const JobId job = told.jobs[test::fails_at_first]; !told.retried.contains(job))
      broker_->retry(job);
    broker_->pass(until_all_is_over);
    broker_->compact();
  }
  void check_end() {
    if (!broker_->state().jobs.empty()) wrong("a job does not leave for the archive");
    const auto page = broker_->archive().list(0, 0, 0);
    if (!page || page->total != names_.size()) wrong("the archive has other jobs than were sent");
    for (const auto& [name, job] : told.jobs)
      if (const auto pieces = broker_->archive().load(job);
          pieces && pieces->front().state != JobState::succeeded)
        wrong(name + " was archived as it was before its retry");
  }

  FaultDisk disk;
  Told told;
  std::uint64_t compactions = 0;
  std::uint64_t looks = 0;
  std::uint64_t in_both = 0;
  std::uint64_t in_archive_alone = 0;

 private:
  void wrong(std::string what) { told.wrong.push_back(std::move(what)); }

  void restart(CrashMode mode) {
    broker_.reset();
    disk.restart(mode);
  }
  Status start() {
    broker_.reset();
    broker_ = std::make_unique<HandoverBroker>(disk, vfs_.name(), told, mistake_.is_hasty);
    return broker_->start();
  }
  void submit_all(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      broker_->submit(names_[i], 2 + static_cast<std::uint32_t>(i));
  }

  // Where each accepted job is, and that what was confirmed about it is there with it.
  void look() {
    if (!broker_->is_up()) return;
    for (const auto& [name, id] : told.jobs) {
      const Job* job = broker_->state().find_job(id);
      const auto pieces = broker_->archive().load(id);
      if (disk.has_crashed()) return;
      ++looks;
      if (!pieces && pieces.error().code != Code::not_found)
        wrong(name + " is served in part: " + pieces.error().message);
      if (job == nullptr && !pieces) wrong(name + " is in neither");
      if (pieces) check_whole(name, *pieces);
      in_both += job != nullptr && pieces ? 1 : 0;
      in_archive_alone += job == nullptr && pieces ? 1 : 0;
      if (job != nullptr) {
        check_job(name, *job);
      } else if (pieces) {
        check_archived(name, *pieces);
      }
    }
    check_lists();
  }

  void check_whole(const std::string& name, const std::vector<JobImage>& pieces) {
    std::uint32_t next = 0;
    for (const JobImage& piece : pieces)
      for (const TaskImage& task : piece.tasks) {
        if (task.index != next) return wrong(name + " has a gap in the archive");
        next += std::max(task.count, 1u);
      }
    if (!pieces.back().last || next != pieces.front().task_count)
      wrong(name + " is not whole in the archive");
  }

  void check_job(const std::string& name, const Job& job) {
    for (const auto& [task, result] : told.results) {
      if (task.job != job.id) continue;
      const TaskDetail* detail = job.detail_of(task.index);
      const bool is_there = job.tasks[task.index].state == TaskState::succeeded &&
                            detail != nullptr && detail->outcome &&
                            detail->outcome->result == result;
      if (!is_there) wrong(name + ": a confirmed result is not in the journal");
    }
  }

  void check_archived(const std::string& name, const std::vector<JobImage>& pieces) {
    for (const auto& [task, result] : told.results) {
      if (task.job != pieces.front().job) continue;
      bool is_there = false;
      for (const JobImage& piece : pieces)
        for (const TaskImage& image : piece.tasks)
          is_there = is_there || (image.index == task.index && image.result == result &&
                                  image.state == TaskState::succeeded);
      if (!is_there) wrong(name + ": a confirmed result is not in the archive");
    }
    if (told.retried.contains(pieces.front().job) && pieces.front().state != JobState::succeeded)
      wrong(name + ": a confirmed retry is forgotten");
  }

  void check_lists() {
    std::vector<JobId> listed = broker_->listed();
    std::sort(listed.begin(), listed.end());
    if (std::adjacent_find(listed.begin(), listed.end()) != listed.end())
      wrong("the list of jobs has one twice");
    const auto page = broker_->archive().list(0, 0, 0);
    if (!page) return;  // the disk is gone
    std::vector<JobId> archived;
    for (const JobSummary& job : page->jobs) archived.push_back(job.id);
    std::sort(archived.begin(), archived.end());
    if (std::adjacent_find(archived.begin(), archived.end()) != archived.end() ||
        archived.size() != page->total)
      wrong("the list of the archive has a job twice");
  }

  const std::vector<std::string> names_{test::fails_at_first, "first", "second", "third"};
  FaultVfs vfs_;
  const Mistake mistake_;
  std::unique_ptr<HandoverBroker> broker_;
};

constexpr std::uint64_t operations_about = 380;  // of the work

struct Crashes {
  std::uint64_t count = 0, operations = 0, looks = 0, in_both = 0, in_archive_alone = 0;
  std::string first_wrong;
};

Crashes crash_everywhere(const Mistake& mistake, std::uint64_t seed, std::uint64_t stride) {
  Crashes out;
  {
    CrashRun whole(seed, mistake);
    whole.work();
    out.operations = whole.disk.operation_count();
    CHECK(whole.told.wrong == std::vector<std::string>{});
    CHECK(whole.told.jobs.size() == 4);
    CHECK(whole.told.retried.size() == 1);
    CHECK(whole.compactions >= 2);
  }
  std::mt19937_64 chance(seed);
  for (std::uint64_t at = 1; at <= out.operations; at += stride) {
    for (const CrashMode mode : all_crash_modes) {
      CrashRun run(seed + at, mistake);
      run.disk.crash_at(at);
      run.work();
      const Status recovered = run.recover(mode, chance);
      ++out.count;
      out.looks += run.looks;
      out.in_both += run.in_both;
      out.in_archive_alone += run.in_archive_alone;
      if (recovered && run.told.wrong.empty()) continue;
      out.first_wrong =
          "operation " + std::to_string(at) + ", mode " + name_of(mode) + ": " +
          (run.told.wrong.empty() ? recovered.error().message : run.told.wrong.front());
      return out;
    }
  }
  return out;
}

TEST_CASE(
    "hand-over: at every operation in every mode an accepted job is in the journal, or whole in "
    "the archive, or in both") {
  constexpr std::uint64_t seed = 20'261'126;
  const Crashes crashes = crash_everywhere({}, seed, testing::stride_of_run());
  CHECK_MESSAGE(crashes.first_wrong.empty(), crashes.first_wrong << ", seed " << seed);
  CHECK(crashes.operations > 200);
  CHECK(crashes.in_both > 0);
  CHECK(crashes.in_archive_alone > 0);
  std::printf(
      "crash: hand-over: %llu crashes in %llu operations x %zu modes, %llu jobs looked at (%llu in "
      "both, %llu in the archive alone); seed %llu\n",
      static_cast<unsigned long long>(crashes.count),
      static_cast<unsigned long long>(crashes.operations), std::size(all_crash_modes),
      static_cast<unsigned long long>(crashes.looks),
      static_cast<unsigned long long>(crashes.in_both),
      static_cast<unsigned long long>(crashes.in_archive_alone),
      static_cast<unsigned long long>(seed));
}

TEST_CASE("hand-over: many short lives, each crashed anywhere and again on its way up") {
  const std::uint64_t lives = testing::is_full_run() ? 5'000 : 500;
  const std::uint64_t first = testing::seed_or(1);
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
    REQUIRE(run.told.wrong == std::vector<std::string>{});
  }
  std::printf("crash: hand-over: %llu lives crashed at random operations, seeds from %llu\n",
              static_cast<unsigned long long>(lives), static_cast<unsigned long long>(first));
}

TEST_CASE("hand-over: each planted mistake is found") {
  const Mistake mistakes[] = {
      {"forgotten before the archive has committed", true, SyncLapse::none},
      {"synchronous = OFF", false, SyncLapse::every_sync},
      {"synchronous = NORMAL", false, SyncLapse::log_sync},
  };
  for (const Mistake& mistake : mistakes) {
    const Crashes crashes = crash_everywhere(mistake, 11, 7);
    CHECK_MESSAGE(!crashes.first_wrong.empty(), std::string(mistake.what));
    std::printf("crash: hand-over: '%s' found: %s\n", mistake.what, crashes.first_wrong.c_str());
  }
}

}  // namespace
}  // namespace framebus::broker
