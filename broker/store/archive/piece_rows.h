// What a piece of a job becomes beside its compressed whole: rows for people and for the collection
// of blobs.
//
// Every blob and every worker is always told; tasks, attempts, errors and inline results only while
// there is room (ArchiveRows). Thread rule: that of the archive.
#pragma once

#include <vector>

#include "broker/store/archive/archive.h"
#include "broker/store/archive/sqlite.h"

namespace framebus::broker {

// A succeeded task with one good attempt and nothing else to tell: what a large job has most of.
bool is_plain(const TaskImage& task);

class PieceRows {
 public:
  static Result<PieceRows> prepare(sqlite::Database& database, std::int64_t version,
                                   std::vector<std::uint32_t> first_tasks_of_steps);
  // The steps and inputs; of the first piece.
  static Status add_steps(sqlite::Database& database, std::int64_t version, const JobSpec& spec);

  // `with_rows`: also what is not blobs and workers.
  Status add(const TaskImage& task, bool with_rows);
  // After the last task: sums by worker.
  Status finish();

 private:
  PieceRows(std::int64_t version, std::vector<std::uint32_t> first_tasks, sqlite::Statement task,
            sqlite::Statement attempt, sqlite::Statement error, sqlite::Statement result,
            sqlite::Statement worker);
  Status add_task(const TaskImage& task);
  Status add_attempts(const TaskImage& task);
  Status add_results(const TaskImage& task, bool with_inline);

  struct Work {
    std::string worker;
    AttemptEnd end = AttemptEnd::still_open;
    std::int64_t attempts = 0;
    std::int64_t run_ms = 0;
    std::int64_t run_ms_max = 0;
  };
  Work& work_of(const AttemptImage& attempt);

  std::int64_t version_;
  std::vector<std::uint32_t> first_tasks_;
  std::vector<Work> work_;  // sorted by worker and end
  sqlite::Statement task_;
  sqlite::Statement attempt_;
  sqlite::Statement error_;
  sqlite::Statement result_;
  sqlite::Statement worker_;
};

}  // namespace framebus::broker
