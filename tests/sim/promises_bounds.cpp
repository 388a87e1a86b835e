// The bounds of broker/core/bounds.h, looked at after every step: none of them may be passed by
// more than its own overshoot, whatever has happened before.
//
// The state's sums are taken as they are: that they are true, check_invariants() says. What is
// promised comes from the run, not from the broker, which may have been told something else.
#include "broker/core/state.h"
#include "tests/sim/promises.h"

namespace framebus::sim {
namespace {

using broker::State;

std::string over(std::string_view name, std::uint64_t found, std::uint64_t limit) {
  return "bounds hold: " + std::string(name) + ", found " + std::to_string(found) +
         ", allowed are " + std::to_string(limit);
}

}  // namespace

void Promises::within(std::string_view name, std::uint64_t found, std::uint64_t limit) {
  if (found > limit) world_.violated(over(name, found, limit));
}

void Promises::after_step(const State& state) {
  const broker::Options& promised = promised_;
  within("sessions", state.sessions.size(), promised.sessions_max);
  within("workers", state.connected_workers, promised.max_workers);
  // Exact: nothing but what asks for room opens a task, and a task that is open is counted.
  within("queued tasks", state.open_tasks, promised.queued_tasks_max);
  within("spec bytes", state.open_spec_bytes, promised.queued_spec_bytes_max);
  // Results are never refused, so they may pass theirs; new work never does.
  const bool is_new_work =
      state.open_tasks > open_tasks_before_ || state.open_spec_bytes > spec_bytes_before_;
  if (is_new_work)
    within("outcome bytes with new work", state.open_outcome_bytes, promised.outcome_bytes_max);
  within("uploads", state.uploads.size(), limits::uploads_max);
  check_archive_bounds(state.archive);
  check_ask_bounds(state);
}

// The first copy is taken in whatever its size.
void Promises::check_archive_bounds(const broker::ArchiveState& archive) {
  within("archived copies", archive.copies, broker::archived_copies_max);
  within("requests that wait for the archive", archive.parked, limits::parked_requests_max);
  within("bytes that wait for the archive", archive.parked_bytes, broker::parked_request_bytes_max);
  within("loads from the archive", archive.loads_out, broker::archive_loads_out_max);
  if (archive.copies <= 1) return;
  within("bytes of archived copies", archive.copy_bytes, broker::archived_copy_bytes_max);
  within("tasks of archived copies", archive.copy_tasks, broker::archived_copy_tasks_max);
}

void Promises::check_ask_bounds(const State& state) {
  within("answers of workers under way", state.asks, promised_.command_requests_max);
  within("bytes of waiting commands", state.waiting_bytes, limits::waiting_command_bytes_max);
  within("sticky commands", state.sticky.size(), limits::sticky_commands_max);
  for (const auto& [id, worker] : state.workers) {
    // A preparation is asked of a worker however far behind it is: one of each name.
    within("commands asked of a worker", worker.asked.size(),
           broker::asks_per_worker_max + limits::sticky_commands_max);
    // Target `next` takes a worker that has room at all, for the whole of its payload.
    within("bytes asked of a worker", worker.asked_bytes,
           broker::asked_bytes_per_worker_max + limits::command_payload_bytes_max);
  }
  for (const auto& [id, session] : state.sessions) {
    within("commands of a connection", session.commands.size(), limits::commands_per_session_max);
    within("watches of a connection", session.watches.size(), limits::watches_per_session_max);
  }
  for (const auto& [principal, watches] : state.watches_of)
    within("watches of a principal", watches, promised_.watches_per_principal_max);
}

}  // namespace framebus::sim
