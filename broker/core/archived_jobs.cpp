// Requests about jobs that only the archive has, and the copies that are made for them.
#include <algorithm>

#include "broker/core/apply.h"
#include "broker/core/archive.h"
#include "broker/core/bounds.h"
#include "broker/core/job_image.h"
#include "broker/core/router.h"

namespace framebus::broker {
namespace {

constexpr std::int64_t unreadable_retry_ms = 5'000;

// The job that a request can not be handled without.
struct JobNamed {
  JobId operator()(const Act& message) const { return message.job; }
  JobId operator()(const Watch& message) const { return message.job; }
  JobId operator()(const LogRead& message) const { return message.task.job; }
  JobId operator()(const Query& message) const {
    const bool of_job = message.kind == QueryKind::job || message.kind == QueryKind::tasks ||
                        message.kind == QueryKind::explain || message.kind == QueryKind::spec;
    return of_job ? message.task.job : JobId{};
  }
  template <class M>
  JobId operator()(const M&) const {
    return {};
  }
};

std::uint64_t request_of(const Message& message) {
  return std::visit(
      [](const auto& each) -> std::uint64_t {
        if constexpr (requires { each.request; }) {
          return each.request;
        } else {
          return 0;
        }
      },
      message);
}

void refuse_parked(Turn& turn, const Received& event, const Error& error) {
  turn.refuse(event.session, request_of(event.message), error);
}

// Asks for what is waited for, a few jobs at a time.
void ask_archive(Turn& turn) {
  ArchiveState& archive = turn.state.archive;
  for (auto& [id, load] : archive.loads) {
    if (archive.loads_out >= archive_loads_out_max) return;
    if (load.asked) continue;
    load.asked = true;
    ++archive.loads_out;
    ++turn.state.counters.archive_loads;
    turn.out.emplace_back(LoadArchived{id});
  }
}

void remove_copy(State& state, JobId id) {
  const Job& copy = *state.find_job(id);
  --state.archive.copies;
  state.archive.copy_tasks -= copy.tasks.size();
  state.archive.copy_bytes -= copy.spec_bytes + copy.outcome_bytes;
  remove_job(state, id);
}

bool has_room(const State& state, std::uint64_t tasks, std::uint64_t bytes) {
  const ArchiveState& archive = state.archive;
  if (archive.copies == 0) return true;
  return archive.copies < archived_copies_max &&
         archive.copy_tasks + tasks <= archived_copy_tasks_max &&
         archive.copy_bytes + bytes <= archived_copy_bytes_max;
}

// Whether there is none even when every copy has gone that nobody watches: the bound that is in the
// way. O(jobs): rare.
Status check_room_beside_watched(State& state, std::uint64_t tasks, std::uint64_t bytes) {
  std::uint64_t copies = 0;
  for (const auto& [id, job] : state.jobs) {
    if (!job.from_archive || job.watches.empty()) continue;
    ++copies;
    tasks += job.tasks.size();
    bytes += job.spec_bytes + job.outcome_bytes;
  }
  if (copies == 0) return {};
  const auto refuse = [&state](Bound bound, std::uint64_t limit, std::uint64_t found) {
    return fail(
        refuse_bound(state.refusals, bound, limit, found, "the others are all being watched"));
  };
  if (bytes > archived_copy_bytes_max)
    return refuse(Bound::archived_copy_bytes, archived_copy_bytes_max, bytes);
  if (tasks > archived_copy_tasks_max)
    return refuse(Bound::archived_copy_tasks, archived_copy_tasks_max, tasks);
  if (copies >= archived_copies_max)
    return refuse(Bound::archived_copies, archived_copies_max, copies + 1);
  return {};
}

// The copy that nobody watches and that was asked for the longest ago. O(jobs): rare.
const Job* oldest_copy(const State& state) {
  const Job* oldest = nullptr;
  for (const auto& [id, job] : state.jobs) {
    if (!job.from_archive || !job.watches.empty()) continue;
    if (oldest == nullptr || job.used_at < oldest->used_at) oldest = &job;
  }
  return oldest;
}

// Looks first: what is dropped for nothing has to be read again.
Status make_room(State& state, std::uint64_t tasks, std::uint64_t bytes) {
  if (has_room(state, tasks, bytes)) return {};
  FRAMEBUS_TRY(check_room_beside_watched(state, tasks, bytes));
  while (!has_room(state, tasks, bytes)) remove_copy(state, oldest_copy(state)->id);
  return {};
}

void arm_copy(State& state, JobId id, TimePoint from) {
  const TimePoint at = from + state.options.archived_job_kept;
  state.timers.arm({at, TimerKind::drop_copy, TaskRef{id, 0}, {}, 0, 0});
}

Status insert_copy(Turn& turn, const ArchiveLoaded& event) {
  State& state = turn.state;
  FRAMEBUS_TRY(check_pieces(state, event.job, event.pieces));
  const JobImage& head = event.pieces.front();
  Job made;
  for (const JobImage& piece : event.pieces) add_piece(state, made, piece);
  FRAMEBUS_TRY(make_room(state, head.task_count, bytes_of(made.spec) + made.outcome_bytes));
  Job& copy = finish_image(state, std::move(made), head.owner, head.last_lsn);
  copy.from_archive = true;
  copy.archived = true;
  copy.used_at = turn.now();
  ++state.archive.copies;
  state.archive.copy_tasks += copy.tasks.size();
  state.archive.copy_bytes += copy.spec_bytes + copy.outcome_bytes;
  arm_copy(state, copy.id, turn.now());
  return {};
}

// What the archive said, for those who wait: no error when they can be handled now.
Status take_in(Turn& turn, const ArchiveLoaded& event) {
  if (!event.error.empty()) {
    return fail(Code::unavailable, "the archive can not be read: " + event.error,
                unreadable_retry_ms);
  }
  const bool has_nothing_to_add = event.pieces.empty() || turn.state.find_job(event.job) != nullptr;
  return has_nothing_to_add ? Status{} : insert_copy(turn, event);
}

template <class Which>
void drop_parked(State& state, Which&& which) {
  ArchiveState& archive = state.archive;
  if (archive.parked == 0) return;
  for (auto& [id, load] : archive.loads) {
    for (const Received& each : load.requests) {
      if (which(each)) archive.parked_bytes -= bytes_of(each);
    }
    const auto dropped = static_cast<std::uint32_t>(std::erase_if(load.requests, which));
    archive.parked -= dropped;
    state.ledger.requests_dropped += dropped;
  }
  std::erase_if(archive.loads, [](const auto& each) {
    return !each.second.asked && each.second.requests.empty();
  });
}

}  // namespace

std::uint64_t bytes_of(const Received& request) {
  std::uint64_t bytes = sizeof request;
  if (const auto* act = std::get_if<Act>(&request.message)) {
    bytes += act->tasks.size() * sizeof(std::uint32_t);
  }
  return bytes;  // of no other that may wait does the size vary
}

bool park_request(Turn& turn, const Received& event) {
  State& state = turn.state;
  const JobId id = std::visit(JobNamed{}, event.message);
  if (id.is_none()) return false;
  if (Job* job = state.find_job(id)) {
    job->used_at = turn.now();
    return false;
  }
  if (!state.options.archive || id.value >= state.next_job) return false;
  ArchiveState& archive = state.archive;
  if (archive.parked >= limits::parked_requests_max) {
    refuse_parked(turn, event,
                  refuse_bound(state.refusals, Bound::parked_requests, limits::parked_requests_max,
                               archive.parked + 1, "job " + to_string(id)));
    return true;
  }
  const std::uint64_t bytes = archive.parked_bytes + bytes_of(event);
  if (bytes > parked_request_bytes_max) {
    refuse_parked(turn, event,
                  refuse_bound(state.refusals, Bound::parked_request_bytes,
                               parked_request_bytes_max, bytes, "job " + to_string(id)));
    return true;
  }
  turn.keep_request();
  archive.loads[id].requests.push_back(event);
  ++archive.parked;
  archive.parked_bytes = bytes;
  ++state.counters.requests_parked;
  ask_archive(turn);
  return true;
}

void on_archive_loaded(Turn& turn, const ArchiveLoaded& event) {
  ArchiveState& archive = turn.state.archive;
  const auto entry = archive.loads.find(event.job);
  if (entry == archive.loads.end() || !entry->second.asked) return;  // of an earlier life
  const std::vector<Received> requests = std::move(entry->second.requests);
  archive.loads.erase(entry);
  archive.parked -= static_cast<std::uint32_t>(requests.size());
  for (const Received& each : requests) archive.parked_bytes -= bytes_of(each);
  --archive.loads_out;
  const Status taken = requests.empty() ? Status{} : take_in(turn, event);
  if (!taken) {
    turn.note(taken.error().code == Code::data_loss ? 3 : 2,
              "job " + to_string(event.job) + ": " + taken.error().message);
  }
  for (const Received& request : requests) {
    turn.resume_request();
    if (taken) {
      handle_parked(turn, request);
    } else {
      refuse_parked(turn, request, taken.error());
    }
  }
  ask_archive(turn);
}

void on_copy_due(Turn& turn, JobId id) {
  State& state = turn.state;
  const Job* job = state.find_job(id);
  if (job == nullptr || !job->from_archive) return;
  if (!job->watches.empty()) return arm_copy(state, id, turn.now());
  if (job->used_at + state.options.archived_job_kept > turn.now()) {
    return arm_copy(state, id, job->used_at);
  }
  remove_copy(state, id);
}

void fail_parked(Turn& turn, Code code, const std::string& message) {
  ArchiveState& archive = turn.state.archive;
  for (auto& [id, load] : archive.loads) {
    for (const Received& request : load.requests) {
      turn.resume_request();
      refuse_parked(turn, request, {code, message, 0});
    }
    load.requests.clear();
  }
  archive.parked = 0;
  archive.parked_bytes = 0;
  std::erase_if(archive.loads, [](const auto& each) { return !each.second.asked; });
}

void drop_parked_of(State& state, SessionId session) {
  drop_parked(state, [&](const Received& each) { return each.session == session; });
}

void drop_parked_watch(State& state, SessionId session, std::uint64_t request) {
  drop_parked(state, [&](const Received& each) {
    const auto* watch = std::get_if<Watch>(&each.message);
    return each.session == session && watch != nullptr && watch->request == request;
  });
}

Job& revive_job(Turn& turn, JobId id) {
  State& state = turn.state;
  const Job& copy = *state.find_job(id);
  std::vector<JobImage> pieces;
  std::uint32_t next = 0;
  while (next < copy.tasks.size()) {
    pieces.push_back(make_piece(state, copy, next));
    next = next_task_of(pieces.back());
  }
  std::set<WatchKey> watches = copy.watches;
  std::set<WatchKey> awake = copy.awake;
  remove_copy(state, id);
  for (JobImage& piece : pieces) turn.persist(JobRevived{std::move(piece)});
  Job& job = *state.find_job(id);
  // Their places in the log of ended tasks are the same; of a copy there were no changes to tell.
  job.watches = std::move(watches);
  job.awake = std::move(awake);
  ++state.counters.jobs_revived;
  turn.note(1, "job " + to_string(id) + " is back from the archive");
  return job;
}

void on_list_archived(Turn& turn, SessionId session, const Query& query) {
  if (turn.state.options.archive) {
    turn.hand_on_request();
    turn.out.emplace_back(ListArchived{session, query});
    return;
  }
  turn.refuse(session, query.request, Code::failed_precondition,
              "kind archive: this broker keeps no archive (it runs with --ephemeral, or the "
              "archive is switched off)");
}

}  // namespace framebus::broker
