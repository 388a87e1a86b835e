// The hand-over of jobs when the process is killed at any point: the archive has every job whose
// last piece was confirmed, whole; of any other job the whole version before, or nothing.
//
// The journal keeps a job until its last piece is confirmed, so "confirmed and gone" is the one
// thing that must never be seen. A real child process puts, a real SIGKILL ends it.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>

#include "broker/store/archive/archive.h"
#include "tests/libmsg/blob/scratch_directory.h"
#include "tests/store/archive/sample_jobs.h"

namespace framebus::broker {
namespace {

using framebus::test::ScratchDirectory;
using namespace test;

constexpr std::uint64_t jobs = 12;
constexpr std::uint64_t versions = 3;

std::vector<JobImage> version_of(std::uint64_t job, std::uint64_t version) {
  return random_job(JobId{job}, 40 + static_cast<std::uint32_t>(job * 7 % 50), job * 100 + version,
                    16);
}

// Puts every version of every job in turn; tells each confirmed piece by a byte: 1, and 2 when it
// was the last of a version. Never returns.
[[noreturn]] void put_until_killed(const std::filesystem::path& file, int out) {
  auto archive = JobArchive::open(file);
  if (!archive) ::_exit(3);
  for (std::uint64_t version = 0; version < versions; ++version) {
    for (std::uint64_t job = 1; job <= jobs; ++job) {
      for (const JobImage& piece : version_of(job, version)) {
        if (!(*archive)->put(piece)) ::_exit(4);
        const char told = piece.last ? 2 : 1;
        if (::write(out, &told, 1) != 1) ::_exit(5);
      }
    }
    if (version == 1) {  // removal is killed as well
      (void)(*archive)->remove_old(0, 1, 2, {});
    }
    while ((*archive)->clean().value_or(false)) {
    }
  }
  ::_exit(0);
}

struct Killed {
  std::uint64_t confirmed = 0;  // whole jobs, in the order of put_until_killed
  bool was_finished = false;
};

// Kills the child after it has confirmed `pieces` pieces, or a moment later.
Killed run_and_kill(const std::filesystem::path& file, std::uint64_t pieces) {
  int pipe_ends[2];
  REQUIRE(::pipe2(pipe_ends, O_CLOEXEC) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) put_until_killed(file, pipe_ends[1]);
  ::close(pipe_ends[1]);
  Killed out;
  char told = 0;
  for (std::uint64_t i = 0; i < pieces && ::read(pipe_ends[0], &told, 1) == 1; ++i) {
    out.confirmed += told == 2 ? 1 : 0;
  }
  ::kill(child, SIGKILL);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  out.was_finished = WIFEXITED(status);
  if (out.was_finished) CHECK(WEXITSTATUS(status) == 0);
  while (::read(pipe_ends[0], &told, 1) == 1) out.confirmed += told == 2 ? 1 : 0;
  ::close(pipe_ends[0]);
  return out;
}

// Which version of the job the archive has, `versions` if none.
std::uint64_t version_in(JobArchive& archive, std::uint64_t job) {
  const auto pieces = archive.load(JobId{job});
  if (!pieces) {
    CHECK(pieces.error().code == Code::not_found);
    return versions;
  }
  for (std::uint64_t version = 0; version < versions; ++version) {
    if (*pieces == version_of(job, version)) return version;
  }
  FAIL("job " << job << " came back as nothing that was put");
  return versions;
}

TEST_CASE(
    "archive hand-over: a confirmed job survives kill -9 at any step, no job is ever in part") {
  const std::uint64_t seed = 20'240'611;
  MESSAGE("seed " << seed);
  std::mt19937_64 chance(seed);
  for (int round = 0; round < 12; ++round) {
    const ScratchDirectory directory;
    const Killed killed = run_and_kill(directory / "archive.db", chance() % 120);
    auto archive = JobArchive::open(directory / "archive.db");
    REQUIRE(archive);
    for (std::uint64_t job = 1; job <= jobs; ++job) {
      CAPTURE(round);
      CAPTURE(job);
      const std::uint64_t confirmed =
          killed.confirmed >= job ? (killed.confirmed - job) / jobs + 1 : 0;
      const std::uint64_t version = version_in(**archive, job);
      if (version == versions) {
        // Never confirmed; or of the two oldest, which the child removed after its second version.
        const bool may_be_removed = job <= 2 && confirmed >= 2;
        CHECK((confirmed == 0 || may_be_removed));
        continue;
      }
      CHECK(version + 1 >= confirmed);
      CHECK(version <= confirmed);  // at most the one that was under way
    }
    // And whatever was under way can be handed over again.
    for (const JobImage& piece : version_of(jobs, 2)) REQUIRE((*archive)->put(piece));
    CHECK(version_in(**archive, jobs) == 2);
  }
}

TEST_CASE(
    "archive hand-over: no room on the disk is an error, and the version before stays whole") {
  const ScratchDirectory directory;
  const auto file = directory / "archive.db";
  const auto small = version_of(1, 0);
  {
    auto archive = JobArchive::open(file);
    REQUIRE(archive);
    for (const JobImage& piece : small) REQUIRE((*archive)->put(piece));
  }
  // A limit on the size of files stands for a full disk; it is the child's own.
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    auto archive = JobArchive::open(file);
    if (!archive) ::_exit(3);
    const rlimit limit{400'000, 400'000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(4);
    Status done;
    for (const JobImage& piece : random_job(JobId{1}, 30'000, 5, 1000)) {
      done = (*archive)->put(piece);
      if (!done) break;
    }
    if (done) ::_exit(5);
    const bool is_told =
        done.error().code == Code::resource_exhausted || done.error().code == Code::unavailable;
    const auto loaded = (*archive)->load(JobId{1});
    ::_exit(is_told && loaded && *loaded == small ? 0 : 6);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  auto archive = JobArchive::open(file);
  REQUIRE(archive);
  CHECK((*archive)->load(JobId{1}).value() == small);
  for (const JobImage& piece : version_of(1, 1)) REQUIRE((*archive)->put(piece));
  CHECK((*archive)->load(JobId{1}).value() == version_of(1, 1));
}

}  // namespace
}  // namespace framebus::broker
