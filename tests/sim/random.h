// The one source of chance of a simulated run: splitmix64, in integers only, because the standard
// distributions differ between libraries.
//
// Each part of the world has a stream of its own, derived from the seed and a number, so that
// leaving out one fault changes as little as possible of everything else (see shrink.h).
#pragma once

#include <cstdint>

#include "libmsg/base/time.h"

namespace framebus::sim {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  static Random derived(std::uint64_t seed, std::uint64_t stream) {
    Random mixed(seed ^ (stream * 0xd1342543de82ef95ULL));
    return Random(mixed.next());
  }
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }  // bound at least 1
  std::int64_t between(std::int64_t least, std::int64_t most) {
    return least + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(most - least) + 1));
  }
  Duration between(Duration least, Duration most) {
    return Duration{between(least.count(), most.count())};
  }
  bool happens(unsigned permille) { return below(1000) < permille; }

 private:
  std::uint64_t state_;
};

}  // namespace framebus::sim
