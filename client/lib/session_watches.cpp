// Session: watches. A watch outlives connections: it is sent again from the last cursor delivered.
#include "client/lib/session.h"

namespace framebus::client {

void Session::watch(std::uint64_t id, Watch watch, Effects& out) {
  if (phase_ == Phase::stopped) {
    out.push_back(WatchEnded{id, {Code::shutdown, "the connection to the broker was shut down"}});
    return;
  }
  watch.request = id;
  auto [entry, is_new] = watches_.emplace(id, Watching{std::move(watch), 0, {}});
  if (is_new && phase_ == Phase::ready) send_watch(entry->second, out);
}

void Session::send_watch(Watching& watching, Effects& out) {
  watching.generation = generation_;
  watching.again_at.reset();
  watching.sequence = 0;
  out.push_back(Transmit{watching.watch});
}

void Session::confirm(std::uint64_t id, std::uint64_t generation, std::uint64_t sequence,
                      Effects& out) {
  const auto entry = watches_.find(id);
  // An older connection's numbers mean nothing to the broker now.
  if (entry == watches_.end() || phase_ != Phase::ready || entry->second.generation != generation)
    return;
  if (generation != generation_) return;
  out.push_back(Transmit{EventsOk{id, sequence}});
}

void Session::unwatch(std::uint64_t id, Effects& out) {
  const auto entry = watches_.find(id);
  if (entry == watches_.end()) return;
  const bool is_known_there = phase_ == Phase::ready && entry->second.generation == generation_;
  watches_.erase(entry);
  if (is_known_there) out.push_back(Transmit{Unwatch{id}});
}

// Takes out what has been delivered before. The place moves event by event: several tasks may have
// ended by one record, and a connection may be lost between two of them. Then the broker begins
// with that record again, and the tasks told with the cursor `from` are known by `ended`.
void Session::on_events(TimePoint now, const Events& events, Effects& out) {
  const auto entry = watches_.find(events.request);
  if (entry == watches_.end()) return;  // unwatched while they travelled
  Watching& watching = entry->second;
  if (events.sequence <= watching.sequence) return;  // a message that came twice
  if (events.sequence != watching.sequence + 1)
    return drop(now, "events of a watch are missing", Duration::zero(), out);
  watching.sequence = events.sequence;
  Cursor& from = watching.watch.from;
  std::vector<Event> fresh;
  for (const Event& event : events.events) {
    const bool has_place = event.cursor.lsn != 0;
    const bool is_ended_task = event.kind == EventKind::task && has_place;
    if (event.kind == EventKind::live && event.cursor.lsn < from.lsn) {
      // The broker did not know the place we asked from: its history is another one, and what was
      // taken for repeats was not.
      from = {};
      watching.ended.clear();
      return drop(now, "the broker has another history than before", Duration::zero(), out);
    }
    if (is_ended_task && event.cursor.lsn < from.lsn) continue;
    if (has_place && event.cursor.lsn > from.lsn) {
      from = event.cursor;
      watching.ended.clear();
    }
    if (is_ended_task && !watching.ended.insert(event.task.task.index).second) continue;
    fresh.push_back(event);
  }
  out.push_back(Delivered{events.request, generation_, events.sequence, std::move(fresh)});
}

void Session::retry_watches(TimePoint now, Effects& out) {
  if (phase_ != Phase::ready) return;
  for (auto& [id, watching] : watches_)
    if (watching.again_at && *watching.again_at <= now) send_watch(watching, out);
}

}  // namespace framebus::client
