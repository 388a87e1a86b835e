// What people see with the `sqlite3` shell: the views, and every example of docs/OPERATING.md.
#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "broker/store/archive/archive.h"
#include "broker/store/archive/sqlite.h"
#include "tests/libmsg/blob/scratch_directory.h"
#include "tests/store/archive/sample_jobs.h"

namespace framebus::broker {
namespace {

using framebus::test::ScratchDirectory;
using namespace test;

// "a|b\nc|d\n", as the shell prints it.
std::string query(const std::filesystem::path& file, const std::string& sql, int columns) {
  auto database = sqlite::Database::open(file, 0).value();
  auto statement = database.prepare(sql);
  REQUIRE_MESSAGE(statement, sql << ": " << (statement ? "" : statement.error().message));
  std::string out;
  for (;;) {
    const auto row = statement->step();
    REQUIRE_MESSAGE(row, sql << ": " << (row ? "" : row.error().message));
    if (!*row) return out;
    for (int i = 0; i < columns; ++i) out += (i ? "|" : "") + statement->text_at(i);
    out += "\n";
  }
}

struct Archive3 {
  ScratchDirectory directory;
  std::filesystem::path file = directory / "archive.db";
  std::unique_ptr<JobArchive> archive;
  explicit Archive3(ArchiveRows rows = {}) {
    archive = JobArchive::open(file, rows).value();
    put(cut(JobId{1}, {plain_task(0, 8), failed_task(1, 2), task_with_results(2, 3)}));
  }
  void put(const std::vector<JobImage>& pieces) {
    for (const JobImage& piece : pieces) REQUIRE(archive->put(piece));
  }
};

TEST_CASE("archive views: a job with its states, times and first error") {
  const Archive3 at;
  CHECK(
      query(at.file,
            "SELECT id, name, owner, state, priority, task_count, succeeded, failed, accepted_at, "
            "started_at, ended_at, run_ms, first_error_code, first_error, tasks_without_rows "
            "FROM jobs",
            15) ==
      "1|gallery 1|ada|failed|70|3|2|1|2023-11-14T22:13:19.500Z|2023-11-14T22:13:20.000Z|"
      "2023-11-14T22:14:20.001Z|60001|task_failed|exit status 3|0\n");
}

TEST_CASE("archive views: a job that never started has neither a start nor a run time") {
  Archive3 at;
  TaskImage never;
  never.count = 5;
  never.state = TaskState::cancelled;
  auto pieces = cut(JobId{2}, {never});
  pieces[0].first_grant_at_ms = 0;
  at.put(pieces);
  CHECK(query(at.file, "SELECT started_at, run_ms, first_error, cancelled FROM jobs WHERE id = 2",
              4) == "|||5\n");
  CHECK(query(at.file, "SELECT task, tasks, state FROM tasks WHERE job = 2", 3) ==
        "0|5|cancelled\n");
}

TEST_CASE("archive views: tasks, attempts, errors and steps") {
  const Archive3 at;
  CHECK(query(at.file, "SELECT task, tasks, step, state, tries, crashes, losses, grants FROM tasks",
              8) == "0|1|0|succeeded|0|0|0|1\n1|1|0|failed|2|1|1|3\n2|1|1|succeeded|0|0|0|1\n");
  CHECK(query(at.file,
              "SELECT task, \"grant\", worker, outcome, started, granted_at, run_ms, error_code, "
              "error FROM attempts ORDER BY task, \"grant\"",
              9) ==
        "0|8|node0:4711|ok|1|2023-11-14T22:13:20.056Z|396||\n"
        "1|2|node2:4711|error|1|2023-11-14T22:13:20.014Z|174|task_failed|exit status 3\n"
        "1|1000002|node2:4711|crashed|1|2023-11-14T22:13:20.014Z|174|task_failed|exit status 3\n"
        "2|3|node3:4711|ok|1|2023-11-14T22:13:20.021Z|211||\n");
  CHECK(query(at.file, "SELECT task, error_code, error, log_tail FROM errors", 4) ==
        "1|task_failed|exit status 3|line 1\nline 2\n\n1|device_lost|the GPU was lost|\n");
  CHECK(query(at.file, "SELECT step, name, type, first_task, task_count FROM steps", 5) ==
        "0|render|render|0|2\n1|merge|shell|2|1\n");
  CHECK(query(at.file, "SELECT worker, outcome, attempts, run_ms, run_ms_max FROM workers", 5) ==
        "node0:4711|ok|1|396|396\nnode2:4711|crashed|1|174|174\nnode2:4711|error|1|174|174\n"
        "node3:4711|ok|1|211|211\n");
}

TEST_CASE("archive views: results by hash, inline ones with the hash of their bytes") {
  const Archive3 at;
  CHECK(query(at.file, "SELECT task, kind, hash, size, name FROM results", 5) ==
        "2|inline|" +
            std::string("267c02966e89749a92f470217aedb8358db4cfef3796dde01ff00ab53ef645da") +
            "|4|\n2|blob|" + to_string(sample_hash(2)) + "|1002|frame.exr\n2|blob|" +
            to_string(sample_hash(500'002)) + "|5|log.txt\n");
  CHECK(query(at.file, "SELECT job, hash, role FROM blobs ORDER BY role, name", 3) ==
        "1|" + to_string(sample_hash(7'000'001)) + "|input\n1|" + to_string(sample_hash(2)) +
            "|result\n1|" + to_string(sample_hash(500'002)) + "|result\n");
}

TEST_CASE("archive views: only whole versions are seen, one for each job") {
  Archive3 at;
  const auto again = cut(JobId{1}, {plain_task(0, 8), plain_task(1, 9), plain_task(2, 10)}, 2);
  REQUIRE(at.archive->put(again[0]));
  CHECK(query(at.file, "SELECT count(*), sum(failed) FROM jobs", 2) == "1|1\n");
  CHECK(query(at.file, "SELECT count(*) FROM attempts", 1) == "4\n");
  REQUIRE(at.archive->put(again[1]));
  CHECK(query(at.file, "SELECT count(*), sum(failed) FROM jobs", 2) == "1|0\n");
  CHECK(query(at.file, "SELECT count(*) FROM attempts", 1) == "3\n");
  CHECK(query(at.file, "SELECT count(*) FROM results", 1) == "0\n");
}

TEST_CASE("archive rows: of a large job those worth a look, at most so many, and blobs always") {
  Archive3 at({10, 4});
  std::vector<TaskImage> tasks;
  for (std::uint32_t i = 0; i < 20; ++i) {
    tasks.push_back(i % 2 ? plain_task(i, i + 1) : failed_task(i, i + 1));
  }
  tasks.push_back(task_with_results(20, 50));
  at.put(cut(JobId{2}, tasks, 8));
  CHECK(query(at.file, "SELECT group_concat(task) FROM tasks WHERE job = 2", 1) == "0,2,4,6\n");
  CHECK(query(at.file, "SELECT tasks_without_rows FROM jobs WHERE id = 2", 1) == "17\n");
  CHECK(query(at.file, "SELECT kind, task FROM results WHERE job = 2", 2) == "blob|20\nblob|20\n");
  CHECK(query(at.file, "SELECT sum(attempts) FROM workers WHERE job = 2", 1) == "31\n");
}

TEST_CASE("archive documentation: every query of docs/OPERATING.md answers") {
  const Archive3 at;
  std::ifstream in(FRAMEBUS_SOURCE_DIR "/docs/OPERATING.md");
  std::string line, sql;
  int answered = 0;
  bool is_here = false, is_sql = false;
  while (std::getline(in, line)) {
    if (line.starts_with("## ")) is_here = line == "## The archive";
    if (!is_here) continue;
    if (line.starts_with("```")) {
      if (is_sql) {
        CAPTURE(sql);
        std::istringstream statements(sql);
        for (std::string each; std::getline(statements, each, ';');) {
          if (each.find_first_not_of(" \n") == std::string::npos) continue;
          CHECK(query(at.file, each, 1) != "");
          ++answered;
        }
      }
      is_sql = line == "```sql";
      sql.clear();
    } else if (is_sql) {
      sql += line + "\n";
    }
  }
  CHECK(answered >= 6);
}

}  // namespace
}  // namespace framebus::broker
