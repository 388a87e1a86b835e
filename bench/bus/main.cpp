// framebus-bench roundtrip: no-op tasks a second and latency through a real broker and real
// workers, each a process of its own on tcp loopback. Prints one JSON object: parameters, median
// and range over the rounds.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "bench/bus/farm.h"
#include "bench/bus/roundtrip.h"

using namespace framebus;
using nlohmann::ordered_json;

namespace {

ordered_json spread(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {{"median", values[values.size() / 2]}, {"min", values.front()}, {"max", values.back()}};
}

ordered_json summary(const std::vector<bench::RoundtripFigures>& rounds,
                     bench::Figures bench::RoundtripFigures::*run) {
  std::vector<double> rate, p50, p99, p999;
  for (const auto& round : rounds) {
    rate.push_back((round.*run).tasks_per_s);
    p50.push_back((round.*run).p50_us);
    p99.push_back((round.*run).p99_us);
    p999.push_back((round.*run).p999_us);
  }
  ordered_json out{{"tasks_per_s", spread(rate)}};
  if (*std::max_element(p50.begin(), p50.end()) > 0) {
    out["p50_us"] = spread(p50);
    out["p99_us"] = spread(p99);
    out["p999_us"] = spread(p999);
  }
  return out;
}

int complain(const Error& error) {
  std::fprintf(stderr, "framebus-bench: %s\n", error.message.c_str());
  return error_info(error.code).exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  bench::FarmOptions farm_options;
  bench::RoundtripOptions options;
  unsigned rounds = 5;
  std::uint64_t seed = std::random_device{}();

  CLI::App app("Benchmarks of the bus.", "framebus-bench");
  app.require_subcommand(1);
  CLI::App* roundtrip = app.add_subcommand("roundtrip", "no-op tasks a second, and latency");
  std::string programs = std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
  roundtrip->add_option("--programs", programs, "folder of framebus-broker and framebus-worker");
  roundtrip->add_option("--tasks", options.tasks, "tasks of the batched run")
      ->check(CLI::Range(1, 1000000));
  roundtrip->add_option("--singles", options.singles, "jobs of one task in the other runs")
      ->check(CLI::Range(1, 1000000));
  roundtrip->add_option("--payload", options.payload, "bytes each way")
      ->check(CLI::Range(0, 65536));
  roundtrip->add_option("--window", options.window, "jobs outstanding in the windowed run")
      ->check(CLI::Range(1, 100000));
  roundtrip->add_option("--workers", farm_options.workers, "worker processes")
      ->check(CLI::Range(1, 64));
  roundtrip->add_option("--slots", farm_options.slots, "of each worker")
      ->check(CLI::Range(1, 1024));
  roundtrip->add_flag("--journal", farm_options.journal,
                      "the broker keeps its journal; without it, it is ephemeral");
  roundtrip->add_option("--folder", farm_options.folder, "where everything lies, also the journal");
  roundtrip->add_option("--rounds", rounds, "repetitions")->check(CLI::Range(1, 100));
  roundtrip->add_option("--seed", seed, "of the payloads");
  CLI11_PARSE(app, argc, argv);

  farm_options.programs = programs.empty() ? "." : programs;
  auto farm = bench::Farm::start(farm_options);
  if (!farm) return complain(farm.error());
  client::PrimaryOptions primary_options;
  primary_options.broker = farm->primary_endpoint();
  primary_options.program = "framebus-bench";
  client::Primary primary(std::move(primary_options));

  std::vector<bench::RoundtripFigures> figures;
  for (unsigned round = 0; round < rounds; ++round) {
    auto measured = bench::measure_roundtrip(primary, options, seed + 3 * round);
    if (!measured) return complain(measured.error());
    figures.push_back(*measured);
  }
  ordered_json out{
      {"benchmark", "roundtrip"},
      {"parameters",
       {{"tasks", options.tasks},
        {"singles", options.singles},
        {"payload_bytes", options.payload},
        {"window", options.window},
        {"workers", farm_options.workers},
        {"slots", farm_options.slots},
        {"rounds", rounds},
        {"seed", seed},
        {"transport", "tcp loopback"},
        {"store", farm_options.journal ? "journal" : "memory"}}},
      {"single_jobs_window_1", summary(figures, &bench::RoundtripFigures::one_at_a_time)},
      {"single_jobs_windowed", summary(figures, &bench::RoundtripFigures::windowed)},
      {"one_job_of_all_tasks", summary(figures, &bench::RoundtripFigures::batched)},
      {"broker_cpu_s", farm->broker_cpu_seconds()}};
  std::printf("%s\n", out.dump(2).c_str());
  return 0;
}
