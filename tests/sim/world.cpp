#include "tests/sim/world.h"

#include <algorithm>
#include <cstdio>

namespace framebus::sim {
namespace {

// More happenings than this without the clock moving: something asks to be woken in the past for
// ever.
constexpr std::uint64_t at_one_moment_max = 200'000;

}  // namespace

void World::at(TimePoint when, std::function<void()> happening) {
  queue_.push_back({when < now_ ? now_ : when, order_++, std::move(happening)});
  std::push_heap(queue_.begin(), queue_.end(), is_later);
}

bool World::run_until(TimePoint end) {
  while (!is_violated() && !queue_.empty() && queue_.front().at < end) {
    std::pop_heap(queue_.begin(), queue_.end(), is_later);
    const Happening next = std::move(queue_.back());
    queue_.pop_back();
    at_this_moment_ = next.at == now_ ? at_this_moment_ + 1 : 0;
    if (at_this_moment_ > at_one_moment_max)
      violated("time goes on: a core asks for ticks without end");
    now_ = next.at;
    ++happenings_;
    next.run();
  }
  if (!is_violated() && now_ < end) now_ = end;
  return !is_violated();
}

void World::violated(const std::string& promise) {
  if (!violation_.empty()) return;
  char when[32];
  std::snprintf(when, sizeof when, "at %.6f s: ", now_s());
  violation_ = when + promise;
  violated_at_s_ = now_s();
  trace("VIOLATED " + promise);
}

void World::trace(const std::string& line) const {
  if (trace_) std::printf("%11.6f %s\n", now_s(), line.c_str());
}

}  // namespace framebus::sim
