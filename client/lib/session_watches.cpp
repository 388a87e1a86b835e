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
  if (is_new && phase_ == Phase::ready) send_watch(id, entry->second, out);
}

void Session::send_watch(std::uint64_t, Watching& watching, Effects& out) {
  watching.generation = generation_;
  watching.again_at.reset();
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

void Session::on_events(const Events& events, Effects& out) {
  const auto entry = watches_.find(events.request);
  if (entry == watches_.end()) return;  // unwatched while they travelled
  for (const Event& event : events.events)
    if (event.cursor.lsn != 0) entry->second.watch.from = event.cursor;
  out.push_back(Delivered{events.request, generation_, events.sequence, events.events});
}

void Session::retry_watches(TimePoint now, Effects& out) {
  if (phase_ != Phase::ready) return;
  for (auto& [id, watching] : watches_)
    if (watching.again_at && *watching.again_at <= now) send_watch(id, watching, out);
}

}  // namespace framebus::client
