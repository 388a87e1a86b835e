#include "broker/core/watch.h"

#include <algorithm>

#include "broker/core/archive.h"
#include "broker/core/ended_log.h"
#include "broker/core/summary.h"
#include "broker/core/transition.h"

namespace framebus::broker {
namespace {

constexpr std::size_t events_per_message = 256;
constexpr std::size_t event_bytes_per_message = 128 * 1024;

std::size_t weight(const framebus::Event& event) {
  std::size_t bytes = 64 + event.task.result.size() + event.task.log_tail.size() +
                      event.task.error.message.size() + bytes_of(event.task.blobs) +
                      event.task.attempts.size() * 96 + event.job.steps.size() * 64;
  for (const AttemptSummary& attempt : event.task.attempts) bytes += attempt.error.message.size();
  return bytes;
}

// Collects the events of one message.
struct Batch {
  Events message;
  std::size_t bytes = 0;
  std::uint64_t after_lsn = 0;

  bool is_full() const {
    return message.events.size() >= events_per_message || bytes >= event_bytes_per_message;
  }
  void add(framebus::Event event, std::uint64_t lsn) {
    bytes += weight(event);
    after_lsn = std::max(after_lsn, lsn);
    message.events.push_back(std::move(event));
  }
};

// Ended tasks from the watch's position on. Several may share a record: only the last of them
// carries its lsn, so that a cursor never lies between them.
void take_ended(const State& state, const Job& job, WatchState& watch, Batch& batch) {
  while (watch.position < job.ended.size() && !batch.is_full()) {
    const EndedTask& ended = job.ended[watch.position++];
    const bool is_last =
        watch.position == job.ended.size() || job.ended[watch.position].lsn != ended.lsn;
    if (is_last) watch.seen_lsn = ended.lsn;
    if (is_stale(job, ended)) continue;
    framebus::Event event;
    event.cursor = {state.options.epoch, is_last ? ended.lsn : ended.lsn - 1};
    event.kind = EventKind::task;
    event.task = summarize_task(
        state, job, ended.index, watch.results ? Detail::result : Detail::state);
    batch.add(std::move(event), ended.lsn);
  }
}

void take_changes(const State& state, const Job& job, WatchState& watch, Batch& batch) {
  std::uint32_t index = 0;
  std::set<std::uint32_t> told;
  while (!batch.is_full() && job.changes.next(watch.changes, index)) {
    told.insert(index);
    if (is_terminal(job.tasks[index].state)) continue;  // told from the log
    framebus::Event event;
    event.kind = EventKind::task;
    event.task = summarize_task(state, job, index, Detail::state);
    batch.add(std::move(event), job.last_lsn);
  }
  while (!batch.is_full() && job.progressed.next(watch.progress, index)) {
    if (job.tasks[index].state != TaskState::running || told.contains(index)) continue;
    framebus::Event event;
    event.kind = EventKind::progress;
    event.task = summarize_progress(state, job, index);
    batch.add(std::move(event), 0);
  }
}

void take_job(const State& state, const Job& job, WatchState& watch, Batch& batch) {
  if (!watch.live && !batch.is_full()) {
    framebus::Event event;
    event.cursor = {state.options.epoch, watch.seen_lsn};
    event.kind = EventKind::live;
    event.job = summarize_job(state, job);
    batch.add(std::move(event), job.last_lsn);
    watch.live = true;
  }
  if (watch.job_changed && !batch.is_full()) {
    framebus::Event event;
    event.cursor = {state.options.epoch, watch.seen_lsn};
    event.kind = EventKind::job;
    event.job = summarize_job(state, job);
    batch.add(std::move(event), job.last_lsn);
    watch.job_changed = false;
  }
}

void take_jobs(const State& state, WatchState& watch, Batch& batch) {
  while (!watch.jobs.empty() && !batch.is_full()) {
    const Job* job = state.find_job(*watch.jobs.begin());
    watch.jobs.erase(watch.jobs.begin());
    if (job == nullptr) continue;
    framebus::Event event;
    event.kind = EventKind::job;
    event.job = summarize_job(state, *job);
    batch.add(std::move(event), job->last_lsn);
  }
  if (watch.jobs.empty() && !watch.live && !batch.is_full()) {
    framebus::Event event;
    event.kind = EventKind::live;
    batch.add(std::move(event), 0);
    watch.live = true;
  }
}

void set_awake(State& state, const WatchKey& key, const WatchState& watch, bool is_awake) {
  if (Job* job = state.find_job(watch.job)) {
    is_awake ? (void)job->awake.insert(key) : (void)job->awake.erase(key);
  }
}

// Sends what the watch's window and `budget` allow. True: there may be more, now.
bool pump(Turn& turn, const WatchKey& key, WatchState& watch, std::uint32_t& budget) {
  State& state = turn.state;
  while (watch.sequence - watch.confirmed < state.options.event_window) {
    if (budget == 0) return true;
    Batch batch;
    if (watch.job.is_none()) {
      take_jobs(state, watch, batch);
    } else {
      const Job& job = state.jobs.at(watch.job);
      take_ended(state, job, watch, batch);
      take_changes(state, job, watch, batch);
      // The job's state comes after the tasks that made it.
      if (watch.position == job.ended.size()) take_job(state, job, watch, batch);
    }
    if (batch.message.events.empty()) return false;
    --budget;
    state.counters.watch_events += batch.message.events.size();
    batch.message.request = key.second;
    batch.message.sequence = ++watch.sequence;
    watch.after_lsn = std::max(watch.after_lsn, batch.after_lsn);
    turn.send(key.first, std::move(batch.message), watch.after_lsn);
  }
  set_awake(state, key, watch, false);
  return false;
}

}  // namespace

namespace {

// Whether this broker, or an earlier start of it on the same store, has told this cursor. Events
// leave after the sync of their records, so a tail that a crash has cut off was told to nobody; a
// broker without a store begins a new history at each start.
bool is_of_this_history(const State& state, const Cursor& from) {
  if (state.options.ephemeral && from.epoch != state.options.epoch) return false;
  return from.lsn <= state.lsn && from.epoch <= state.options.epoch;
}

}  // namespace

void on_watch(Turn& turn, SessionId session, const Watch& message) {
  State& state = turn.state;
  Session& peer = state.sessions.at(session);
  const WatchKey key{session, message.request};
  if (peer.watches.contains(message.request)) {
    return turn.refuse(session, message.request, Code::already_exists,
                       "request " + std::to_string(message.request) + " names a watch already");
  }
  const auto others = state.watches_of.find(peer.principal);
  const std::uint32_t of_principal = others == state.watches_of.end() ? 0 : others->second;
  if (peer.watches.size() >= limits::watches_per_session_max) {
    return turn.refuse(session, message.request,
                       refuse_bound(state.refusals, Bound::watches_per_session,
                                    limits::watches_per_session_max, peer.watches.size() + 1,
                                    "end one with Unwatch"));
  }
  if (of_principal >= state.options.watches_per_principal_max) {
    return turn.refuse(session, message.request,
                       refuse_bound(state.refusals, Bound::watches_per_principal,
                                    state.options.watches_per_principal_max, of_principal + 1,
                                    "end one with Unwatch"));
  }
  WatchState watch;
  watch.job = message.job;
  watch.results = message.results;
  if (message.job.is_none()) {
    for (const auto& [id, job] : state.jobs) {
      if (!job.from_archive) watch.jobs.insert(id);
    }
    state.watches_of_all.insert(key);
  } else {
    Job* job = state.find_job(message.job);
    if (job == nullptr) {
      return turn.refuse(session, message.request, Code::not_found,
                         "job " + to_string(message.job) + ": there is no such job here");
    }
    if (is_of_this_history(state, message.from)) {
      const auto next = std::upper_bound(
          job->ended.begin(), job->ended.end(), message.from.lsn,
          [](std::uint64_t lsn, const EndedTask& ended) { return lsn < ended.lsn; });
      watch.position = static_cast<std::size_t>(next - job->ended.begin());
      watch.seen_lsn = message.from.lsn;
    }
    job->watches.insert(key);
    job->awake.insert(key);
    watch.changes = job->changes.end();
    watch.progress = job->progressed.end();
  }
  hit_row(state, 28);
  turn.accept_request();
  ++state.watches_of[peer.principal];
  peer.watches.insert(message.request);
  state.watches.emplace(key, std::move(watch));
  state.dirty_watches.insert(key);
}

void on_events_ok(Turn& turn, SessionId session, const EventsOk& message) {
  const auto entry = turn.state.watches.find({session, message.request});
  if (entry == turn.state.watches.end()) return;  // it crossed an Unwatch
  WatchState& watch = entry->second;
  watch.confirmed = std::max(watch.confirmed, std::min(message.sequence, watch.sequence));
  set_awake(turn.state, entry->first, watch, true);
  turn.state.dirty_watches.insert(entry->first);
}

namespace {

void drop(State& state, const WatchKey& key) {
  const auto entry = state.watches.find(key);
  if (entry == state.watches.end()) return;
  if (Job* job = state.find_job(entry->second.job)) {
    job->watches.erase(key);
    job->awake.erase(key);
    if (job->watches.empty()) {
      job->changes.clear();
      job->progressed.clear();
    }
  }
  const auto count = state.watches_of.find(state.sessions.at(key.first).principal);
  if (--count->second == 0) state.watches_of.erase(count);
  state.watches_of_all.erase(key);
  state.dirty_watches.erase(key);
  state.watches.erase(entry);
}

}  // namespace

void on_unwatch(Turn& turn, SessionId session, const Unwatch& message) {
  drop_parked_watch(turn.state, session, message.request);
  drop(turn.state, {session, message.request});
  turn.state.sessions.at(session).watches.erase(message.request);
}

void tell_watches(State& state, Job& job) {
  for (const WatchKey& key : job.watches) state.watches.at(key).job_changed = true;
  state.dirty_watches.insert(job.awake.begin(), job.awake.end());
  for (const WatchKey& key : state.watches_of_all) {
    state.watches.at(key).jobs.insert(job.id);
    state.dirty_watches.insert(key);
  }
}

bool all_are_told(const State& state, const Job& job) {
  const auto is_told = [&](const WatchKey& key) {
    const WatchState& watch = state.watches.at(key);
    return watch.position == job.ended.size() && watch.live && !watch.job_changed;
  };
  const auto has_heard = [&](const WatchKey& key) {
    return !state.watches.at(key).jobs.contains(job.id);
  };
  return std::all_of(job.watches.begin(), job.watches.end(), is_told) &&
         std::all_of(state.watches_of_all.begin(), state.watches_of_all.end(), has_heard);
}

void drop_watches_of_session(State& state, SessionId session) {
  Session& peer = state.sessions.at(session);
  for (const std::uint64_t request : peer.watches) drop(state, {session, request});
  peer.watches.clear();
}

void drop_watches_of_job(Turn& turn, JobId id) {
  const std::set<WatchKey> keys = turn.state.find_job(id)->watches;
  for (const WatchKey& key : keys) {
    const WireError error =
        wire_error(Code::not_found, "job " + to_string(id) + " has left the broker's memory");
    turn.send(key.first, ErrorReply{key.second, error}, turn.state.watches.at(key).after_lsn);
    turn.state.sessions.at(key.first).watches.erase(key.second);
    drop(turn.state, key);
  }
}

void pump_watches(Turn& turn) {
  State& state = turn.state;
  std::uint32_t budget = watch_messages_per_step;
  // From where the last step stopped, so that no watch waits for the others' replays.
  auto next = state.dirty_watches.lower_bound(state.pumped_upto);
  while (!state.dirty_watches.empty()) {
    if (next == state.dirty_watches.end()) next = state.dirty_watches.begin();
    state.pumped_upto = *next;
    if (pump(turn, *next, state.watches.at(*next), budget)) return;
    next = state.dirty_watches.erase(next);
  }
}

}  // namespace framebus::broker
