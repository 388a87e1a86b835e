// The TaskManager: submits, the life of attempts, results. Handlers over the shared State; each
// file task_manager_*.cpp holds one family.
#pragma once

#include <string_view>
#include <vector>

#include "broker/core/turn.h"

namespace framebus::broker {

// How an attempt was lost without a result.
enum class Loss : std::uint8_t {
  worker_lost,    // its connection is gone, no Goodbye
  goodbye,        // its worker left on purpose
  lease_expired,  // no heartbeat listed it for a lease
  omitted,        // two heartbeats in a row did not list it
  not_started,    // listed as starting, but no Started in time
  given_back,     // Aborted by the worker without being asked
};

// Row 1. `missing`: inputs that are not in the blob store.
void on_submit(Turn& turn, SessionId session, const Submit& submit,
               const std::vector<BlobRef>& missing);

// Every bound and every relation in a JobSpec that does not depend on the state. O(tasks).
// `in_parts`: task_params may still be missing (uploads.h).
enum class Completeness : std::uint8_t { whole, in_parts };
// Refusals of bounds are counted.
Status check_spec(Refusals& refusals, const JobSpec& spec,
                  Completeness completeness = Completeness::whole);
// Every limit a step names is configured, and large enough.
Status check_limits(const State& state, const JobSpec& spec);
// Room for new work: so many more waiting tasks, specs, outcomes kept, the store, the archive.
// Counts refusals. `what` adds it.
Status check_room(State& state, std::uint64_t tasks, std::uint64_t spec_bytes,
                  std::uint64_t outcome_bytes = 0, std::string_view what = "the job");
// The store has room for more than results, whose reserve nothing else may use up. `what` is
// refused.
Status check_store(State& state, std::string_view what);
std::uint64_t task_count_of(const JobSpec& spec);

// Rows 6; 11 to 17, 21, 22, 31; 22 and given back; 5.
void on_started(Turn& turn, SessionId session, const Started& message);
void on_progress(Turn& turn, SessionId session, const Progress& message);
void on_results(Turn& turn, SessionId session, const Results& message);
void on_aborted(Turn& turn, SessionId session, const Aborted& message);
void on_assign_failed(Turn& turn, SessionId session, const Assign& message);

// Row 6 for one attempt whose lease is open.
void start_attempt(Turn& turn, TaskRef task, const Token& token);

// Where a lost worker may have had an attempt that never said Started.
enum class Place : std::uint8_t {
  queue,  // merely prefetched: nobody is charged
  slot,   // it may have been what took the worker down: an infrastructure loss
  alone,  // the only one of its slot after earlier losses (lease.h): a crash, started or not
  beside  // it ran while such a one was in another slot: an infrastructure loss
};

// Rows 7, 9, 10, 22 (or 14, or failed when at most once). The attempt's lease is open. `place`
// matters for losses of whole workers only.
void lose_attempt(Turn& turn, const LeaseKey& key, Loss loss, Place place = Place::queue);

// A step's inputs or a result's blobs: their number and their names, each and all together, are
// bounded, so that every message about them fits the wire.
Status check_blobs(Refusals& refusals, const std::string& field,
                   const std::vector<BlobRef>& blobs);

// How an attempt ended badly, for fail_attempt().
struct Failure {
  std::uint32_t row = 12;
  AttemptEnd end = AttemptEnd::error;
  Blame blame = Blame::task;
  bool permanent = false;
  bool reported = false;
  WireError error;
  std::string log_tail;
};
// Decides between another try, failed, dead, cancelled (rows 7, 9, 10, 12, 13, 14, 22).
// Returns the lsn of the record.
std::uint64_t fail_attempt(Turn& turn, TaskRef task, const Token& token, const Failure& failure);

// Rows 18, 3; 24 and what a lease's deadline asks for.
void on_retry_due(Turn& turn, TaskRef task);
void on_deadline_due(Turn& turn, JobId job);
void on_lease_due(Turn& turn, const WorkerId& worker, const LeaseKey& key);

// After a restart: the crash may have come between two records of one step, the first of which put
// a task back into a job that was over.
void mend_jobs(Turn& turn);
// Jobs whose derived state has changed in this step: bookkeeping, notes, watches.
void settle_jobs(Turn& turn);

}  // namespace framebus::broker
