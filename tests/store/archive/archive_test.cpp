// The archive: jobs come back as they went in, whole or not at all, and leave when they are old.
#include "broker/store/archive/archive.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "broker/store/archive/sqlite.h"
#include "tests/libmsg/blob/scratch_directory.h"
#include "tests/store/archive/sample_jobs.h"

namespace framebus::broker {
namespace {

using framebus::test::ScratchDirectory;
using namespace test;

std::unique_ptr<JobArchive> open_in(const ScratchDirectory& directory, ArchiveRows rows = {}) {
  auto archive = JobArchive::open(directory / "archive.db", rows);
  REQUIRE_MESSAGE(archive, (archive ? "" : archive.error().message));
  return std::move(*archive);
}

void put_all(JobArchive& archive, const std::vector<JobImage>& pieces) {
  for (const JobImage& piece : pieces) {
    const Status done = archive.put(piece);
    REQUIRE_MESSAGE(done, (done ? "" : done.error().message));
  }
}

std::vector<std::uint64_t> ids(const ArchivedPage& page) {
  std::vector<std::uint64_t> out;
  for (const JobSummary& job : page.jobs) out.push_back(job.id.value);
  return out;
}

TEST_CASE("archive: a job comes back exactly as its pieces went in, also from a file opened anew") {
  const ScratchDirectory directory;
  const auto pieces = random_job(JobId{7}, 1000, 11);
  REQUIRE(pieces.size() == 16);
  {
    const auto archive = open_in(directory);
    put_all(*archive, pieces);
    CHECK(archive->load(JobId{7}).value() == pieces);
  }
  CHECK(open_in(directory)->load(JobId{7}).value() == pieces);
}

TEST_CASE("archive: the file and its logs are private") {
  const ScratchDirectory directory;
  const auto archive = open_in(directory);
  put_all(*archive, random_job(JobId{1}, 3, 1));
  for (const char* name : {"archive.db", "archive.db-wal", "archive.db-shm"}) {
    struct stat found {};
    REQUIRE(::stat((directory / name).c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0600);
  }
}

TEST_CASE("archive: a job is not seen before its last piece, and the version before it stays") {
  const ScratchDirectory directory;
  const auto archive = open_in(directory);
  const auto first = random_job(JobId{7}, 300, 1);
  for (std::size_t i = 0; i + 1 < first.size(); ++i) {
    REQUIRE(archive->put(first[i]));
    CHECK(archive->load(JobId{7}).error().code == Code::not_found);
    CHECK(archive->list(0, 0, 0).value().total == 0);
  }
  REQUIRE(archive->put(first.back()));
  CHECK(archive->load(JobId{7}).value() == first);

  const auto second = random_job(JobId{7}, 200, 2);
  for (std::size_t i = 0; i + 1 < second.size(); ++i) {
    REQUIRE(archive->put(second[i]));
    CHECK(archive->load(JobId{7}).value() == first);
  }
  REQUIRE(archive->put(second.back()));
  CHECK(archive->load(JobId{7}).value() == second);
  CHECK(archive->list(0, 0, 0).value().total == 1);
}

TEST_CASE("archive: pieces that were never finished give way to the first piece of the next try") {
  const ScratchDirectory directory;
  const auto pieces = random_job(JobId{7}, 300, 1);
  {
    const auto archive = open_in(directory);
    REQUIRE(archive->put(pieces[0]));
    REQUIRE(archive->put(pieces[1]));
  }
  const auto archive = open_in(directory);
  put_all(*archive, pieces);
  CHECK(archive->load(JobId{7}).value() == pieces);
}

TEST_CASE("archive: a repeat of the piece before changes nothing, a gap is refused") {
  const ScratchDirectory directory;
  const auto archive = open_in(directory);
  const auto pieces = random_job(JobId{7}, 300, 1);
  CHECK(archive->put(pieces[1]).error().code == Code::failed_precondition);
  REQUIRE(archive->put(pieces[0]));
  CHECK(archive->put(pieces[2]).error().code == Code::failed_precondition);
  REQUIRE(archive->put(pieces[1]));
  CHECK(archive->put(pieces[1]));
  for (std::size_t i = 2; i < pieces.size(); ++i) REQUIRE(archive->put(pieces[i]));
  CHECK(archive->put(pieces.back()));  // its commit was not seen
  CHECK(archive->load(JobId{7}).value() == pieces);
  auto other = pieces.back();
  other.tasks.back().tries += 1;
  CHECK(archive->put(other).error().code == Code::failed_precondition);
  CHECK(archive->load(JobId{7}).value() == pieces);
}

TEST_CASE("archive: a version that shares pieces with the one before it is put whole") {
  const ScratchDirectory directory;
  const auto archive = open_in(directory);
  const auto first = random_job(JobId{7}, 300, 1);
  put_all(*archive, first);
  auto second = first;  // retried: one task of the first piece ended otherwise
  second[0].tasks[3].tries += 1;
  put_all(*archive, second);
  CHECK(archive->load(JobId{7}).value() == second);
  CHECK(archive->put(second.back()));  // its commit was not seen
  CHECK(archive->load(JobId{7}).value() == second);
}

TEST_CASE("archive: tells its highest job, also one that is not whole yet") {
  const ScratchDirectory directory;
  const auto archive = open_in(directory);
  CHECK(archive->highest().value().job == JobId{});
  put_all(*archive, random_job(JobId{7}, 10, 1));
  put_all(*archive, random_job(JobId{3}, 10, 1));
  CHECK(archive->highest().value().job == JobId{7});
  REQUIRE(archive->put(random_job(JobId{9}, 300, 1)[0]));
  CHECK(archive->highest().value().job == JobId{9});
}

TEST_CASE("archive: knows the last record of all that ever came, also when their jobs are gone") {
  const ScratchDirectory directory;
  {
    const auto archive = open_in(directory);
    CHECK(archive->highest().value().record == 0);
    for (const std::uint64_t last : {500, 900, 700}) {
      auto job = random_job(JobId{last}, 10, 1);
      for (JobImage& piece : job) piece.last_lsn = last;
      put_all(*archive, job);
    }
    CHECK(archive->highest().value().record == 900);
    CHECK(archive->remove_old(INT64_MAX, 0, 100, {}).value().size() == 3);
    while (archive->clean().value()) {
    }
  }
  CHECK(open_in(directory)->highest().value().record == 900);
}

TEST_CASE("archive: a last record that no journal can have reached is data_loss") {
  const ScratchDirectory directory;
  const auto archive = open_in(directory);
  for (const char* value : {"-1", "9223372036854775807"}) {
    const std::string set = std::string("UPDATE numbers SET value = ") + value;
    REQUIRE(sqlite::Database::open(directory / "archive.db", 0)->execute(set.c_str()));
    const auto refused = archive->highest();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::data_loss);
    const std::string& message = refused.error().message;
    CHECK(message.find((directory / "archive.db").string()) != std::string::npos);
    CHECK(message.find(".recover") != std::string::npos);  // what to do
  }
}

TEST_CASE("archive: a last piece that leaves tasks out is refused and nothing is seen of the job") {
  const ScratchDirectory directory;
  const auto archive = open_in(directory);
  auto pieces = random_job(JobId{7}, 100, 1, 100);
  pieces[0].tasks.pop_back();
  const Status done = archive->put(pieces[0]);
  CHECK(done.error().code == Code::failed_precondition);
  CHECK(done.error().message.find("task 99 of 100") != std::string::npos);
  CHECK(archive->load(JobId{7}).error().code == Code::not_found);
}

TEST_CASE("archive: tasks that look alike are one entry and count as many") {
  const ScratchDirectory directory;
  const auto archive = open_in(directory);
  TaskImage untouched;
  untouched.index = 1;
  untouched.count = 999'999;
  untouched.state = TaskState::abandoned;
  const auto pieces = cut(JobId{3}, {failed_task(0, 1), untouched});
  put_all(*archive, pieces);
  CHECK(archive->load(JobId{3}).value() == pieces);
}

TEST_CASE("archive: a list is newest first, in pages, with what the job was") {
  const ScratchDirectory directory;
  const auto archive = open_in(directory);
  for (const std::uint64_t job : {5, 2, 9, 1, 7})
    put_all(*archive, random_job(JobId{job}, 20, job));
  const std::int64_t now_ms = first_day_ms + 1'000'000;
  auto page = archive->list(0, 2, now_ms).value();
  CHECK(ids(page) == std::vector<std::uint64_t>{9, 7});
  CHECK(page.total == 5);
  CHECK(page.next_offset == 2);
  page = archive->list(2, 2, now_ms).value();
  CHECK(ids(page) == std::vector<std::uint64_t>{5, 2});
  page = archive->list(4, 2, now_ms).value();
  CHECK(ids(page) == std::vector<std::uint64_t>{1});
  CHECK(page.next_offset == 0);
  CHECK(archive->list(5, 2, now_ms).value().jobs.empty());

  const JobImage head = random_job(JobId{9}, 20, 9)[0];
  const JobSummary job = archive->list(0, 1, now_ms).value().jobs[0];
  CHECK(job.name == "gallery 9");
  CHECK(job.owner == "ada");
  CHECK(job.state == head.state);
  CHECK(job.priority == 70);
  CHECK(job.task_count == 20);
  CHECK(job.counts == head.counts);
  CHECK(job.steps ==
        std::vector<StepSummary>{{"render", "render", 0, 19}, {"merge", "shell", 19, 1}});
  CHECK(job.age_ms == 1'000'500);
  CHECK(job.run_ms == 60'009);
  CHECK(job.first_error == head.first_error);
}

TEST_CASE("archive: a page of jobs never grows beyond a message") {
  const ScratchDirectory directory;
  const auto archive = open_in(directory);
  for (std::uint64_t job = 1; job <= 30; ++job) {
    auto pieces = random_job(JobId{job}, 2, job);
    pieces[0].first_error = {15, std::string(250'000, 'x'), 0};
    put_all(*archive, pieces);
  }
  std::uint32_t seen = 0;
  for (std::uint32_t offset = 0;;) {
    const auto page = archive->list(offset, 0, 0).value();
    CHECK(page.jobs.size() <= 16);
    seen += static_cast<std::uint32_t>(page.jobs.size());
    if (page.next_offset == 0) break;
    offset = page.next_offset;
  }
  CHECK(seen == 30);
}

TEST_CASE(
    "archive: blobs are named by inputs and results of any version, until its rows are gone") {
  const ScratchDirectory directory;
  const auto archive = open_in(directory, {0, 0});  // no row of a task at all
  put_all(*archive, cut(JobId{1}, {task_with_results(0, 1), task_with_results(1, 2)}));
  const std::vector<BlobHash> asked = {sample_hash(1), sample_hash(42), sample_hash(500'000),
                                       sample_hash(7'000'001), sample_hash(7'000'002)};
  const std::vector<BlobHash> nobody = {asked[1], asked[4]};
  CHECK(archive->unnamed(asked).value() == nobody);
  // A job that is coming counts from its first piece on.
  REQUIRE(archive->put(cut(JobId{2}, {task_with_results(42, 1), plain_task(43, 2)}, 1)[0])
              .error()
              .code == Code::failed_precondition);
  REQUIRE(archive->put(cut(JobId{2}, {plain_task(0, 1), plain_task(1, 2)}, 1)[0]));
  CHECK(archive->unnamed(asked).value() == std::vector<BlobHash>{asked[1]});
  REQUIRE(archive->remove_old(INT64_MAX, 0, 10, {}).value().size() == 1);
  CHECK(archive->unnamed(asked).value() == std::vector<BlobHash>{asked[1]});
  while (archive->clean().value()) {
  }
  CHECK(archive->unnamed(asked).value() ==
        std::vector<BlobHash>{asked[0], asked[1], asked[2], asked[3]});
}

TEST_CASE("archive: what ended long ago leaves at once, and its space a little at a time") {
  const ScratchDirectory directory;
  const auto archive = open_in(directory);
  for (std::uint64_t job = 1; job <= 6; ++job) put_all(*archive, random_job(JobId{job}, 500, job));
  const std::uint64_t full = archive->stats().value().bytes;
  const std::int64_t limit = first_day_ms + 60'000 + 4;  // jobs 1 to 3 ended before
  const std::vector<JobId> used = {JobId{2}};
  CHECK(archive->remove_old(limit, 0, 1, used).value() == std::vector<JobId>{JobId{1}});
  CHECK(archive->remove_old(limit, 0, 9, used).value() == std::vector<JobId>{JobId{3}});
  CHECK(archive->remove_old(limit, 0, 9, used).value().empty());
  CHECK(archive->load(JobId{1}).error().code == Code::not_found);
  CHECK(archive->load(JobId{2}));
  CHECK(archive->list(0, 0, 0).value().total == 4);
  int steps = 0;
  while (archive->clean().value()) ++steps;
  CHECK(steps > 2);
  CHECK(archive->stats().value().bytes < full * 5 / 6);
  CHECK(archive->stats().value().jobs == 4);
}

TEST_CASE("archive: a bound on its size removes the oldest jobs, no more than it takes") {
  const ScratchDirectory directory;
  const auto archive = open_in(directory);
  for (std::uint64_t job = 1; job <= 8; ++job) put_all(*archive, random_job(JobId{job}, 2000, job));
  const std::uint64_t full = archive->stats().value().bytes;
  CHECK(archive->remove_old(0, full + 1, 100, {}).value().empty());
  const auto removed = archive->remove_old(0, full * 3 / 4, 100, {}).value();
  CHECK(removed.size() >= 1);
  CHECK(removed.size() <= 4);
  CHECK(removed[0] == JobId{1});
  // What is being deleted is not asked for again.
  CHECK(archive->remove_old(0, full * 3 / 4, 100, {}).value().size() <= 1);
}

TEST_CASE("archive: other schema versions and foreign databases are refused in a sentence") {
  const ScratchDirectory directory;
  const auto file = directory / "archive.db";
  SUBCASE("newer") {
    open_in(directory);
    REQUIRE(sqlite::Database::open(file, 0)->execute("PRAGMA user_version = 99"));
    const auto opened = JobArchive::open(file);
    CHECK(opened.error().code == Code::failed_precondition);
    CHECK(opened.error().message.find("schema version 99") != std::string::npos);
  }
  SUBCASE("foreign") {
    REQUIRE(sqlite::Database::open(file, 0)->execute("CREATE TABLE t(x)"));
    const auto opened = JobArchive::open(file);
    CHECK(opened.error().code == Code::failed_precondition);
    CHECK(opened.error().message.find("no archive of framebus") != std::string::npos);
  }
  SUBCASE("no database") {
    std::ofstream(file) << std::string(20'000, 'x');
    CHECK(JobArchive::open(file).error().code == Code::data_loss);
  }
  SUBCASE("no directory") {
    CHECK(JobArchive::open(directory / "none" / "archive.db").error().code == Code::not_found);
  }
}

TEST_CASE("archive: a damaged piece is data_loss, never a job that looks whole") {
  const ScratchDirectory directory;
  const auto archive = open_in(directory);
  put_all(*archive, random_job(JobId{7}, 300, 1));
  auto database = sqlite::Database::open(directory / "archive.db", 0).value();
  SUBCASE("bytes") {
    REQUIRE(database.execute(
        "UPDATE pieces SET image = substr(image, 1, length(image) - 9) || zeroblob(9) "
        "WHERE first_task = 64"));
  }
  SUBCASE("the last piece is gone") {
    REQUIRE(database.execute("DELETE FROM pieces WHERE first_task = 256"));
  }
  SUBCASE("a piece of another job") {
    put_all(*archive, random_job(JobId{8}, 300, 2));
    REQUIRE(database.execute(
        "UPDATE pieces SET image = (SELECT image FROM pieces WHERE version = 2 AND first_task = 64)"
        " WHERE version = 1 AND first_task = 64"));
  }
  SUBCASE("a piece in the middle is gone") {
    REQUIRE(database.execute("DELETE FROM pieces WHERE first_task = 64"));
  }
  const auto loaded = archive->load(JobId{7});
  REQUIRE_FALSE(loaded);
  CHECK(loaded.error().code == Code::data_loss);
}

TEST_CASE("archive: a lock held by another process is unavailable, and nothing is lost by it") {
  const ScratchDirectory directory;
  const auto archive = open_in(directory);
  const auto pieces = random_job(JobId{7}, 30, 1);
  put_all(*archive, pieces);
  auto other = sqlite::Database::open(directory / "archive.db", 0).value();
  auto mine = sqlite::Database::open(directory / "archive.db", 0).value();
  REQUIRE(other.execute("BEGIN IMMEDIATE"));
  CHECK(mine.execute("BEGIN IMMEDIATE").error().code == Code::unavailable);
  CHECK(archive->load(JobId{7}).value() == pieces);  // readers do not wait
  REQUIRE(other.execute("COMMIT"));
  put_all(*archive, random_job(JobId{8}, 30, 2));
}

TEST_CASE("archive: a full disk is resource_exhausted, and the transaction is taken back") {
  const ScratchDirectory directory;
  auto database = sqlite::Database::open(directory / "full.db", 0).value();
  REQUIRE(database.execute("CREATE TABLE t(x); PRAGMA max_page_count = 10"));
  {
    auto transaction = sqlite::Transaction::begin(database).value();
    CHECK(database.execute("INSERT INTO t VALUES(zeroblob(1000))"));
    const Status full = database.execute("INSERT INTO t VALUES(zeroblob(1000000))");
    CHECK(full.error().code == Code::resource_exhausted);
    CHECK(full.error().retry_after_ms > 0);
  }
  CHECK(database.number("SELECT count(*) FROM t").value() == 0);
}

TEST_CASE("archive: what is too large for SQLite is no lack of space") {
  const ScratchDirectory directory;
  auto database = sqlite::Database::open(directory / "any.db", 0).value();
  const auto too_large = database.number("SELECT length(zeroblob(2000000000))");
  REQUIRE_FALSE(too_large);
  CHECK(too_large.error().code == Code::internal);
}

TEST_CASE("archive: without a free descriptor it is unavailable and worth another try") {
  const ScratchDirectory directory;
  const auto file = directory / "archive.db";
  JobArchive::open(file).value();
  rlimit usual{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &usual) == 0);
  const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(next);
  // Not even one for a look at the file; then none for the log of SQLite, and for its index.
  for (rlim_t more = 0; more < 3; ++more) {
    const rlimit scarce{static_cast<rlim_t>(next) + more, usual.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &scarce) == 0);
    const auto archive = JobArchive::open(file);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &usual) == 0);
    REQUIRE_FALSE(archive);
    CHECK(archive.error().code == Code::unavailable);
    CHECK(archive.error().retry_after_ms > 0);
    CHECK(archive.error().message.find(file.string()) != std::string::npos);
    CHECK(archive.error().message.find("transaction") == std::string::npos);  // nobody holds it
  }
  CHECK(JobArchive::open(file));
}

TEST_CASE("archive export: one job goes into a file of its own with a row for every task") {
  const ScratchDirectory directory;
  const auto archive = open_in(directory, {10, 5});
  const auto pieces = random_job(JobId{7}, 300, 1);
  put_all(*archive, pieces);
  put_all(*archive, random_job(JobId{8}, 300, 2));
  const auto rows = [&](const char* name) {
    auto database = sqlite::Database::open(directory / name, 0).value();
    return database.number("SELECT count(*) FROM tasks WHERE job = 7").value();
  };
  CHECK(rows("archive.db") == 5);
  REQUIRE(export_job(*archive, JobId{7}, directory / "job7.db"));
  CHECK(rows("job7.db") == 300);
  CHECK(JobArchive::open(directory / "job7.db").value()->load(JobId{7}).value() == pieces);
  CHECK(export_job(*archive, JobId{7}, directory / "job7.db").error().code == Code::already_exists);
  CHECK(export_job(*archive, JobId{9}, directory / "job9.db").error().code == Code::not_found);
}

}  // namespace
}  // namespace framebus::broker
