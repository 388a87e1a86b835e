// sim: runs the simulation for one seed or many, prints what was broken and how to run it again.
//
//   sim --seed 7 [--minutes 10] [--bug NAME] [--replay] [--shrink]
//       [--only-faults 3,17|none] [--without delays,executors,syncs] [--until SECONDS]
//   sim --seeds 1..2000 [--minutes 10]
//   sim --soak-minutes 10        seeds nobody has tried, until so many minutes are over
//   sim --bugs                   every planted bug: the first seed that finds it
//   --rows: how often each row of the task table was taken; --json: one object a line
//
// The first broken seed is shrunk (--no-shrink: not). Exit code 0: every promise was kept; 1: one
// was broken; 2: wrong arguments.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>

#include "broker/core/tables.h"
#include "tests/sim/apart.h"
#include "tests/sim/shrink.h"

namespace framebus::sim {
namespace {

constexpr unsigned shrink_trials = 400;
constexpr std::uint64_t seeds_per_bug = 200;

struct Arguments {
  Setup setup;
  std::uint64_t last_seed = 1;
  double soak_minutes = 0;
  bool all_bugs = false;
  bool rows = false;
  bool json = false;
  bool shrinks = true;
};

// Of the sources this was built from, as they are now.
std::string commit() {
  std::string text;
  if (FILE* git =
          ::popen("git -C " FRAMEBUS_SOURCE_DIR " rev-parse --short HEAD 2>/dev/null", "r")) {
    char line[64];
    if (std::fgets(line, sizeof line, git) != nullptr) text = line;
    ::pclose(git);
  }
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text.empty() ? "unknown" : text;
}

void print_usage(FILE* out) {
  std::fprintf(out,
               "Usage: sim --seed N | --seeds N..M | --soak-minutes N | --bugs\n"
               "           [--minutes M] [--bug NAME] [--only-faults N,N|none]\n"
               "           [--without FEATURE,FEATURE] [--until S] [--replay] [--killer] [--rows]\n"
               "           [--json] [--no-shrink]\n"
               "features:");
  for (const FeatureInfo& each : feature_table)
    std::fprintf(out, " %.*s", static_cast<int>(each.name.size()), each.name.data());
  std::fprintf(out, "\nbugs:\n");
  for (const BugInfo& each : bug_table)
    std::fprintf(out, "  %.*s: %.*s\n", static_cast<int>(each.name.size()), each.name.data(),
                 static_cast<int>(each.meaning.size()), each.meaning.data());
}

[[noreturn]] void refuse(const char* word) {
  std::fprintf(stderr, "sim: '%s' is not understood.\n", word);
  print_usage(stderr);
  std::exit(2);
}

void parse_faults(std::string_view list, Filter& filter) {
  filter.all = false;
  if (list == "none") return;
  while (!list.empty()) {
    const std::string number(list.substr(0, list.find(',')));
    filter.only.insert(static_cast<std::uint32_t>(std::strtoul(number.c_str(), nullptr, 10)));
    list.remove_prefix(std::min(list.size(), number.size() + 1));
  }
}

void parse_features(std::string_view list, Filter& filter) {
  for (const FeatureInfo& each : feature_table)
    if (list.find(each.name) != std::string_view::npos)
      filter.without |= static_cast<std::uint8_t>(each.feature);
}

void parse_seeds(std::string_view range, Arguments& arguments) {
  arguments.setup.seed = std::strtoull(range.data(), nullptr, 10);
  const std::size_t dots = range.find("..");
  arguments.last_seed = dots == std::string_view::npos
                            ? arguments.setup.seed
                            : std::strtoull(range.data() + dots + 2, nullptr, 10);
}

void parse_value(const char* name, const char* value, Arguments& arguments) {
  const std::string_view word = name;
  Setup& setup = arguments.setup;
  if (word == "--seed" || word == "--seeds") {
    parse_seeds(value, arguments);
  } else if (word == "--minutes") {
    setup.minutes = std::strtoll(value, nullptr, 10);
  } else if (word == "--until") {
    setup.filter.until_s = std::strtod(value, nullptr);
  } else if (word == "--soak-minutes") {
    arguments.soak_minutes = std::strtod(value, nullptr);
  } else if (word == "--only-faults") {
    parse_faults(value, setup.filter);
  } else if (word == "--without") {
    parse_features(value, setup.filter);
  } else if (word == "--bug") {
    const auto bug = bug_named(value);
    if (!bug) refuse(value);
    setup.bug = *bug;
  } else {
    refuse(name);
  }
}

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--help" || word == "-h") {
      print_usage(stdout);
      std::exit(0);
    } else if (word == "--replay") {
      arguments.setup.trace = true;
    } else if (word == "--killer") {
      arguments.setup.killer = true;
    } else if (word == "--rows") {
      arguments.rows = true;
    } else if (word == "--json") {
      arguments.json = true;
    } else if (word == "--no-shrink") {
      arguments.shrinks = false;
    } else if (word == "--bugs") {
      arguments.all_bugs = true;
    } else if (i + 1 < argc) {
      parse_value(argv[i], argv[i + 1], arguments);
      ++i;
    } else {
      refuse(argv[i]);
    }
  }
  if (arguments.setup.trace) arguments.shrinks = false;
  return arguments;
}

void print_rows(const RowHits& hits) {
  for (std::size_t row = 1; row < hits.size(); ++row)
    std::printf("row %2zu %10llu  %.*s\n", row, static_cast<unsigned long long>(hits[row]),
                static_cast<int>(broker::task_rows[row].event.size()),
                broker::task_rows[row].event.data());
}

void print(const Setup& setup, const Report& report, bool json) {
  const char* format =
      json
          ? "{\"seed\": %llu, \"broken\": %s, \"virtual_s\": %.0f, \"happenings\": %llu, \"jobs\": "
            "%llu, \"records\": %llu, \"commands\": %llu, \"archived\": %llu, \"disk\": \"%s\"}\n"
          : "seed %llu: broken %s, %.0f virtual seconds, %llu happenings, %llu jobs, %llu records, "
            "%llu commands, %llu archived, %s\n";
  std::printf(
      format, static_cast<unsigned long long>(setup.seed),
      report.violation.empty() ? "false" : "true", report.virtual_s,
      static_cast<unsigned long long>(report.happenings),
      static_cast<unsigned long long>(report.jobs), static_cast<unsigned long long>(report.records),
      static_cast<unsigned long long>(report.commands),
      static_cast<unsigned long long>(report.archived), report.real_disk ? "journal" : "model");
}

class Runner {
 public:
  explicit Runner(const Arguments& arguments) : arguments_(arguments) {}

  void one(const Setup& setup) {
    // A trace is wanted on this terminal; everything else survives a failed CHECK.
    const Report report = setup.trace ? simulate(setup) : simulate_apart(setup);
    ++seeds_;
    for (std::size_t row = 0; row < hits_.size(); ++row) hits_[row] += report.row_hits[row];
    if (arguments_.json || arguments_.setup.seed == arguments_.last_seed)
      print(setup, report, arguments_.json);
    if (report.violation.empty()) return;
    std::printf("seed %llu: BROKEN %s\n  run again: %s\n",
                static_cast<unsigned long long>(setup.seed), report.violation.c_str(),
                how_to_rerun(setup).c_str());
    if (++broken_ == 1 && arguments_.shrinks)
      std::printf("  shrunk: %s", describe(shrink(setup, report, shrink_trials)).c_str());
    std::fflush(stdout);
  }

  int end() {
    if (arguments_.rows) print_rows(hits_);
    std::printf("%llu seeds, %d broken (commit %s)\n", static_cast<unsigned long long>(seeds_),
                broken_, commit().c_str());
    return broken_ == 0 ? 0 : 1;
  }
  int broken() const { return broken_; }

 private:
  const Arguments& arguments_;
  RowHits hits_{};
  std::uint64_t seeds_ = 0;
  int broken_ = 0;
};

int soak(Runner& runner, const Arguments& arguments) {
  std::random_device entropy;
  Setup setup = arguments.setup;
  setup.seed = (std::uint64_t{entropy()} << 16) ^ entropy();
  std::printf("sim: from seed %llu on\n", static_cast<unsigned long long>(setup.seed));
  std::fflush(stdout);
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::duration<double, std::ratio<60>>(arguments.soak_minutes);
  for (; std::chrono::steady_clock::now() < end && runner.broken() == 0; ++setup.seed)
    runner.one(setup);
  return runner.end();
}

int find_bugs(const Arguments& arguments) {
  int missed = 0;
  for (const BugInfo& planted : bug_table) {
    if (planted.bug == Bug::none) continue;
    Setup setup = arguments.setup;
    setup.bug = planted.bug;
    std::string found;
    for (setup.seed = 1; found.empty() && setup.seed <= seeds_per_bug; ++setup.seed)
      found = simulate_apart(setup).violation;
    missed += found.empty() ? 1 : 0;
    std::printf("%-24.*s %s after %llu seeds: %s\n", static_cast<int>(planted.name.size()),
                planted.name.data(), found.empty() ? "NOT FOUND" : "found",
                static_cast<unsigned long long>(setup.seed - 1), found.c_str());
    std::fflush(stdout);
  }
  return missed == 0 ? 0 : 1;
}

int run(int argc, char** argv) {
  Arguments arguments = parse(argc, argv);
  if (arguments.all_bugs) return find_bugs(arguments);
  Runner runner(arguments);
  if (arguments.soak_minutes > 0) return soak(runner, arguments);
  for (Setup setup = arguments.setup; setup.seed <= arguments.last_seed; ++setup.seed)
    runner.one(setup);
  return runner.end();
}

}  // namespace
}  // namespace framebus::sim

int main(int argc, char** argv) {
  return framebus::sim::run(argc, argv);
}
