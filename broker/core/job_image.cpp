#include "broker/core/job_image.h"

#include <algorithm>

#include "broker/core/apply.h"
#include "broker/core/blob_uses.h"
#include "broker/core/lease.h"
#include "broker/core/ready.h"
#include "broker/core/transition.h"

namespace framebus::broker {
namespace {

std::int64_t ms_of(TimePoint at) {
  return to_ms(at.time_since_epoch());
}
TimePoint time_of(std::int64_t ms) {
  return TimePoint(milliseconds(ms));
}

AttemptImage image_of(const State& state, const Attempt& attempt) {
  AttemptImage image;
  image.epoch = attempt.epoch;
  image.grant = attempt.grant;
  image.worker = worker_of(state, attempt);
  image.worker_name = state.identities[attempt.identity].name;
  image.end = attempt.end;
  image.blame = static_cast<std::uint32_t>(attempt.blame);
  image.started = attempt.started;
  image.reported = attempt.state == AttemptState::reported;
  image.granted_at_ms = ms_of(attempt.granted_at);
  image.run_ms = attempt.run_ms;
  if (attempt.error) image.error = *attempt.error;
  return image;
}

void add_detail(const State& state, const TaskDetail& detail, TaskImage& image) {
  image.tries = detail.tries;
  image.crashes = detail.crashes;
  image.losses = detail.losses;
  image.grants = detail.grants;
  for (const Attempt& attempt : detail.attempts) image.attempts.push_back(image_of(state, attempt));
  if (detail.trouble) {
    for (const LastError& each : detail.trouble->errors) {
      image.errors.push_back({each.error, each.log_tail});
    }
  }
  if (detail.outcome) {
    image.result = detail.outcome->result;
    image.blobs = detail.outcome->blobs;
  }
}

std::size_t weight(const TaskImage& image) {
  std::size_t bytes = sizeof image + image.result.size() + bytes_of(image.blobs);
  for (const AttemptImage& each : image.attempts) {
    bytes += sizeof each + each.worker_name.size() + each.error.message.size();
  }
  for (const ErrorSummary& each : image.errors) {
    bytes += sizeof each + each.error.message.size() + each.log_tail.size();
  }
  return bytes;
}

JobImage head_of(const State& state, const Job& job) {
  JobImage image;
  image.job = job.id;
  image.submit_id = job.submit_id;
  image.owner = state.principals.at(job.principal).name;
  image.state = job.state();
  image.task_count = static_cast<std::uint32_t>(job.tasks.size());
  image.accepted_lsn = job.accepted_lsn;
  image.last_lsn = job.last_lsn;
  image.accepted_at_ms = ms_of(job.accepted_at);
  image.first_grant_at_ms = ms_of(job.first_grant_at);
  image.ended_at_ms = ms_of(job.ended_at);
  image.first_error = job.first_error;
  for (std::size_t each = 0; each < task_state_count; ++each) {
    if (job.counts[each] == 0) continue;
    image.counts.push_back({static_cast<TaskState>(each), job.counts[each]});
  }
  return image;
}

// Every field but one.
template <class S, class T>
void copy_but(const S& from, S& to, T S::*left_out) {
  schema::for_each_field<S>([&](const auto& field) {
    if constexpr (std::is_same_v<decltype(field.member), T S::*>) {
      if (field.member == left_out) return;
    }
    to.*field.member = from.*field.member;
  });
}

// Fills a piece task by task until it is full.
struct Filler {
  const State& state;
  const Job& job;
  JobImage& image;
  std::size_t bytes = 0;

  bool is_full() const { return image.tasks.size() >= image_tasks_max || bytes >= image_bytes_max; }
  bool folds(std::uint32_t index) const {
    if (image.tasks.empty() || job.tasks[index].detail != 0) return false;
    const TaskImage& last = image.tasks.back();
    return last.grants == 0 && job.tasks[last.index].detail == 0 &&
           last.state == job.tasks[index].state && last.ended_lsn == job.tasks[index].ended_lsn;
  }
  void add_task(std::uint32_t index) {
    TaskImage task;
    task.index = index;
    task.state = job.tasks[index].state;
    task.ended_lsn = job.tasks[index].ended_lsn;
    if (const TaskDetail* detail = job.detail_of(index)) add_detail(state, *detail, task);
    bytes += weight(task);
    image.tasks.push_back(std::move(task));
  }
  void add_params(std::uint32_t step, std::uint32_t place) {
    const StepSpec& spec = job.spec.steps[step];
    if (spec.task_params.empty()) return;
    if (image.spec.steps.size() != job.spec.steps.size()) {
      image.spec.steps.resize(job.spec.steps.size());
    }
    image.spec.steps[step].task_params.push_back(spec.task_params[place]);
    bytes += sizeof(Bytes) + spec.task_params[place].size();
  }
};

Status damaged(const std::string& what) {
  return fail(Code::data_loss, "the archive's copy of the job is damaged: " + what);
}

Status check_head(const State& state, JobId job, const JobImage& first) {
  if (first.job != job || first.spec.steps.empty()) return damaged("its head is missing");
  std::uint64_t tasks = 0;
  for (std::size_t index = 0; index < first.spec.steps.size(); ++index) {
    const StepSpec& step = first.spec.steps[index];
    tasks += step.task_count;
    for (const Dependency& each : step.depends_on) {
      if (each.step >= index) return damaged("a step waits for a later one");
      if (each.by_task && first.spec.steps[each.step].task_count != step.task_count) {
        return damaged("a step waits task by task for another number of tasks");
      }
    }
  }
  if (tasks == 0 || tasks != first.task_count || tasks > limits::tasks_per_job_max) {
    return damaged("its steps and its number of tasks differ");
  }
  if (first.last_lsn > state.lsn) return damaged("it is newer than the journal");
  return {};
}

Status check_task(const State& state, const TaskImage& task, std::uint64_t next,
                  std::uint32_t task_count) {
  const std::uint64_t count = std::max(task.count, 1u);
  if (task.index != next || next + count > task_count) return damaged("a task is missing");
  if (task.state > TaskState::dead || !is_terminal(task.state)) {
    return damaged("task " + std::to_string(task.index) + " has not ended");
  }
  if (task.ended_lsn == 0 || task.ended_lsn > state.lsn)
    return damaged("a task ended at no record");
  if (task.attempts.size() > limits::attempts_kept_per_task_max)
    return damaged("too many attempts");
  std::pair<std::uint64_t, std::uint64_t> last{0, 0};
  for (const AttemptImage& each : task.attempts) {
    const std::pair number{each.epoch, each.grant};
    if (number <= last || each.epoch > state.options.epoch) return damaged("tokens do not grow");
    if (each.epoch == state.options.epoch && each.grant >= state.next_grant) {
      return damaged("a token of the future");
    }
    if (each.end > AttemptEnd::timeout || each.blame > 3) return damaged("an unknown end");
    last = number;
  }
  return {};
}

// Each step has parameters for all of its tasks, or for none.
Status check_params(const std::vector<JobImage>& pieces) {
  const std::vector<StepSpec>& steps = pieces.front().spec.steps;
  std::vector<std::uint64_t> found(steps.size());
  for (const JobImage& piece : pieces) {
    if (!piece.spec.steps.empty() && piece.spec.steps.size() != steps.size()) {
      return damaged("its pieces have different steps");
    }
    for (std::size_t index = 0; index < piece.spec.steps.size(); ++index) {
      found[index] += piece.spec.steps[index].task_params.size();
    }
  }
  for (std::size_t index = 0; index < steps.size(); ++index) {
    if (found[index] != 0 && found[index] != steps[index].task_count) {
      return damaged("parameters of tasks are missing");
    }
  }
  return {};
}

Attempt attempt_of(State& state, const AttemptImage& image) {
  Attempt attempt;
  attempt.epoch = image.epoch;
  attempt.grant = image.grant;
  // The name it had then is not to replace the one it has now.
  const auto known = state.identity_of.find(image.worker);
  attempt.identity = known != state.identity_of.end()
                         ? known->second
                         : identify(state, image.worker, image.worker_name);
  attempt.state = image.reported ? AttemptState::reported : AttemptState::retired;
  attempt.end = image.end;
  attempt.blame = static_cast<Blame>(image.blame);
  attempt.started = image.started;
  attempt.granted_at = time_of(image.granted_at_ms);
  attempt.run_ms = image.run_ms;
  if (image.error.code != 0) attempt.error = std::make_unique<WireError>(image.error);
  return attempt;
}

void add_detail_of(State& state, Job& job, const TaskImage& image) {
  if (image.grants == 0 && image.attempts.empty() && image.errors.empty()) return;
  TaskDetail& detail = touch(job, image.index);
  detail.tries = image.tries;
  detail.crashes = image.crashes;
  detail.losses = image.losses;
  detail.grants = image.grants;
  for (const AttemptImage& each : image.attempts) {
    detail.attempts.push_back(attempt_of(state, each));
  }
  if (!image.errors.empty()) detail.trouble = std::make_unique<Trouble>();
  for (const ErrorSummary& each : image.errors) {
    detail.trouble->errors.push_back({each.error, each.log_tail});
    job.outcome_bytes += bytes_of(detail.trouble->errors.back());
  }
  if (image.result.empty() && image.blobs.empty()) return;
  detail.outcome = std::make_unique<Outcomes>(Outcomes{image.result, image.blobs});
  job.outcome_bytes += bytes_of(*detail.outcome);
}

void begin_image(State& state, Job& job, const JobImage& head) {
  job = Job{};
  job.id = head.job;
  job.submit_id = head.submit_id;
  job.spec = head.spec;
  job.accepted_lsn = head.accepted_lsn;
  job.accepted_at = time_of(head.accepted_at_ms);
  job.first_grant_at = time_of(head.first_grant_at_ms);
  job.ended_at = time_of(head.ended_at_ms);
  job.first_error = head.first_error;
  build_steps(state, job);
}

}  // namespace

JobSpec spec_head(const JobSpec& spec) {
  JobSpec head;
  copy_but(spec, head, &JobSpec::steps);
  for (const StepSpec& step : spec.steps) {
    copy_but(step, head.steps.emplace_back(), &StepSpec::task_params);
  }
  return head;
}

JobImage make_piece(const State& state, const Job& job, std::uint32_t first_task) {
  JobImage image = head_of(state, job);
  if (first_task == 0) image.spec = spec_head(job.spec);
  image.first_task = first_task;
  Filler filler{state, job, image};
  std::uint32_t step = job.step_of(first_task);
  std::uint32_t index = first_task;
  for (; index < job.tasks.size(); ++index) {
    if (filler.folds(index)) {
      if (filler.bytes >= image_bytes_max) break;
      ++image.tasks.back().count;
    } else {
      if (filler.is_full()) break;
      filler.add_task(index);
    }
    while (index >= job.steps[step].first + job.steps[step].count) ++step;
    filler.add_params(step, index - job.steps[step].first);
  }
  image.last = index == job.tasks.size();
  return image;
}

std::uint32_t next_task_of(const JobImage& piece) {
  if (piece.tasks.empty()) return piece.first_task;
  return piece.tasks.back().index + std::max(piece.tasks.back().count, 1u);
}

Status check_pieces(const State& state, JobId job, const std::vector<JobImage>& pieces) {
  FRAMEBUS_TRY(check_head(state, job, pieces.front()));
  std::uint64_t next = 0;
  for (std::size_t place = 0; place < pieces.size(); ++place) {
    const JobImage& piece = pieces[place];
    if (piece.job != job || piece.first_task != next) return damaged("a piece is missing");
    if (piece.last != (place + 1 == pieces.size())) return damaged("its end is missing");
    for (const TaskImage& task : piece.tasks) {
      FRAMEBUS_TRY(check_task(state, task, next, pieces.front().task_count));
      next += std::max(task.count, 1u);
    }
  }
  if (next != pieces.front().task_count) return damaged("tasks are missing");
  return check_params(pieces);
}

void add_piece(State& state, Job& job, const JobImage& piece) {
  if (piece.first_task == 0) {
    begin_image(state, job, piece);
  } else {
    for (std::size_t step = 0; step < piece.spec.steps.size(); ++step) {
      auto& params = job.spec.steps[step].task_params;
      const auto& more = piece.spec.steps[step].task_params;
      params.insert(params.end(), more.begin(), more.end());
    }
  }
  for (const TaskImage& image : piece.tasks) {
    const std::uint32_t end = image.index + std::max(image.count, 1u);
    for (std::uint32_t index = image.index; index < end; ++index) {
      job.tasks[index].state = image.state;
      job.tasks[index].ended_lsn = image.ended_lsn;
      job.ended.push_back({image.ended_lsn, index});
      ++job.counts[static_cast<std::size_t>(image.state)];
      ++job.steps[job.step_of(index)].counts[static_cast<std::size_t>(image.state)];
    }
    add_detail_of(state, job, image);
  }
}

Job& finish_image(State& state, Job&& made, const std::string& owner, std::uint64_t last_lsn) {
  const JobId id = made.id;
  Job& job = state.jobs.emplace(id, std::move(made)).first->second;
  std::stable_sort(job.ended.begin(), job.ended.end(),
                   [](const EndedTask& a, const EndedTask& b) { return a.lsn < b.lsn; });
  job.failures = job.counts[static_cast<std::size_t>(TaskState::failed)] +
                 job.counts[static_cast<std::size_t>(TaskState::dead)];
  job.last_lsn = last_lsn;
  job.spec_bytes = bytes_of(job.spec);
  job.announced = job.state();
  job.principal = join_principal(state, owner);
  state.ledger.tasks_accepted += job.tasks.size();
  state.ledger.tasks_ended += job.tasks.size();
  use_inputs(state, job.spec);
  for (const TaskDetail& detail : job.details) {
    if (detail.outcome) use_blobs(state, detail.outcome->blobs);
  }
  for (std::uint32_t index = 0; index < job.steps.size(); ++index) {
    job.steps[index].shape = join_shape(state, job, index);
  }
  return job;
}

}  // namespace framebus::broker
