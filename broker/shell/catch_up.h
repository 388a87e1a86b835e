// When leases may be judged after the loop has heard nobody for a while: it stood still, or the
// disk was behind and it read from no socket.
//
// What has come meanwhile is read first, a bounded part in each turn; only then does the core hear
// of the time that has passed, and by how much to extend every lease. Bounded as well: a peer that
// never stops sending does not keep leases from ending for ever. Pure. Thread rule: the loop's.
#pragma once

#include <cstddef>
#include <optional>
#include <utility>

#include "libmsg/base/time.h"

namespace framebus::broker {

class CatchUp {
 public:
  static constexpr std::size_t turns_max = 64;

  // Nobody was heard for so long before this turn; 0: nothing of the kind.
  void begin(Duration unheard) {
    if (unheard <= Duration{0}) return;
    unheard_ += unheard;
    turns_left_ = turns_max;
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
};

}  // namespace framebus::broker
