#include "tests/sim/shrink.h"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "tests/sim/apart.h"

namespace framebus::sim {
namespace {

class Shrinker {
 public:
  Shrinker(const Setup& setup, const Report& failed, unsigned trials_max)
      : promise_(promise_of(failed.violation)), trials_left_(trials_max), best_{setup, failed} {
    const double end = failed.violated_at_s;
    for (const Injection& each : plan(setup.seed, setup.minutes))
      if (setup.filter.allows(each.number) &&
          (end <= 0 || std::chrono::duration<double>(each.at.time_since_epoch()).count() < end))
        left_.push_back(each.number);
    best_.before = left_.size();
  }

  Shrunk run() {
    Filter filter = best_.setup.filter;
    filter.all = false;
    filter.only = {left_.begin(), left_.end()};
    if (try_with(filter)) {
      remove_faults();
      for (const FeatureInfo& feature : feature_table) {
        Filter without = best_.setup.filter;
        without.without |= static_cast<std::uint8_t>(feature.feature);
        try_with(without);
      }
      // What one removal made needless may lie behind where the search had been.
      for (std::size_t before = 0; before != left_.size() && trials_left_ > 0;) {
        before = left_.size();
        remove_faults();
      }
      remove_pairs();
      bring_peace_sooner();
    }
    best_.after = left_.size();
    return best_;
  }

 private:
  bool try_with(const Filter& filter) {
    if (trials_left_ == 0) return false;
    --trials_left_;
    ++best_.trials;
    Setup setup = best_.setup;
    setup.filter = filter;
    Report report = simulate_apart(setup);
    if (promise_of(report.violation) != promise_) return false;
    best_.setup = setup;
    best_.report = std::move(report);
    return true;
  }

  // Ever smaller pieces, from the end: late faults are rarely needed.
  void remove_faults() {
    for (std::size_t piece = std::max<std::size_t>(left_.size() / 2, 1);; piece = (piece + 1) / 2) {
      for (std::size_t end = left_.size(); end > 0 && trials_left_ > 0;) {
        const std::size_t begin = end > piece ? end - piece : 0;
        std::vector<std::uint32_t> fewer(left_.begin(), left_.begin() + begin);
        fewer.insert(fewer.end(), left_.begin() + end, left_.end());
        Filter filter = best_.setup.filter;
        filter.only = {fewer.begin(), fewer.end()};
        if (try_with(filter)) left_ = std::move(fewer);
        end = begin;
      }
      if (piece == 1 || trials_left_ == 0) return;
    }
  }

  // Two that only together can go: a fault and what it was needed against. From the end, as above.
  void remove_pairs() {
    for (std::size_t second = left_.size(); second-- > 1;) {
      for (std::size_t first = second; first-- > 0 && trials_left_ > 0;) {
        std::vector<std::uint32_t> fewer = left_;
        fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(second));
        fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(first));
        Filter filter = best_.setup.filter;
        filter.only = {fewer.begin(), fewer.end()};
        if (!try_with(filter)) continue;
        left_ = std::move(fewer);
        second = left_.size();
        break;
      }
    }
  }

  void bring_peace_sooner() {
    const Report& report = best_.report;
    double late = report.peace_at_s > 0 ? report.peace_at_s : report.violated_at_s + 0.001;
    double early = 0;
    Filter filter = best_.setup.filter;
    filter.until_s = late;
    if (!try_with(filter)) return;
    if (report.peace_at_s == 0) return;  // it is broken before any peace
    for (int i = 0; i < 8 && late - early > 1; ++i) {
      filter.until_s = (early + late) / 2;
      (try_with(filter) ? late : early) = filter.until_s;
    }
  }

  const std::string promise_;
  unsigned trials_left_;
  Shrunk best_;
  std::vector<std::uint32_t> left_;
};

}  // namespace

std::string promise_of(const std::string& violation) {
  const std::size_t begin = violation.find(" s: ");
  if (begin == std::string::npos) return violation;
  const std::size_t end = violation.find(':', begin + 4);
  return violation.substr(begin + 4, end == std::string::npos ? end : end - begin - 4);
}

Shrunk shrink(const Setup& setup, const Report& failed, unsigned trials_max) {
  return Shrinker(setup, failed, trials_max).run();
}

std::string describe(const Shrunk& shrunk) {
  std::string text = how_to_rerun(shrunk.setup) + "\n    breaks: " + shrunk.report.violation +
                     "\n    " + std::to_string(shrunk.after) + " of " +
                     std::to_string(shrunk.before) + " faults and actions are left after " +
                     std::to_string(shrunk.trials) + " trials:\n";
  for (const Injection& each : plan(shrunk.setup.seed, shrunk.setup.minutes)) {
    if (!shrunk.setup.filter.allows(each.number)) continue;
    char line[64];
    std::snprintf(line, sizeof line, "    %6u at %8.3f s  ", each.number,
                  std::chrono::duration<double>(each.at.time_since_epoch()).count());
    text +=
        line + std::string(name_of(each.kind)) + ": " + std::string(meaning_of(each.kind)) + "\n";
  }
  return text;
}

}  // namespace framebus::sim
