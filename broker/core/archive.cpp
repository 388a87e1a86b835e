// The way of a finished job to the archive, and out of memory.
#include "broker/core/archive.h"

#include <algorithm>
#include <utility>

#include "broker/core/apply.h"
#include "broker/core/bounds.h"
#include "broker/core/job_image.h"
#include "broker/core/watch.h"

namespace framebus::broker {
namespace {

constexpr Duration again_min = seconds(1);
constexpr Duration again_max = seconds(60);
constexpr std::size_t held_jobs_looked_at = 16;  // whose watchers lag

void arm(State& state, TimePoint at, TimerKind kind, JobId job) {
  state.timers.arm({at, kind, TaskRef{job, 0}, {}, 0, 0});
}

bool may_leave(const State& state, const Job& job) {
  return !state.options.archive || job.archived;
}

// Whether a watcher has still to hear the end. One that does not read holds the job for a lease.
bool is_being_told(const State& state, const Job& job) {
  return job.ended_at + state.options.lease > state.now && !all_are_told(state, job);
}

bool is_over_bounds(const State& state) {
  return state.finished.size() > finished_jobs_max || state.finished_tasks > finished_tasks_max ||
         state.finished_bytes > state.options.queued_spec_bytes_max;
}

void make_due(State& state, Job& job) {
  if (!state.options.archive || job.archived || job.archive_waiting) return;
  job.archive_waiting = true;
  state.archive.waiting.push_back(job.id);
}

void enlist(State& state, Job& job) {
  job.settled_round = job.archive_round;
  state.finished.push_back(job.id);
  state.finished_tasks += job.tasks.size();
  job.finished_bytes = job.spec_bytes + job.outcome_bytes;
  state.finished_bytes += job.finished_bytes;
  arm(state, job.ended_at + state.options.finished_jobs_kept, TimerKind::forget_job, job.id);
  if (!state.options.archive) return;
  arm(state, job.ended_at + state.options.archive_after, TimerKind::archive_job, job.id);
}

void forget(Turn& turn, JobId id) {
  State& state = turn.state;
  drop_watches_of_job(turn, id);
  Job& job = *state.find_job(id);
  unfinish_job(state, job);
  JobForgotten record;
  record.job = id;
  record.submit_id = job.submit_id;
  record.task_count = static_cast<std::uint32_t>(job.tasks.size());
  record.archived = state.options.archive;
  const auto seen = state.submits.find(job.submit_id);
  if (seen != state.submits.end()) {
    record.digest.assign(seen->second.digest.begin(), seen->second.digest.end());
  }
  turn.persist(std::move(record));
  ++state.counters.jobs_forgotten;
  if (!state.options.archive) turn.out.emplace_back(DropLogs{id});
}

}  // namespace

void finish_job(State& state, Job& job) {
  enlist(state, job);
}

void unfinish_job(State& state, Job& job) {
  std::erase(state.finished, job.id);
  state.finished_tasks -= job.tasks.size();
  state.finished_bytes -= std::exchange(job.finished_bytes, 0);
}

void begin_finished(State& state) {
  std::vector<Job*> ended;
  for (auto& [id, job] : state.jobs) {
    if (is_ended(job.announced)) ended.push_back(&job);
  }
  std::stable_sort(ended.begin(), ended.end(),
                   [](const Job* a, const Job* b) { return a->ended_at < b->ended_at; });
  for (Job* job : ended) enlist(state, *job);
}

void drop_oldest(Turn& turn) {
  State& state = turn.state;
  std::size_t held = 0;
  while (held < std::min(state.finished.size(), held_jobs_looked_at) && is_over_bounds(state)) {
    Job& oldest = *state.find_job(state.finished[held]);
    if (!may_leave(state, oldest)) return make_due(state, oldest);
    if (is_being_told(state, oldest)) {
      arm(state, oldest.ended_at + state.options.lease, TimerKind::forget_job, oldest.id);
      ++held;
    } else {
      forget(turn, oldest.id);
    }
  }
}

Status check_archive_keeps_up(State& state) {
  if (!is_over_bounds(state)) return {};
  const bool is_archive_behind = !may_leave(state, *state.find_job(state.finished.front()));
  const std::string waits = is_archive_behind
                                ? "finished jobs wait for the archive, which can not keep up: "
                                : "finished jobs wait for watchers that lag: ";
  return fail(refuse_bound(state.refusals, Bound::finished_jobs, finished_jobs_max,
                           state.finished.size(),
                           waits + std::to_string(state.finished_tasks) + " tasks, " +
                               std::to_string(state.finished_bytes) + " bytes"));
}

void on_archive_due(Turn& turn, JobId id) {
  State& state = turn.state;
  Job* job = state.find_job(id);
  if (job == nullptr || job->from_archive || !is_ended(job->announced)) return;
  const TimePoint due = job->ended_at + state.options.archive_after;
  if (due > turn.now()) return arm(state, due, TimerKind::archive_job, id);
  make_due(state, *job);
}

void on_forget_due(Turn& turn, JobId id) {
  State& state = turn.state;
  Job* job = state.find_job(id);
  if (job == nullptr || job->from_archive || !is_ended(job->announced)) return;
  const TimePoint due = job->ended_at + state.options.finished_jobs_kept;
  if (due > turn.now()) return arm(state, due, TimerKind::forget_job, id);
  if (may_leave(state, *job)) forget(turn, id);  // else when the archive has it
}

void pump_archive(Turn& turn) {
  State& state = turn.state;
  ArchiveState& archive = state.archive;
  if (archive.out || archive.again_at > turn.now()) return;
  while (!archive.waiting.empty()) {
    const JobId id = archive.waiting.front();
    const Job* job = state.find_job(id);
    if (job == nullptr || !job->archive_waiting) {
      archive.waiting.pop_front();  // it was opened again, or has gone already
      continue;
    }
    JobImage piece = make_piece(state, *job, job->archived_upto);
    archive.out = ArchiveOut{id, job->archive_round, job->archived_upto, next_task_of(piece)};
    ++state.counters.archive_pieces;
    turn.out.emplace_back(Archive{std::move(piece), job->last_lsn});
    return;
  }
}

void on_archived(Turn& turn, const Archived& event) {
  State& state = turn.state;
  ArchiveState& archive = state.archive;
  if (!archive.out || archive.out->job != event.job ||
      archive.out->first_task != event.first_task) {
    return;  // of an earlier life of this broker
  }
  const ArchiveOut out = *std::exchange(archive.out, std::nullopt);
  if (!event.error.empty()) {
    ++state.counters.archive_errors;
    const std::uint32_t doublings = std::min(archive.failures++, 10u);
    const Duration delay = std::min<Duration>(again_max, again_min * (1 << doublings));
    archive.again_at = turn.now() + delay;
    arm(state, archive.again_at, TimerKind::archive_again, {});
    turn.note(2, "the archive did not take job " + to_string(out.job) + " (" + event.error +
                     "); it is tried again in " + std::to_string(to_ms(delay)) + " ms");
    // From the first piece: what the archive has of the others may be gone (JobArchive::put).
    Job* refused = state.find_job(out.job);
    if (refused != nullptr && refused->archive_round == out.round) refused->archived_upto = 0;
    return;
  }
  archive.failures = 0;
  Job* job = state.find_job(out.job);
  if (job == nullptr || job->archive_round != out.round || !job->archive_waiting) return;
  job->archived_upto = out.next_task;
  if (job->archived_upto < job->tasks.size()) return;
  job->archived = true;
  job->archive_waiting = false;
  ++state.counters.jobs_archived;
  on_forget_due(turn, out.job);
  drop_oldest(turn);
}

}  // namespace framebus::broker
