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
#include "bench/limits/relay.h"

using namespace framebus;
using nlohmann::ordered_json;

namespace {

ordered_json spread(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {{"median", values[values.size() / 2]}, {"min", values.front()}, {"max", values.back()}};
}

ordered_json summary(const std::vector<bench::Figures>& rounds) {
  std::vector<double> rate, p50, p99, p999;
  for (const bench::Figures& round : rounds) {
    rate.push_back(round.tasks_per_s);
    p50.push_back(round.p50_us);
    p99.push_back(round.p99_us);
    p999.push_back(round.p999_us);
  }
  ordered_json out{{"tasks_per_s", spread(rate)}};
  if (*std::max_element(p50.begin(), p50.end()) > 0) {
    out["p50_us"] = spread(p50);
    out["p99_us"] = spread(p99);
    out["p999_us"] = spread(p999);
  }
  return out;
}

ordered_json summary(const std::vector<bench::RoundtripFigures>& rounds,
                     bench::Figures bench::RoundtripFigures::*run) {
  std::vector<bench::Figures> figures;
  for (const auto& round : rounds) figures.push_back(round.*run);
  return summary(figures);
}

// zmq_proxy with one and with three frames, one message at a time and with a full window.
struct Limits {
  struct Run {
    const char* name;
    unsigned frames;
    std::uint32_t window;
    std::uint64_t messages;
    std::vector<bench::Figures> rounds = {};
  };
  std::vector<Run> runs;
  std::vector<bench::Relay> relays;  // with one frame, with three

  Status measure(std::uint32_t payload, std::uint64_t seed) {
    for (Run& run : runs) {
      bench::Relay& relay = relays[run.frames == 1 ? 0 : 1];
      FRAMEBUS_ASSIGN(auto figures, relay.measure(run.messages, payload, run.window, seed));
      run.rounds.push_back(figures);
    }
    return {};
  }
};

Result<Limits> start_limits(const std::filesystem::path& folder, std::uint32_t window) {
  Limits limits;
  limits.runs = {{"zmq_proxy_one_frame_window_1", 1, 1, 5'000},
                 {"zmq_proxy_three_frames_window_1", 3, 1, 5'000},
                 {"zmq_proxy_one_frame_windowed", 1, window, 300'000},
                 {"zmq_proxy_three_frames_windowed", 3, window, 200'000}};
  for (const unsigned frames : {1u, 3u}) {
    bench::RelayOptions options;
    options.program = std::filesystem::read_symlink("/proc/self/exe").string();
    options.folder = folder;
    options.frames = frames;
    FRAMEBUS_ASSIGN(auto relay, bench::Relay::start(options));
    limits.relays.push_back(std::move(relay));
  }
  return limits;
}

int complain(const Error& error) {
  std::fprintf(stderr, "framebus-bench: %s\n", error.message.c_str());
  return error_info(error.code).exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string(argv[1]) == "relay-process")
    return bench::relay_process_main(argc, argv);
  bench::FarmOptions farm_options;
  bench::RoundtripOptions options;
  unsigned rounds = 5;
  std::uint32_t relay_window = 1024;
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
  roundtrip->add_option("--relay-window", relay_window, "messages outstanding in the raw relay")
      ->check(CLI::Range(1, 100000));
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

  auto limits = start_limits(farm_options.folder, relay_window);
  if (!limits) return complain(limits.error());

  // Interleaved: what a shared machine takes away, it takes from both.
  std::vector<bench::RoundtripFigures> figures;
  for (unsigned round = 0; round < rounds; ++round) {
    auto measured = bench::measure_roundtrip(primary, options, seed + 3 * round);
    if (!measured) return complain(measured.error());
    figures.push_back(*measured);
    if (const Status limit = limits->measure(options.payload, seed + round); !limit)
      return complain(limit.error());
  }
  ordered_json out{
      {"benchmark", "roundtrip"},
      {"parameters",
       {{"tasks", options.tasks},
        {"singles", options.singles},
        {"payload_bytes", options.payload},
        {"window", options.window},
        {"relay_window", relay_window},
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
  for (const Limits::Run& run : limits->runs) out["limit"][run.name] = summary(run.rounds);
  const auto median = [&](const char* part, const char* figure) {
    return out["limit"][part][figure]["median"].get<double>();
  };
  out["ratio"] = {{"one_job_of_all_tasks / zmq_proxy_one_frame",
                   out["one_job_of_all_tasks"]["tasks_per_s"]["median"].get<double>() /
                       median("zmq_proxy_one_frame_windowed", "tasks_per_s")},
                  {"single_jobs_windowed / zmq_proxy_one_frame",
                   out["single_jobs_windowed"]["tasks_per_s"]["median"].get<double>() /
                       median("zmq_proxy_one_frame_windowed", "tasks_per_s")},
                  {"single_jobs_window_1 p50 / zmq_proxy_three_frames p50",
                   out["single_jobs_window_1"]["p50_us"]["median"].get<double>() /
                       median("zmq_proxy_three_frames_window_1", "p50_us")}};
  std::printf("%s\n", out.dump(2).c_str());
  return 0;
}
