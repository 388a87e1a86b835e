// What a job of a million tasks costs in the archive: time and bytes, printed, and bounded loosely.
#include <doctest/doctest.h>

#include <chrono>

#include "broker/store/archive/archive.h"
#include "tests/libmsg/blob/scratch_directory.h"
#include "tests/store/archive/sample_jobs.h"

namespace framebus::broker {
namespace {

using framebus::test::ScratchDirectory;
using namespace test;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void measure(std::uint32_t task_count, bool with_results) {
  const ScratchDirectory directory;
  auto archive = JobArchive::open(directory / "archive.db").value();
  std::vector<TaskImage> tasks;
  std::mt19937_64 chance(1);
  for (std::uint32_t i = 0; i < task_count; ++i) {
    const std::uint64_t grant = 1'000 + i;
    tasks.push_back(i % 100 == 7   ? failed_task(i, grant)
                    : with_results ? task_with_results(i, grant)
                                   : plain_task(i, grant));
    tasks.back().attempts[0].run_ms = static_cast<std::int64_t>(chance() % 60'000);
    if (with_results) {
      for (BlobRef& blob : tasks.back().blobs) {
        for (std::uint8_t& byte : blob.hash.bytes) byte = static_cast<std::uint8_t>(chance());
      }
    }
  }
  const auto pieces = cut(JobId{1}, tasks);
  tasks = {};
  auto begin = std::chrono::steady_clock::now();
  double longest = 0;
  for (const JobImage& piece : pieces) {
    const auto began = std::chrono::steady_clock::now();
    REQUIRE(archive->put(piece));
    longest = std::max(longest, seconds_since(began));
  }
  const double put = seconds_since(begin);
  const auto bytes = static_cast<double>(archive->stats().value().bytes);
  begin = std::chrono::steady_clock::now();
  REQUIRE(archive->load(JobId{1}).value() == pieces);
  const double load = seconds_since(begin);
  begin = std::chrono::steady_clock::now();
  REQUIRE(archive->remove_old(INT64_MAX, 0, 1, {}).value().size() == 1);
  int steps = 0;
  while (archive->clean().value()) ++steps;
  const std::string kind = with_results ? "with an inline result and two blobs" : "without results";
  MESSAGE(task_count << " tasks " << kind << ": "
                     << bytes / task_count << " bytes each; put " << put << " s (longest piece "
                     << longest * 1000 << " ms), load " << load << " s, removal "
                     << seconds_since(begin) << " s in " << steps << " steps");
  CHECK(bytes / task_count < (with_results ? 500 : 60));
  CHECK(archive->stats().value().bytes < 2'000'000);
}

TEST_CASE("archive cost: a hundred thousand tasks") {
  measure(100'000, false);
}

TEST_CASE("archive cost: a million tasks without results, a fifth of it with") {
  measure(1'000'000, false);
  measure(200'000, true);
}

}  // namespace
}  // namespace framebus::broker
