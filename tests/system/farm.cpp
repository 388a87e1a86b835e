// See farm.h.
#include "tests/system/farm.h"

#include <doctest/doctest.h>
#include <signal.h>

#include <cstdio>
#include <exception>
#include <fstream>
#include <sstream>

#include "tests/libmsg/blob/raw_peer.h"
#include "tests/sanitized.h"

namespace framebus::test {
namespace {

constexpr Duration start_patience = seconds(10);
constexpr std::size_t log_bytes_printed_max = 6000;

std::string tail_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  std::string whole = text.str();
  if (whole.size() > log_bytes_printed_max)
    whole = "..." + whole.substr(whole.size() - log_bytes_printed_max);
  return whole;
}

}  // namespace

void let_it_run(Duration duration) {
  eventually([] { return false; }, duration);
}

Json CliResult::json() const {
  const Json parsed = Json::parse(output, nullptr, false);
  REQUIRE_MESSAGE(!parsed.is_discarded(), "no JSON on stdout: " << output << "\n" << errors);
  return parsed;
}

Farm::Farm(Unstarted) : exceptions_at_start_(std::uncaught_exceptions()) {}

Farm::Farm(Words broker_flags, Sockets sockets, Keeps keeps) : Farm(Unstarted{}) {
  keeps_ = keeps;
  if (sockets == Sockets::ipc) choose_ipc();
  start_broker(broker_flags);
}

std::unique_ptr<Farm> Farm::without_broker(Keeps keeps) {
  std::unique_ptr<Farm> farm(new Farm(Unstarted{}));
  farm->keeps_ = keeps;
  farm->choose_ipc();
  return farm;
}

Farm::~Farm() {
  if (std::uncaught_exceptions() > exceptions_at_start_) print_logs();
}

void Farm::choose_ipc() {
  primary_ = "ipc://" + path("primary").string();
  worker_ = "ipc://" + path("worker").string();
  bulk_ = "ipc://" + path("bulk").string();
}

void Farm::choose_tcp() {
  primary_ = worker_ = bulk_ = "tcp://127.0.0.1:0";
}

Words Farm::environment(const std::string& home) const {
  Words variables = {"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=" + home,
                     "TMPDIR=" + directory_.path().string(), "LC_ALL=C.UTF-8"};
  for (std::string& each : testing::sanitizer_variables()) variables.push_back(std::move(each));
  return variables;
}

std::unique_ptr<ChildProcess> Farm::launch(const std::string& program, const Words& arguments,
                                           const std::string& name) {
  const std::filesystem::path home = path(name);
  std::filesystem::create_directories(home);
  ChildProcess::Start start;
  start.program = std::filesystem::path(FRAMEBUS_BIN_DIR) / program;
  REQUIRE_MESSAGE(std::filesystem::exists(start.program), start.program.string()
                                                              << " has not been built");
  start.arguments = arguments;
  if (const Words& prefix = prefixes_[program]; !prefix.empty()) {
    start.arguments.assign(prefix.begin() + 1, prefix.end());
    start.arguments.push_back(start.program);
    start.arguments.insert(start.arguments.end(), arguments.begin(), arguments.end());
    start.program = prefix.front();
  }
  start.environment = environment(home);
  if (program == "framebus") start.environment.push_back("FRAMEBUS_BROKER=" + primary_);
  start.log_stem = home / "log";
  log_stems_.push_back(start.log_stem);
  return std::make_unique<ChildProcess>(std::move(start));
}

ChildProcess& Farm::start_broker(const Words& flags) {
  Words arguments = {"--data",            broker_data(), "--primary-endpoint", primary_,
                     "--worker-endpoint", worker_,       "--bulk-endpoint",    bulk_,
                     "--log-level",       "debug",       "--json"};
  if (keeps_ == Keeps::nothing) arguments.insert(arguments.begin(), "--ephemeral");
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  broker_ = launch("framebus-broker", arguments, "broker-" + std::to_string(next_number_++));
  const bool listens = eventually(
      [&] { return broker_->output().find('\n') != std::string::npos || !broker_->is_running(); },
      start_patience);
  if (!listens || !broker_->is_running()) give_up("the broker did not start");
  const Json facts = Json::parse(broker_->output());
  primary_ = facts.at("primary");
  worker_ = facts.at("worker");
  bulk_ = facts.at("bulk");
  return *broker_;
}

int Farm::stop_broker() {
  broker_->signal(SIGTERM);
  const auto code = broker_->wait_exit(seconds(10));
  if (!code) give_up("the broker did not end on SIGTERM");
  return *code;
}

void Farm::kill_broker() {
  broker_->signal(SIGKILL);
  if (!broker_->wait_exit(seconds(10))) give_up("the broker did not end on SIGKILL");
}

ChildProcess& Farm::worker(const Words& flags, const std::string& data) {
  const std::string name = "worker-" + std::to_string(next_number_++);
  const std::string own_data = path(name) / "data";
  Words arguments = {"--broker",    worker_, "--data", data.empty() ? own_data : data,
                     "--log-level", "debug"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  processes_.push_back(launch("framebus-worker", arguments, name));
  return *processes_.back();
}

ChildProcess& Farm::start(const std::string& program, const Words& arguments) {
  processes_.push_back(launch(program, arguments, program + "-" + std::to_string(next_number_++)));
  return *processes_.back();
}

void Farm::wait_for_workers(std::size_t count, Duration patience) {
  wait_for(
      {"workers"},
      [&](const Json& reply) {
        std::size_t ready = 0;
        for (const Json& each : reply.at("workers")) {
          const std::string state = each.at("state");
          ready += state == "ready" || state == "busy";
        }
        return ready >= count;
      },
      patience);
}

CliResult Farm::cli(const Words& arguments, Duration patience) {
  const auto process = launch("framebus", arguments, "cli-" + std::to_string(next_number_++));
  const auto code = process->wait_exit(patience);
  if (!code) {
    std::string line = "framebus";
    for (const std::string& word : arguments) line += " " + word;
    give_up(line + ": no end after " + std::to_string(to_ms(patience)) + " ms");
  }
  log_stems_.pop_back();  // its output is in the result; hundreds of polls would bury the logs that
                          // matter
  return {*code, process->output(), process->errors()};
}

Json Farm::json(Words arguments) {
  arguments.push_back("--json");
  const CliResult result = cli(arguments);
  REQUIRE_MESSAGE(result.exit_code == 0,
                  "framebus " << arguments.front() << ": " << result.errors << result.output);
  return result.json();
}

std::string Farm::submit(const std::string& job_text, const Words& flags) {
  const auto file = write_file("job-" + std::to_string(next_number_++) + ".json", job_text);
  Words arguments = {"submit", file};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  return std::to_string(json(arguments).at("job_id").get<std::uint64_t>());
}

Json Farm::wait_for(const Words& arguments, const std::function<bool(const Json&)>& condition,
                    Duration patience) {
  Json last;
  const bool held = eventually(
      [&] {
        last = json(arguments);
        return condition(last);
      },
      patience);
  if (held) return last;
  std::string line = "never came true: framebus";
  for (const std::string& word : arguments) line += " " + word;
  give_up(line + "; last: " + last.dump());
}

Json Farm::wait_for_state(const std::string& job, const std::string& state, Duration patience) {
  return wait_for(
      {"job", job}, [&](const Json& reply) { return reply.at("state") == state; }, patience);
}

void Farm::wait_for_running(const std::string& job, std::size_t count) {
  wait_for({"job", job},
           [&](const Json& reply) { return reply.at("counts").at("running") == count; });
}

std::uint64_t Farm::counter(const std::string& name) {
  return json({"status"}).at("counters").value(name, std::uint64_t{0});
}

void Farm::wait_for_counter(const std::string& name, std::uint64_t at_least) {
  wait_for({"status"}, [&](const Json& reply) {
    return reply.at("counters").value(name, std::uint64_t{0}) >= at_least;
  });
}

std::filesystem::path Farm::write_file(const std::string& name, const std::string& text) const {
  const std::filesystem::path file = path(name);
  std::ofstream(file, std::ios::binary) << text;
  return file;
}

void Farm::give_up(const std::string& what) {
  FAIL(what);
  std::abort();  // FAIL throws; the compiler does not know
}

void Farm::print_logs() const {
  for (const auto& stem : log_stems_) {
    for (const char* kind : {".out", ".err"}) {
      const std::string text = tail_of(stem.string() + kind);
      if (!text.empty()) std::fprintf(stderr, "---- %s%s\n%s\n", stem.c_str(), kind, text.c_str());
    }
  }
}

}  // namespace framebus::test
