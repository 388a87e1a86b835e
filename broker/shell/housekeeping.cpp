// See housekeeping.h.
#include "broker/shell/housekeeping.h"

#include <sys/statvfs.h>

#include "libmsg/base/log.h"

namespace framebus::broker {
namespace {

constexpr Duration interval = seconds(1);

}  // namespace

Housekeeping::Housekeeping(std::filesystem::path data, const Store& store,
                           std::uint64_t disk_reserve_bytes, std::size_t sessions_max,
                           Delivery& delivery, const SessionTable& sessions)
    : data_(std::move(data)),
      store_(store),
      disk_(disk_reserve_bytes),
      sessions_max_(sessions_max),
      delivery_(delivery),
      sessions_(sessions) {}

void Housekeeping::tick(TimePoint now, std::vector<Event>& events) {
  if (now < next_) return;
  next_ = now + interval;
  struct statvfs found {};
  // When the disk does not answer, the store's own errors tell.
  if (::statvfs(data_.c_str(), &found) == 0) {
    const std::uint64_t free_bytes = static_cast<std::uint64_t>(found.f_bavail) * found.f_frsize;
    if (auto changed = disk_.judge(free_bytes, store_.stats().is_full, data_.string()))
      events.push_back(*changed);
  }
  delivery_.say_farewells();
  watch_sessions();
}

void Housekeeping::watch_sessions() {
  const bool is_crowded = sessions_.size() > sessions_max_ / 10 * 9;
  if (is_crowded && !is_crowded_) {
    log_warning("broker",
                "nine tenths of the places for peers are taken; more are refused at the "
                "limit (sessions-max, and ulimit -n)",
                {{"sessions", sessions_.size()}, {"sessions_max", sessions_max_}});
  }
  is_crowded_ = is_crowded;
}

}  // namespace framebus::broker
