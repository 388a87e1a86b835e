// Jobs as a whole: accepted, forgotten, and the start of a core after its replay.
#include <algorithm>

#include "broker/core/apply.h"
#include "broker/core/archive.h"
#include "broker/core/blob_uses.h"
#include "broker/core/digest.h"
#include "broker/core/job_image.h"
#include "broker/core/lease.h"
#include "broker/core/ready.h"
#include "broker/core/tables.h"
#include "broker/core/transition.h"
#include "broker/core/uploads.h"

namespace framebus::broker {
namespace {

std::uint32_t limit_index(State& state, const std::string& name) {
  for (std::uint32_t index = 0; index < state.limits.size(); ++index) {
    if (state.limits[index].name == name) return index;
  }
  // A recovered job may name a limit that is configured no more: nothing bounds it then.
  state.limits.push_back({name, UINT32_MAX, 0});
  return static_cast<std::uint32_t>(state.limits.size() - 1);
}

// Row 1 for every task at once.
void enter_tasks(State& state, Job& job) {
  for (std::uint32_t index = 0; index < job.steps.size(); ++index) {
    Step& step = job.steps[index];
    const bool waits = !job.spec.steps[index].depends_on.empty();
    const TaskState initial = waits ? TaskState::held : TaskState::queued;
    for (StateCounts* counts : {&state.counts, &job.counts, &step.counts}) {
      (*counts)[static_cast<std::size_t>(initial)] += step.count;
    }
    if (!waits) {
      for (std::uint32_t place = 0; place < step.count; ++place) {
        job.tasks[step.first + place].state = TaskState::queued;
        step.queued.insert(place);
      }
    }
    state.hits[1] += step.count;
    step.shape = join_shape(state, job, index);
    refresh_step(state, job, index);
  }
  state.open_tasks += job.tasks.size();
  state.ledger.tasks_accepted += job.tasks.size();
}

void arm_of_job(State& state, TimePoint at, TimerKind kind, JobId job) {
  state.timers.arm({at, kind, TaskRef{job, 0}, {}, 0, 0});
}

// Once in the life of a job in memory. It stays armed while the job has ended, for a retry may open
// it again; a retry after the deadline lifts it.
void arm_deadline(State& state, const Job& job) {
  if (job.spec.deadline_ms == 0 || job.deadline_passed || job.deadline_lifted) return;
  const TimePoint at = job.accepted_at + milliseconds(job.spec.deadline_ms);
  if (job.open_tasks() == 0 && at <= state.now) return;
  arm_of_job(state, at, TimerKind::deadline, job.id);
}

void begin_active(State& state, const Job& job) {
  ++state.active_jobs;
  state.open_spec_bytes += job.spec_bytes;
  state.open_outcome_bytes += job.outcome_bytes;
  for (std::size_t each = 0; each < task_state_count; ++each) {
    state.counts[each] += job.counts[each];
  }
}

void begin_job(State& state, Job& job) {
  job.announced = job.state();
  for (std::uint32_t index = 0; index < job.tasks.size(); ++index) {
    const TaskState now_in = job.tasks[index].state;
    if (now_in == TaskState::retry_wait) {
      const TimePoint due = job.detail_of(index)->retry_at;
      state.timers.arm({due, TimerKind::retry, TaskRef{job.id, index}, {}, 0, 0});
    }
    // Failed, cancelled or dead: whether its worker was lost and may still run it is not recorded.
    TaskDetail* detail = contains(sets::retryable, now_in) ? job.detail_of(index) : nullptr;
    if (detail != nullptr) detail->may_run_until = state.now + state.options.restart_grace;
  }
  arm_deadline(state, job);
  if (!is_ended(job.announced)) begin_active(state, job);
}

// What a lost broker can not tell from a lost worker gets the restart grace.
void begin_worker(State& state, const WorkerId& id, Worker& worker) {
  worker.lost_at = state.now;
  worker.reason = "not back since the broker's restart";
  state.timers.arm({state.now + 4 * state.options.lease, TimerKind::forget_worker, {}, id, 0, 0});
  for (auto& [key, lease] : worker.leases) {
    lease.sent_at = state.now;
    lease.until = state.now + std::max(state.options.lease, state.options.restart_grace);
    if (lease.phase == AttemptPhase::running) lease.progress_at = state.now;
    lease.stop_by = lease.until;
    lease.armed = {};
    arm_lease(state, id, key, lease);
  }
}

JobSpec spec_of(State& state, const JobAccepted& record) {
  if (!record.uploaded) return record.spec;
  auto upload = state.uploads.extract(record.submit_id);
  FRAMEBUS_CHECK(!upload.empty(), "a job of an upload that is not there");
  // Its inputs are counted again below.
  release_inputs(state, upload.mapped().spec);
  if (state.began) state.open_spec_bytes -= upload.mapped().bytes;
  return std::move(upload.mapped().spec);
}

}  // namespace

void build_steps(State& state, Job& job) {
  std::uint32_t first = 0;
  job.steps.resize(job.spec.steps.size());
  for (std::uint32_t index = 0; index < job.steps.size(); ++index) {
    const StepSpec& spec = job.spec.steps[index];
    Step& step = job.steps[index];
    step.first = first;
    step.count = spec.task_count;
    step.queued = IndexSet(spec.task_count);
    first += spec.task_count;
    for (const Dependency& dependency : spec.depends_on) {
      Step& before = job.steps[dependency.step];
      (dependency.by_task ? before.followers_by_task : before.followers).push_back(index);
      (dependency.by_task ? step.waits_for_by_task : step.waits_for).push_back(dependency.step);
    }
    for (const NamedLimit& limit : spec.limits) {
      step.limits.emplace_back(limit_index(state, limit.name), limit.amount);
    }
  }
  job.tasks.resize(first);
}

void arm_retry(State& state, Job& job, std::uint32_t index) {
  TaskDetail& detail = *job.detail_of(index);
  detail.retry_at = state.now + milliseconds(detail.retry_delay_ms);
  if (!state.began) return;
  state.timers.arm({detail.retry_at, TimerKind::retry, TaskRef{job.id, index}, {}, 0, 0});
}

void apply_job(State& state, const JobAccepted& record) {
  Job& job = state.jobs[record.job];
  job.id = record.job;
  job.submit_id = record.submit_id;
  job.spec = spec_of(state, record);
  job.principal = join_principal(state, record.owner);
  job.accepted_lsn = state.lsn;
  job.accepted_at = state.now;
  job.spec_bytes = bytes_of(job.spec);
  state.next_job = std::max(state.next_job, record.job.value + 1);
  build_steps(state, job);
  enter_tasks(state, job);
  use_inputs(state, job.spec);
  if (!record.submit_id.is_none()) {
    state.submits[record.submit_id] = {job.id, digest_of(job.spec),
                                       static_cast<std::uint32_t>(job.tasks.size()), state.lsn,
                                       TimePoint{}};
  }
  mark_job(state, job);
  if (!state.began) return;
  ++state.active_jobs;
  state.open_spec_bytes += job.spec_bytes;
  arm_deadline(state, job);
}

void remove_job(State& state, JobId id) {
  const auto entry = state.jobs.find(id);
  const Job& job = entry->second;
  for (const Step& step : job.steps) leave_shape(state, step.shape);
  leave_principal(state, job.principal);
  release_blobs_of(state, job);
  state.ledger.tasks_forgotten += job.tasks.size();
  state.dirty_jobs.erase(id);
  state.jobs.erase(entry);
}

void apply_forgotten(State& state, const JobForgotten& record) {
  state.next_job = std::max(state.next_job, record.job.value + 1);
  // After compaction its earlier records are not there.
  if (const Job* job = state.find_job(record.job)) {
    FRAMEBUS_CHECK(job->open_tasks() == 0, "a job is forgotten that has not ended");
    remove_job(state, record.job);
  }
  SipHash digest{};
  if (record.submit_id.is_none() || record.digest.size() != digest.size()) return;
  std::copy(record.digest.begin(), record.digest.end(), digest.begin());
  state.submits[record.submit_id] = {record.job, digest, record.task_count, state.lsn, state.now};
  std::deque<ForgottenSubmit>& forgotten = state.forgotten_submits;
  forgotten.push_back({record.submit_id, state.now});
  while (forgotten.size() > forgotten_submits_max ||
         forgotten.front().at + state.options.submit_ids_kept <= state.now) {
    const auto seen = state.submits.find(forgotten.front().id);
    const bool is_current =
        seen != state.submits.end() && seen->second.forgotten_at == forgotten.front().at;
    if (is_current) state.submits.erase(seen);
    forgotten.pop_front();
    if (forgotten.empty()) break;
  }
}

void apply_revived(State& state, const JobRevived& record) {
  const JobImage& piece = record.image;
  // A crash may have torn an earlier revival between its records: it has never begun.
  if (piece.first_task == 0) state.reviving.erase(piece.job);
  add_piece(state, state.reviving[piece.job], piece);
  if (!piece.last) return;
  auto made = state.reviving.extract(piece.job);
  Job& job = finish_image(state, std::move(made.mapped()), piece.owner, state.lsn);
  state.next_job = std::max(state.next_job, job.id.value + 1);
  const auto seen = state.submits.find(job.submit_id);
  if (seen != state.submits.end()) seen->second.forgotten_at = {};
  if (!state.began) return;
  arm_deadline(state, job);
  finish_job(state, job);
}

void begin(State& state, TimePoint now) {
  state.now = now;
  state.began_at = now;
  state.began = true;
  state.durable_lsn = state.lsn;
  state.hits = {};
  state.counts = {};
  state.reviving.clear();  // their last pieces were never made durable
  for (auto& [id, job] : state.jobs) begin_job(state, job);
  begin_finished(state);
  begin_uploads(state);
  state.dirty_jobs.clear();
  for (auto& [id, worker] : state.workers) begin_worker(state, id, worker);
}

}  // namespace framebus::broker
