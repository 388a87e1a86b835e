#include "broker/core/event_ring.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace framebus::broker {
namespace {

struct Digest {
  TaskRef task;
  std::uint32_t items = 0;

  template <class List>
  void list(const List& all) {
    items = static_cast<std::uint32_t>(all.size());
    if (!all.empty()) task = all.front().task;
  }
  template <class M>
  void operator()(const M& message) {
    if constexpr (requires { message.attempts.front().task; }) {
      list(message.attempts);
    } else if constexpr (requires {
                           message.results;
                           message.results.front().task;
                         }) {
      list(message.results);
    } else if constexpr (requires { message.job.value; }) {
      task = {message.job, 0};
    }
  }
};

}  // namespace

void EventRing::note(TimePoint now, const Event& event, std::uint64_t lsn) {
  Entry& entry = entries_[count_++ % entries_.size()];
  entry = {};
  entry.at = now;
  entry.lsn = lsn;
  entry.kind = static_cast<std::uint16_t>(event.index());
  std::visit(
      [&](const auto& each) {
        if constexpr (requires { each.session; }) entry.session = each.session;
        if constexpr (requires { each.message; }) {
          Digest digest;
          std::visit(digest, each.message);
          entry.task = digest.task;
          entry.items = digest.items;
          entry.message = std::visit(
              [](const auto& message) { return std::remove_cvref_t<decltype(message)>::number; },
              each.message);
        }
      },
      event);
}

std::string EventRing::dump() const {
  static constexpr std::array kinds{"PeerHello", "PeerLost", "SendFailed",    "Received",
                                    "StorePressure", "Tick", "Synced",        "Archived",
                                    "ArchiveLoaded", "BlobsOffered", "Stopping"};
  static_assert(kinds.size() == std::variant_size_v<Event>);
  std::string out;
  const std::uint64_t shown = std::min<std::uint64_t>(count_, entries_.size());
  for (std::uint64_t each = count_ - shown; each < count_; ++each) {
    const Entry& entry = entries_[each % entries_.size()];
    char line[192];
    std::snprintf(line, sizeof line,
                  "#%llu t=%.6f lsn=%llu %s session=%llu message=%u task=%llu:%u items=%u\n",
                  static_cast<unsigned long long>(each),
                  static_cast<double>(entry.at.time_since_epoch().count()) * 1e-9,
                  static_cast<unsigned long long>(entry.lsn), kinds[entry.kind],
                  static_cast<unsigned long long>(entry.session.value), entry.message,
                  static_cast<unsigned long long>(entry.task.job.value), entry.task.index,
                  entry.items);
    out += line;
  }
  return out;
}

}  // namespace framebus::broker
