// Invariants of what is kept for later: finished jobs and their way to the archive, copies of
// archived jobs, uploads, blobs in use, submit ids.
#include <algorithm>

#include "broker/core/core.h"
#include "broker/core/invariants.h"
#include "broker/core/lease.h"

namespace framebus::broker {
namespace {

void check_finished(const State& state) {
  std::uint64_t tasks = 0;
  std::uint64_t count = 0;
  for (const auto& [id, job] : state.jobs) {
    FRAMEBUS_CHECK(is_ended(job.state()) == (job.ended_at != TimePoint{}), "ended jobs know when");
    FRAMEBUS_CHECK(
        job.ended_at == TimePoint{} || job.ended_at >= job.accepted_at || job.from_archive,
        "a job ends after it was accepted");
    if (job.from_archive) {
      FRAMEBUS_CHECK(is_ended(job.state()), "archived jobs have ended");
      continue;
    }
    if (!is_ended(job.announced)) {
      FRAMEBUS_CHECK(!job.archived && !job.archive_waiting && job.archived_upto == 0,
                     "only what has ended is handed over");
      continue;
    }
    ++count;
    tasks += job.tasks.size();
    FRAMEBUS_CHECK(std::count(state.finished.begin(), state.finished.end(), id) == 1,
                   "a finished job is listed once");
    FRAMEBUS_CHECK(job.archived_upto <= job.tasks.size(),
                   "no task is handed over that is not there");
    FRAMEBUS_CHECK(!job.archived || job.archived_upto == job.tasks.size(), "archived as a whole");
    const auto& waiting = state.archive.waiting;
    FRAMEBUS_CHECK(
        !job.archive_waiting || std::find(waiting.begin(), waiting.end(), id) != waiting.end(),
        "its hand-over goes on");
  }
  FRAMEBUS_CHECK(state.finished.size() == count && state.finished_tasks == tasks, "finished jobs");
}

void check_copies(const State& state) {
  std::uint32_t copies = 0;
  std::uint64_t tasks = 0;
  std::uint64_t copy_bytes = 0;
  std::uint64_t parked_bytes = 0;
  for (const auto& [id, job] : state.jobs) {
    if (!job.from_archive) continue;
    ++copies;
    tasks += job.tasks.size();
    copy_bytes += job.spec_bytes + job.outcome_bytes;
  }
  const ArchiveState& archive = state.archive;
  FRAMEBUS_CHECK(copies == archive.copies && tasks == archive.copy_tasks,
                 "archived jobs in memory");
  FRAMEBUS_CHECK(copies <= archived_copies_max, "archived jobs in memory are bounded");
  FRAMEBUS_CHECK(copy_bytes == archive.copy_bytes &&
                     (copies <= 1 || copy_bytes <= archived_copy_bytes_max),
                 "bytes of archived jobs in memory");
  std::uint32_t parked = 0;
  std::uint32_t asked = 0;
  for (const auto& [id, load] : archive.loads) {
    FRAMEBUS_CHECK(load.asked || !load.requests.empty(), "nothing is asked for nobody");
    FRAMEBUS_CHECK(!load.asked || !state.jobs.contains(id) || load.requests.empty() ||
                       !state.jobs.at(id).from_archive,
                   "nobody waits for what is here");
    parked += static_cast<std::uint32_t>(load.requests.size());
    asked += load.asked ? 1 : 0;
    for (const Received& request : load.requests) {
      parked_bytes += bytes_of(request);
      FRAMEBUS_CHECK(state.sessions.contains(request.session), "who waits is connected");
    }
  }
  FRAMEBUS_CHECK(parked == archive.parked && asked == archive.loads_out, "requests that wait");
  FRAMEBUS_CHECK(parked_bytes == archive.parked_bytes && parked_bytes <= parked_request_bytes_max,
                 "bytes of requests that wait");
  FRAMEBUS_CHECK(parked <= limits::parked_requests_max && asked <= archive_loads_out_max,
                 "requests that wait are bounded");
}

void check_uploads(const State& state) {
  FRAMEBUS_CHECK(state.uploads.size() <= limits::uploads_max, "uploads are bounded");
  for (const auto& [id, upload] : state.uploads) {
    FRAMEBUS_CHECK(!state.submits.contains(id), "an upload is no job yet");
    FRAMEBUS_CHECK(upload.bytes == bytes_of(upload.spec), "bytes of an upload");
    const bool is_here = state.connected_primaries.contains(upload.owner);
    FRAMEBUS_CHECK(is_here == (upload.orphaned_at == TimePoint{}), "whose owner is connected");
  }
  std::map<std::string, std::uint32_t> primaries;
  for (const auto& [id, session] : state.sessions) {
    if (session.role == Role::primary) ++primaries[session.principal];
  }
  FRAMEBUS_CHECK(primaries == state.connected_primaries, "connected principals");
}

void add_uses(std::map<BlobHash, std::uint32_t>& uses, const std::vector<BlobRef>& blobs) {
  for (const BlobRef& blob : blobs) ++uses[blob.hash];
}

void check_blobs(const State& state) {
  std::map<BlobHash, std::uint32_t> uses;
  for (const auto& [id, job] : state.jobs) {
    for (const StepSpec& step : job.spec.steps) add_uses(uses, step.inputs);
    for (const TaskDetail& detail : job.details) {
      if (detail.outcome) add_uses(uses, detail.outcome->blobs);
    }
  }
  for (const auto& [id, upload] : state.uploads) {
    for (const StepSpec& step : upload.spec.steps) add_uses(uses, step.inputs);
  }
  FRAMEBUS_CHECK(uses == state.blob_uses, "blobs in use");
}

void check_submits(const State& state) {
  FRAMEBUS_CHECK(state.forgotten_submits.size() <= forgotten_submits_max, "bounded");
  for (const auto& [id, seen] : state.submits) {
    const Job* job = state.find_job(seen.job);
    const bool is_kept = job != nullptr && !job->from_archive;
    FRAMEBUS_CHECK(is_kept == (seen.forgotten_at == TimePoint{}), "remembered as what it is");
    FRAMEBUS_CHECK(!is_kept || job->submit_id == id, "a submit id names its job");
    FRAMEBUS_CHECK(seen.job.value < state.next_job, "job numbers grow");
  }
}

}  // namespace

void check_kept(const State& state) {
  FRAMEBUS_CHECK(state.reviving.empty(), "a job comes back in one step");
  FRAMEBUS_CHECK(state.durable_lsn <= state.lsn, "nothing is durable that was not made");
  check_finished(state);
  check_copies(state);
  check_uploads(state);
  check_blobs(state);
  check_submits(state);
}

}  // namespace framebus::broker
