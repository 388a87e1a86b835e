// The simulated world: one clock, one queue of what will happen, one seeded source of chance.
//
// Two runs with the same seed do the same, step by step. Nothing here knows brokers or workers.
#pragma once

#include <cstdint>
#include <functional>
#include <queue>
#include <string>
#include <vector>

#include "libmsg/base/time.h"

namespace framebus::sim {

// splitmix64, in integers only: the standard distributions differ between libraries.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
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

class World {
 public:
  World(std::uint64_t seed, bool trace) : random(seed), trace_(trace) {}

  TimePoint now() const { return now_; }
  void after(Duration delay, std::function<void()> happening) {
    at(now_ + delay, std::move(happening));
  }
  void at(TimePoint when, std::function<void()> happening);
  // Lets happen what is due before `end`, until it or the first violation. False: violated.
  bool run_until(TimePoint end);

  // A broken promise. The first one ends the run.
  void violated(const std::string& promise);
  bool is_violated() const { return !violation_.empty(); }
  const std::string& violation() const { return violation_; }

  bool traces() const { return trace_; }
  void trace(const std::string& line) const;
  std::uint64_t happenings() const { return happenings_; }

  Random random;

 private:
  struct Happening {
    TimePoint at;
    std::uint64_t order;
    std::function<void()> run;
    bool operator<(const Happening& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };
  std::priority_queue<Happening> queue_;
  TimePoint now_{seconds(1)};
  std::uint64_t order_ = 0;
  std::uint64_t happenings_ = 0;
  std::uint64_t at_this_moment_ = 0;
  std::string violation_;
  bool trace_;
};

}  // namespace framebus::sim
