// When leases may be judged after the loop has heard nobody for a while: it stood still, or the
// disk was behind and it read from no socket.
//
// What has come meanwhile is read first, a bounded part in each turn; only then does the core hear
// of the time that has passed, and by how much to extend every lease. Bounded in turns and in time,
// however often the loop stands still meanwhile: neither a peer that never stops sending nor a disk
// that stays slow keeps timers from firing. Pure. Thread rule: the loop's.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "libmsg/base/time.h"

namespace framebus::broker {

class CatchUp {
 public:
  static constexpr std::size_t turns_max = 64;
  static constexpr Duration time_max = seconds(10);

  // A turn begins; nobody was heard for so long before it. 0: nothing of the kind.
  void begin(TimePoint now, Duration unheard) {
    if (unheard > Duration{0}) {
      // Only once until the next judgement: each turn of a slow disk comes late again.
      if (unheard_ == Duration{0}) {
        turns_left_ = turns_max;
        until_ = now + time_max;
      }
      unheard_ += unheard;
    }
    if (now >= until_) turns_left_ = 0;
  }
  // After this turn's reading: by how much to extend the leases before they are judged. None: what
  // has come is not read yet (`more_waits`).
  std::optional<Duration> judge(bool more_waits) {
    if (more_waits && turns_left_ > 0) {
      --turns_left_;
      return std::nullopt;
    }
    turns_left_ = 0;
    return std::exchange(unheard_, Duration{0});
  }

 private:
  Duration unheard_{0};
  std::size_t turns_left_ = 0;
  TimePoint until_{};
};

}  // namespace framebus::broker
