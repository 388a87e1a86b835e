#include "tests/sim/world.h"

#include <cstdio>

namespace framebus::sim {
namespace {

// More happenings than this without the clock moving: something asks to be woken in the past for
// ever.
constexpr std::uint64_t at_one_moment_max = 200'000;

}  // namespace

std::uint64_t Random::next() {
  std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

void World::at(TimePoint when, std::function<void()> happening) {
  queue_.push({when < now_ ? now_ : when, order_++, std::move(happening)});
}

bool World::run_until(TimePoint end) {
  while (!is_violated() && !queue_.empty() && queue_.top().at < end) {
    Happening next = queue_.top();
    queue_.pop();
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
  std::snprintf(when, sizeof when,
                "at %.6f s: ", std::chrono::duration<double>(now_.time_since_epoch()).count());
  violation_ = when + promise;
  trace("VIOLATED " + promise);
}

void World::trace(const std::string& line) const {
  if (trace_)
    std::printf("%11.6f %s\n", std::chrono::duration<double>(now_.time_since_epoch()).count(),
                line.c_str());
}

}  // namespace framebus::sim
