// The simulated world: one clock, one queue of what will happen, one place for broken promises.
//
// Two runs with the same seed do the same, step by step. Nothing here knows brokers or workers.
// Thread rule: one thread runs a world; several worlds may live in several threads.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "libmsg/base/time.h"
#include "tests/sim/random.h"

namespace framebus::sim {

class World {
 public:
  World(std::uint64_t seed, bool trace) : random(seed), seed_(seed), trace_(trace) {}

  TimePoint now() const { return now_; }
  double now_s() const { return std::chrono::duration<double>(now_.time_since_epoch()).count(); }
  void after(Duration delay, std::function<void()> happening) {
    at(now_ + delay, std::move(happening));
  }
  void at(TimePoint when, std::function<void()> happening);
  // Lets happen what is due before `end`, until it or the first violation. False: violated.
  bool run_until(TimePoint end);

  // A broken promise: "the promise: what was found". The first one ends the run.
  void violated(const std::string& promise);
  bool is_violated() const { return !violation_.empty(); }
  const std::string& violation() const { return violation_; }
  double violated_at_s() const { return violated_at_s_; }

  bool traces() const { return trace_; }
  void trace(const std::string& line) const;
  std::uint64_t happenings() const { return happenings_; }
  // A stream of chance for one part of the world.
  Random stream(std::uint64_t number) const { return Random::derived(seed_, number); }

  Random random;

 private:
  struct Happening {
    TimePoint at;
    std::uint64_t order;
    std::function<void()> run;
  };
  static bool is_later(const Happening& a, const Happening& b) {
    return a.at != b.at ? a.at > b.at : a.order > b.order;
  }

  const std::uint64_t seed_;
  std::vector<Happening> queue_;  // a heap, soonest first
  TimePoint now_{seconds(1)};
  std::uint64_t order_ = 0;
  std::uint64_t happenings_ = 0;
  std::uint64_t at_this_moment_ = 0;
  std::string violation_;
  double violated_at_s_ = 0;
  bool trace_;
};

}  // namespace framebus::sim
