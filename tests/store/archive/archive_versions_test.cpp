// Archives of version 1: what they lack is added, also to a damaged one; who only reads adds
// nothing.
#include <doctest/doctest.h>

#include <fstream>

#include "broker/store/archive/archive.h"
#include "broker/store/archive/sqlite.h"
#include "tests/libmsg/blob/scratch_directory.h"
#include "tests/store/archive/sample_jobs.h"
#include "tests/store/archive/schema_1.h"

namespace framebus::broker {
namespace {

using framebus::test::ScratchDirectory;
using namespace test;

constexpr std::size_t page_bytes = 8192;

// A file as a program of version 1 left it: its tables, with the rows of these jobs.
std::filesystem::path make_version_1(const ScratchDirectory& directory,
                                     const std::vector<std::vector<JobImage>>& jobs) {
  {
    const auto present = JobArchive::open(directory / "present.db").value();
    for (const auto& job : jobs)
      for (const JobImage& piece : job) REQUIRE(present->put(piece));
  }
  const auto file = directory / "archive.db";
  auto database = sqlite::Database::open(file, 0).value();
  REQUIRE(database.execute(
      "PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL"));
  REQUIRE(database.execute(archive_schema_1));
  std::string copy = "PRAGMA user_version = 1; ATTACH '" + (directory / "present.db").string() +
                     "' AS present; BEGIN IMMEDIATE;";
  for (const std::string table : {"versions", "pieces", "step_rows", "input_rows", "task_rows",
                                  "attempt_rows", "error_rows", "result_rows", "worker_rows"})
    copy += "INSERT INTO main." + table + " SELECT * FROM present." + table + ";";
  REQUIRE(database.execute((copy + "COMMIT").c_str()));
  return file;
}

std::vector<JobImage> job_until(std::uint64_t id, std::uint32_t tasks, std::uint64_t last) {
  auto job = random_job(JobId{id}, tasks, id);
  for (JobImage& piece : job) piece.last_lsn = last;
  return job;
}

std::int64_t version_of(const std::filesystem::path& file) {
  return sqlite::Database::open(file, 0)->number("PRAGMA user_version").value();
}

std::string bytes_of_file(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// The number at this place of the file, as SQLite writes them.
std::size_t number_at(const std::string& bytes, std::size_t at, std::size_t length) {
  std::size_t out = 0;
  for (std::size_t i = 0; i < length; ++i)
    out = out << 8 | static_cast<unsigned char>(bytes.at(at + i));
  return out;
}

// Where the first leaf of the table `pieces` lies.
std::size_t first_leaf_of_pieces(const std::filesystem::path& file) {
  const auto root = sqlite::Database::open(file, 0)
                        ->number("SELECT rootpage FROM sqlite_schema WHERE name = 'pieces'")
                        .value();
  const std::string bytes = bytes_of_file(file);
  std::size_t page = (static_cast<std::size_t>(root) - 1) * page_bytes;
  while (bytes.at(page) == 5) {  // an inner page of a table; its cells begin with their child
    const std::size_t first_cell = number_at(bytes, page + 12, 2);
    page = (number_at(bytes, page + first_cell, 4) - 1) * page_bytes;
  }
  REQUIRE(bytes.at(page) == 13);
  REQUIRE(page != (static_cast<std::size_t>(root) - 1) * page_bytes);
  return page;
}

void damage(const std::filesystem::path& file, std::size_t at) {
  std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
  out.seekp(static_cast<std::streamoff>(at));
  out.write("\xff\xff\xff\xff\xff\xff\xff\xff", 8);
  REQUIRE(out.good());
}

TEST_CASE("archive: a file of version 1 gets what it lacks, its jobs stay as they are") {
  const ScratchDirectory directory;
  const auto job = job_until(7, 3'000, 4'321);
  const auto file = make_version_1(directory, {job, job_until(8, 10, 1'234)});
  for (int opening = 0; opening < 2; ++opening) {
    const auto archive = JobArchive::open(file).value();
    CHECK(archive->highest().value().record == 4'321);
    CHECK(archive->load(JobId{7}).value() == job);
    CHECK(archive->list(0, 0, 0).value().total == 2);
  }
  CHECK(version_of(file) == archive_schema_version);
}

TEST_CASE(
    "archive: pieces that can not be read do not keep a file of version 1 from being opened") {
  const ScratchDirectory directory;
  std::vector<std::vector<JobImage>> jobs;
  for (std::uint64_t id = 1; id <= 40; ++id) jobs.push_back(job_until(id, 60, 100 + id));
  const auto file = make_version_1(directory, jobs);
  damage(file, first_leaf_of_pieces(file));
  const auto opened = JobArchive::open(file);
  REQUIRE_MESSAGE(opened, (opened ? "" : opened.error().message));
  CHECK((*opened)->highest().value().record == 140);
  CHECK((*opened)->load(JobId{1}).error().code == Code::data_loss);
  CHECK((*opened)->load(JobId{40}).value() == jobs.back());
}

TEST_CASE("archive: whoever only reads a file of version 1 leaves it as it is") {
  const ScratchDirectory directory;
  const auto job = job_until(7, 300, 4'321);
  const auto file = make_version_1(directory, {job});
  const std::string before = bytes_of_file(file);
  {
    const auto archive = JobArchive::open_to_read(file).value();
    CHECK(archive->load(JobId{7}).value() == job);
    REQUIRE(export_job(*archive, JobId{7}, directory / "job7.db"));
    CHECK_FALSE(archive->put(job[0]));
  }
  CHECK(bytes_of_file(file) == before);
  CHECK(version_of(file) == 1);
  CHECK(JobArchive::open(directory / "job7.db").value()->load(JobId{7}).value() == job);
}

TEST_CASE("archive: whoever only reads sees what a running broker has put, and makes no file") {
  const ScratchDirectory directory;
  const auto file = directory / "archive.db";
  CHECK(JobArchive::open_to_read(file).error().code == Code::not_found);
  CHECK_FALSE(std::filesystem::exists(file));
  const auto archive = JobArchive::open(file).value();
  const auto job = job_until(7, 30, 1);
  for (const JobImage& piece : job) REQUIRE(archive->put(piece));
  CHECK(JobArchive::open_to_read(file).value()->load(JobId{7}).value() == job);
}

}  // namespace
}  // namespace framebus::broker
