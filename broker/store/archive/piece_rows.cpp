// See piece_rows.h.
#include "broker/store/archive/piece_rows.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "libmsg/blob/blob_hash.h"
#include "libmsg/schema/enum_names.h"

namespace framebus::broker {
namespace {

void add_error(sqlite::Statement& statement, const WireError& error) {
  if (error.code == 0) {
    statement.null().null();
  } else {
    statement.text(error_info(static_cast<Code>(error.code)).name).text(error.message);
  }
}

BlobHash hash_of(BytesView bytes) {
  BlobHasher hasher;
  hasher.update(bytes);
  return hasher.finish();
}

}  // namespace

bool is_plain(const TaskImage& task) {
  return task.state == TaskState::succeeded && task.attempts.size() == 1 &&
         task.attempts[0].end == AttemptEnd::ok && task.errors.empty() && task.tries == 0 &&
         task.crashes == 0 && task.losses == 0;
}

Result<PieceRows> PieceRows::prepare(sqlite::Database& database, std::int64_t version,
                                     std::vector<std::uint32_t> first_tasks_of_steps) {
  FRAMEBUS_ASSIGN(auto task,
                  database.prepare("INSERT INTO task_rows VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  // A token can not come twice; what a damaged image says twice is told once.
  FRAMEBUS_ASSIGN(auto attempt,
                  database.prepare("INSERT OR IGNORE INTO attempt_rows VALUES(?, ?, ?, ?, ?, ?, ?, "
                                   "?, ?, ?, ?, ?)"));
  FRAMEBUS_ASSIGN(auto error, database.prepare("INSERT INTO error_rows VALUES(?, ?, ?, ?, ?, ?)"));
  FRAMEBUS_ASSIGN(auto result,
                  database.prepare("INSERT INTO result_rows VALUES(?, ?, ?, ?, ?, ?, ?)"));
  FRAMEBUS_ASSIGN(auto worker,
                  database.prepare(
                      "INSERT INTO worker_rows VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET "
                      "attempts = attempts + excluded.attempts, run_ms = run_ms + excluded.run_ms, "
                      "run_ms_max = max(run_ms_max, excluded.run_ms_max)"));
  return PieceRows(version, std::move(first_tasks_of_steps), std::move(task), std::move(attempt),
                   std::move(error), std::move(result), std::move(worker));
}

PieceRows::PieceRows(std::int64_t version, std::vector<std::uint32_t> first_tasks,
                     sqlite::Statement task, sqlite::Statement attempt, sqlite::Statement error,
                     sqlite::Statement result, sqlite::Statement worker)
    : version_(version),
      first_tasks_(std::move(first_tasks)),
      task_(std::move(task)),
      attempt_(std::move(attempt)),
      error_(std::move(error)),
      result_(std::move(result)),
      worker_(std::move(worker)) {}

Status PieceRows::add_steps(sqlite::Database& database, std::int64_t version, const JobSpec& spec) {
  FRAMEBUS_ASSIGN(auto step_row,
                  database.prepare("INSERT INTO step_rows VALUES(?, ?, ?, ?, ?, ?)"));
  FRAMEBUS_ASSIGN(auto input_row,
                  database.prepare("INSERT INTO input_rows VALUES(?, ?, ?, ?, ?, ?)"));
  std::int64_t first_task = 0;
  for (std::size_t index = 0; index < spec.steps.size(); ++index) {
    const StepSpec& step = spec.steps[index];
    const auto number = static_cast<std::int64_t>(index);
    step_row.integer(version).integer(number).text(step.name).text(step.type);
    FRAMEBUS_TRY(step_row.integer(first_task).integer(step.task_count).run());
    first_task += step.task_count;
    for (std::size_t position = 0; position < step.inputs.size(); ++position) {
      const BlobRef& input = step.inputs[position];
      input_row.integer(version).integer(number).integer(static_cast<std::int64_t>(position));
      FRAMEBUS_TRY(input_row.blob(input.hash.bytes).id(input.size).text(input.name).run());
    }
  }
  return {};
}

Status PieceRows::add(const TaskImage& task, bool with_rows) {
  for (const AttemptImage& attempt : task.attempts) {
    Work& work = work_of(attempt);
    ++work.attempts;
    work.run_ms += attempt.run_ms;
    work.run_ms_max = std::max(work.run_ms_max, attempt.run_ms);
  }
  if (with_rows) {
    FRAMEBUS_TRY(add_task(task));
    FRAMEBUS_TRY(add_attempts(task));
  }
  return add_results(task, with_rows);
}

Status PieceRows::add_task(const TaskImage& task) {
  const auto after = std::upper_bound(first_tasks_.begin(), first_tasks_.end(), task.index);
  const auto step = static_cast<std::int64_t>(after - first_tasks_.begin()) - 1;
  task_.integer(version_).integer(task.index).integer(std::max(task.count, 1u)).integer(step);
  task_.text(schema::enum_name(task.state)).integer(task.tries).integer(task.crashes);
  return task_.integer(task.losses).integer(task.grants).run();
}

Status PieceRows::add_attempts(const TaskImage& task) {
  for (const AttemptImage& attempt : task.attempts) {
    const std::string id = to_string(attempt.worker);
    attempt_.integer(version_).integer(task.index).id(attempt.epoch).id(attempt.grant);
    attempt_.text(attempt.worker_name).text(id).text(schema::enum_name(attempt.end));
    attempt_.integer(attempt.started ? 1 : 0).integer(attempt.granted_at_ms);
    attempt_.integer(attempt.run_ms);
    add_error(attempt_, attempt.error);
    FRAMEBUS_TRY(attempt_.run());
  }
  for (std::size_t position = 0; position < task.errors.size(); ++position) {
    const ErrorSummary& error = task.errors[position];
    error_.integer(version_).integer(task.index).integer(static_cast<std::int64_t>(position));
    add_error(error_, error.error);
    FRAMEBUS_TRY(error_.text(error.log_tail).run());
  }
  return {};
}

Status PieceRows::add_results(const TaskImage& task, bool with_inline) {
  if (with_inline && !task.result.empty()) {
    const BlobHash hash = hash_of(task.result);
    result_.integer(version_).integer(task.index).integer(0).text("inline").blob(hash.bytes);
    FRAMEBUS_TRY(result_.id(task.result.size()).text("").run());
  }
  for (std::size_t i = 0; i < task.blobs.size(); ++i) {
    const BlobRef& blob = task.blobs[i];
    result_.integer(version_).integer(task.index).integer(static_cast<std::int64_t>(i) + 1);
    result_.text("blob").blob(blob.hash.bytes).id(blob.size).text(blob.name);
    FRAMEBUS_TRY(result_.run());
  }
  return {};
}

PieceRows::Work& PieceRows::work_of(const AttemptImage& attempt) {
  const auto before = [](const Work& work, const AttemptImage& other) {
    return std::tie(work.worker, work.end) < std::tie(other.worker_name, other.end);
  };
  auto place = std::lower_bound(work_.begin(), work_.end(), attempt, before);
  if (place == work_.end() || place->worker != attempt.worker_name || place->end != attempt.end) {
    place = work_.insert(place, Work{attempt.worker_name, attempt.end, 0, 0, 0});
  }
  return *place;
}

Status PieceRows::finish() {
  for (const Work& work : work_) {
    worker_.integer(version_).text(work.worker).text(schema::enum_name(work.end));
    FRAMEBUS_TRY(
        worker_.integer(work.attempts).integer(work.run_ms).integer(work.run_ms_max).run());
  }
  return {};
}

}  // namespace framebus::broker
