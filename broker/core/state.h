// Everything the broker core knows, as plain data. Tests and the simulator read it; only apply()
// and the handlers in this folder change it.
//
// What apply() writes is durable and comes back by replay; sessions, leases' times, watches, timers
// and what the scheduler keeps ready are not recorded.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "broker/core/archive_state.h"
#include "broker/core/bounds.h"
#include "broker/core/counters.h"
#include "broker/core/event_ring.h"
#include "broker/core/ledger.h"
#include "broker/core/options.h"
#include "broker/core/shape.h"
#include "libmsg/base/siphash.h"
#include "broker/core/timers.h"
#include "broker/core/upload.h"
#include "broker/core/watch_state.h"

namespace framebus::broker {

// Who a grant went to; kept for histories. Index 0 is nobody.
struct Identity {
  WorkerId worker;
  std::string name;
};

// A submit id that was used, and what for.
struct SubmitSeen {
  JobId job;
  SipHash digest{};
  std::uint32_t task_count = 0;
  std::uint64_t lsn = 0;
  TimePoint forgotten_at{};  // zero: its job is here
};

// A submit id whose job is gone; void when its SubmitSeen says another moment.
struct ForgottenSubmit {
  SubmitId id;
  TimePoint at{};
};

// An Assign of an at-most-once task that waits for the sync of its grant.
struct UnsyncedAssign {
  std::uint64_t lsn = 0;
  WorkerId worker;
  LeaseKey lease;
};

// splitmix64: small, seeded, the same everywhere.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  // 0 to bound - 1; bound at least 1.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

 private:
  std::uint64_t state_;
};

struct State {
  State(const Options& options_given, std::uint64_t seed);

  Options options;
  SipKey key;
  Chance chance;

  // Durable
  std::map<JobId, Job> jobs;
  std::map<SubmitId, SubmitSeen> submits;
  std::deque<ForgottenSubmit> forgotten_submits;  // oldest first, bounded
  std::map<SubmitId, Upload> uploads;
  std::map<std::string, Sticky> sticky;  // by name of the command
  std::uint64_t last_load_id = 0;
  std::map<JobId, Job> reviving;  // pieces of archived jobs, until their last
  std::vector<Identity> identities;
  std::map<WorkerId, std::uint32_t> identity_of;
  std::uint64_t lsn = 0;  // of the last record
  std::uint64_t next_job = 1;
  std::uint64_t next_grant = 1;  // of this epoch
  // Jobs in memory and open uploads that name a blob: how many times. Derived.
  std::map<BlobHash, std::uint32_t> blob_uses;

  // Sums over all jobs
  StateCounts counts{};  // of the tasks of unfinished jobs
  std::uint64_t open_tasks = 0;
  std::uint64_t open_spec_bytes = 0;
  std::uint64_t open_outcome_bytes = 0;  // of unfinished jobs: Job::outcome_bytes
  std::uint32_t active_jobs = 0;
  std::deque<JobId> finished;  // in order of their end
  std::uint64_t finished_tasks = 0;
  // Of their specs and outcomes; bounded by options.queued_spec_bytes_max, as those that wait are.
  std::uint64_t finished_bytes = 0;

  // Peers
  std::map<WorkerId, Worker> workers;
  std::map<SessionId, Session> sessions;
  std::uint32_t connected_workers = 0;
  std::map<std::string, std::uint32_t> connected_primaries;  // by principal
  std::deque<WorkerId> lost_workers;  // for people, bounded
  std::map<WatchKey, WatchState> watches;
  std::set<WatchKey> watches_of_all;
  std::map<std::string, std::uint32_t> watches_of;  // by principal
  std::map<WorkerId, RemovedWorker> removed;        // refused until their time is over
  bool stopping = false;                            // no command is taken any more

  // Commands
  std::map<CommandId, CommandState> commands;
  std::map<std::string, CommandRing> rings;  // by name of the command
  std::set<std::string> rings_to_serve;      // a worker joined, somebody waits
  std::set<CommandId> answered;              // in this step
  CommandId next_command = 1;
  std::uint64_t asks = 0;           // answers of workers outstanding
  std::uint64_t waiting_bytes = 0;  // payloads of commands that wait for a worker

  // What the scheduler keeps ready
  std::map<ShapeId, Shape> shapes;
  std::map<std::string, ShapeId> shape_of;
  std::set<ShapeId> open_shapes;  // with a seat and a ready step
  ShapeId next_shape = 1;
  std::map<PrincipalId, Principal> principals;
  std::map<std::string, PrincipalId> principal_of;
  PrincipalId next_principal = 1;
  std::vector<Limit> limits;
  bool plan_again = false;           // the last plan stopped at its bound
  std::set<WorkerId> with_prefetch;  // workers that listed `queued` attempts

  ArchiveState archive;

  // Time and the rest
  std::uint64_t durable_lsn = 0;  // as the shell has told; see is_durable()
  std::deque<UnsyncedAssign> unsynced_assigns;  // ascending lsn
  TimePoint now{};
  TimePoint began_at{};
  bool began = false;
  bool store_full = false;
  std::string store_detail;
  Timers timers;
  Counters counters;
  Refusals refusals;
  Ledger ledger;
  bool in_request = false;  // one is being handled and has no answer yet
  std::vector<LeaseKey> ended_logs;  // attempts with a log that ended in this step
  EventRing ring;
  std::set<WatchKey> dirty_watches;
  WatchKey pumped_upto;  // where the last step stopped among them
  std::set<JobId> dirty_jobs;  // whose derived state may have changed in this step
  std::array<std::uint64_t, task_row_count + 1> hits{};

  // How often each row of the task table was taken since construction, by number.
  const std::array<std::uint64_t, task_row_count + 1>& row_hits() const { return hits; }

  // Whether this record survives a crash, as far as known. Ephemeral brokers have nothing to wait for.
  bool is_durable(std::uint64_t record_lsn) const {
    return options.ephemeral || record_lsn <= durable_lsn;
  }
  Job* find_job(JobId id);
  const Job* find_job(JobId id) const;
  Worker* find_worker(const WorkerId& id);
  const Worker* find_worker(const WorkerId& id) const;
  // The worker of a session; nullptr when it is no worker's.
  Worker* worker_of(SessionId session);
};

inline constexpr std::size_t finished_jobs_max = 10'000;
inline constexpr std::size_t finished_tasks_max = 5'000'000;
inline constexpr std::size_t forgotten_submits_max = 1'000'000;
inline constexpr std::size_t lost_workers_max = 1'024;

}  // namespace framebus::broker
