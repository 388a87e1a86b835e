// Results whose blobs can not be looked up now: kept, asked for again, bounded, forgotten with
// their session.
#include "broker/shell/result_check.h"

#include <doctest/doctest.h>

#include <set>

#include "tests/broker/shell/scarce_disk.h"
#include "tests/libmsg/blob/scratch_directory.h"

namespace framebus::broker {
namespace {

constexpr SessionId one{1};
constexpr SessionId two{2};
const auto all_are_there = [](SessionId) { return true; };

struct Bench {
  test::ScratchDirectory scratch;
  std::shared_ptr<test::ScarceDisk> disk = std::make_shared<test::ScarceDisk>();
  std::unique_ptr<BlobStore> store = open_blob_store_on(disk, scratch / "blobs", false, 0).value();
  InputCheck inputs{*store, [] {}};
  ResultCheck check{inputs};
  TimePoint now = now_monotonic();

  BlobRef put(const std::string& text) { return store->put_bytes(bytes_of(text)).value(); }
  static TaskResult result(std::uint32_t task, const std::vector<BlobRef>& blobs) {
    TaskResult out;
    out.task = TaskRef{JobId{1}, task};
    out.outcome = Outcome::ok;
    out.blobs = blobs;
    return out;
  }
};

using Tasks = std::vector<std::uint32_t>;

Tasks tasks_of(const Results& results) {
  Tasks out;
  for (const TaskResult& each : results.results) out.push_back(each.task.index);
  return out;
}

TEST_CASE("result check: a blob that can not be looked up now puts off its own result only") {
  Bench bench;
  const BlobRef known = bench.put("known");
  const BlobRef hidden = bench.put("hidden");
  CHECK(bench.inputs.has(known.hash).value());
  bench.disk->is_exhausted = true;
  Results results{{Bench::result(1, {known}), Bench::result(2, {known, hidden}),
                   Bench::result(3, {}), Bench::result(4, {hidden})}};
  CHECK(bench.check.check(one, results, bench.now));
  CHECK(tasks_of(results) == Tasks{1, 3});
  CHECK(bench.check.kept() == 2);
  CHECK(bench.check.counters().put_off == 2);
  const TaskResult whole = Bench::result(2, {known, hidden});

  // Not asked for in every turn, and not given up while the disk is as it is.
  const std::size_t opened = bench.disk->opened;
  CHECK(bench.check.take(bench.now + milliseconds(99), all_are_there).empty());
  CHECK(bench.disk->opened == opened);
  CHECK(bench.check.take(bench.now + milliseconds(100), all_are_there).empty());
  CHECK(bench.disk->opened == opened + 2);
  CHECK(bench.check.take(bench.now + seconds(59), all_are_there).empty());

  bench.disk->is_exhausted = false;
  const auto known_now = bench.check.take(bench.now + seconds(60), all_are_there);
  REQUIRE(known_now.size() == 1);
  CHECK(known_now[0].session == one);
  CHECK(tasks_of(known_now[0].results) == Tasks{2, 4});
  CHECK(known_now[0].results.results[0] == whole);  // with its blobs, and a success
  CHECK(bench.check.kept() == 0);
  CHECK(bench.check.counters().without_blob == 0);
}

TEST_CASE("result check: only what the store knows not to have is said not to be stored") {
  Bench bench;
  const BlobRef absent{hash_bytes(bytes_of("absent")), 6, "image.exr"};
  Results results{{Bench::result(1, {absent})}};
  bench.disk->is_exhausted = true;
  CHECK(bench.check.check(one, results, bench.now));
  CHECK(results.results.empty());
  bench.disk->is_exhausted = false;
  const auto known = bench.check.take(bench.now + seconds(1), all_are_there);
  REQUIRE(known.size() == 1);
  const TaskResult& failed = known[0].results.results[0];
  CHECK(failed.outcome == Outcome::error);
  CHECK(failed.blobs.empty());
  CHECK_FALSE(failed.permanent);
  CHECK(failed.error.message ==
        "result blob " + to_string(absent.hash) + " (\"image.exr\") is not stored at the broker");
  CHECK(bench.check.counters().without_blob == 1);
}

TEST_CASE(
    "result check: a blob that can not be read for a minute fails its attempt, and says why") {
  Bench bench;
  const BlobRef blob = bench.put("unreadable");
  bench.disk->is_exhausted = true;
  Results results{{Bench::result(1, {blob})}};
  CHECK(bench.check.check(one, results, bench.now));
  CHECK(bench.check.take(bench.now + seconds(59), all_are_there).empty());
  const auto known = bench.check.take(bench.now + ResultCheck::patience, all_are_there);
  REQUIRE(known.size() == 1);
  CHECK(known[0].results.results[0].outcome == Outcome::error);
  CHECK(known[0].results.results[0].error.message ==
        "result blob " + to_string(blob.hash) +
            " (\"\") can not be read at the broker: open: Too many open files");
  CHECK(bench.check.kept() == 0);
}

TEST_CASE("result check: what a session left is forgotten with it, others keep theirs") {
  Bench bench;
  const BlobRef blob = bench.put("blob");
  bench.disk->is_exhausted = true;
  for (const SessionId session : {one, two}) {
    Results results{{Bench::result(static_cast<std::uint32_t>(session.value), {blob})}};
    CHECK(bench.check.check(session, results, bench.now));
  }
  bench.disk->is_exhausted = false;
  const std::set<SessionId> there{two};
  const auto known =
      bench.check.take(bench.now + seconds(1), [&](SessionId id) { return there.contains(id); });
  REQUIRE(known.size() == 1);
  CHECK(known[0].session == two);
  CHECK(tasks_of(known[0].results) == Tasks{2});
  CHECK(bench.check.kept() == 0);
}

TEST_CASE(
    "result check: results that wait are bounded in number and bytes, none is taken in part") {
  Bench bench;
  const BlobRef blob = bench.put("blob");
  bench.disk->is_exhausted = true;
  TaskResult large = Bench::result(1, {blob});
  large.log_tail = std::string(limits::MiB, 'x');
  Results many{std::vector<TaskResult>(8, large)};
  std::size_t messages = 0;
  for (; messages < 100; ++messages) {
    Results copy = many;
    if (!bench.check.check(one, copy, bench.now)) break;
  }
  CHECK(messages == 7);  // 64 MiB would be eight of them without what each result takes besides
  CHECK(bench.check.kept() == 56);
  CHECK(bench.check.refusals().of(Bound::result_lookup_bytes) == 1);
  CHECK(bench.check.counters().put_off == 56);
  Results small{{Bench::result(2, {blob})}};
  CHECK(bench.check.check(two, small, bench.now));  // it fits

  Bench other;
  const BlobRef its = other.put("blob");
  other.disk->is_exhausted = true;
  Results most{std::vector<TaskResult>(ResultCheck::kept_max, Bench::result(1, {its}))};
  Results one_more{{Bench::result(1, {its})}};
  CHECK(other.check.check(one, most, other.now));
  const Status refused = other.check.check(two, one_more, other.now);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message ==
        "found 4097 results whose blobs are looked up, allowed are 4096 (result_lookups_max)");
  CHECK(other.check.refusals().of(Bound::result_lookups) == 1);
  // Room comes back with what leaves.
  CHECK(other.check.take(other.now + seconds(1), [](SessionId id) { return id == two; }).empty());
  Results again{{Bench::result(1, {its})}};
  CHECK(other.check.check(two, again, other.now));
}

}  // namespace
}  // namespace framebus::broker
