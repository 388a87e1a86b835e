// sim: runs the simulation for one seed or a range, prints what was broken and how to run it again.
//
//   sim --seed 7 --minutes 2 [--count 100] [--bug NAME] [--replay] [--rows]
//
// --replay prints everything that happens; --rows prints how often each row of the task table was
// taken. Exit code 0: every promise was kept; 1: one was broken; 2: wrong arguments.
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "broker/core/tables.h"
#include "tests/sim/simulation.h"

namespace framebus::sim {
namespace {

struct Arguments {
  Setup setup;
  std::uint64_t count = 1;
  bool rows = false;
};

[[noreturn]] void refuse(const char* word) {
  std::fprintf(stderr,
               "sim: '%s' is not understood. Usage: sim --seed N --minutes M [--count N] [--bug "
               "NAME] [--replay] [--rows]\nbugs:\n",
               word);
  for (const BugInfo& each : bug_table)
    std::fprintf(stderr, "  %.*s: %.*s\n", static_cast<int>(each.name.size()), each.name.data(),
                 static_cast<int>(each.meaning.size()), each.meaning.data());
  std::exit(2);
}

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--replay")
      arguments.setup.trace = true;
    else if (word == "--rows")
      arguments.rows = true;
    else if (i + 1 >= argc)
      refuse(argv[i]);
    else if (word == "--seed")
      arguments.setup.seed = std::strtoull(argv[++i], nullptr, 10);
    else if (word == "--minutes")
      arguments.setup.minutes = std::strtoll(argv[++i], nullptr, 10);
    else if (word == "--count")
      arguments.count = std::strtoull(argv[++i], nullptr, 10);
    else if (word == "--bug") {
      const auto bug = bug_named(argv[++i]);
      if (!bug) refuse(argv[i]);
      arguments.setup.bug = *bug;
    } else
      refuse(argv[i]);
  }
  return arguments;
}

int run(int argc, char** argv) {
  Arguments arguments = parse(argc, argv);
  RowHits hits{};
  int failures = 0;
  for (std::uint64_t i = 0; i < arguments.count; ++i, ++arguments.setup.seed) {
    const Report report = simulate(arguments.setup);
    for (std::size_t row = 0; row < hits.size(); ++row) hits[row] += report.row_hits[row];
    if (arguments.count == 1)
      std::printf("seed %llu: %llu happenings in %.0f virtual seconds, %llu jobs, %llu records\n",
                  static_cast<unsigned long long>(arguments.setup.seed),
                  static_cast<unsigned long long>(report.happenings), report.virtual_s,
                  static_cast<unsigned long long>(report.jobs),
                  static_cast<unsigned long long>(report.records));
    if (report.violation.empty()) continue;
    ++failures;
    std::printf("seed %llu: BROKEN %s\n  run again: %s\n",
                static_cast<unsigned long long>(arguments.setup.seed), report.violation.c_str(),
                how_to_rerun(arguments.setup).c_str());
  }
  if (arguments.rows)
    for (std::size_t row = 1; row < hits.size(); ++row)
      std::printf("row %2zu %10llu  %.*s\n", row, static_cast<unsigned long long>(hits[row]),
                  static_cast<int>(broker::task_rows[row].event.size()),
                  broker::task_rows[row].event.data());
  std::printf("%llu seeds, %d broken\n", static_cast<unsigned long long>(arguments.count),
              failures);
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace framebus::sim

int main(int argc, char** argv) {
  return framebus::sim::run(argc, argv);
}
