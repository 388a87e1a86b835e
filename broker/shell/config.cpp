// See config.h. One row for each key; --help, config/broker.json and docs/OPERATING.md print it.
#include "broker/shell/config.h"

#include <charconv>
#include <cmath>

namespace framebus::broker {
namespace {

constexpr double hour_s = 3600;
constexpr double day_s = 24 * hour_s;
constexpr double year_s = 365 * day_s;
constexpr double kib = 1024;
constexpr double mib = 1024 * kib;
constexpr double gib = 1024 * mib;
constexpr double weight_max = 1000;

ConfigKey<BrokerConfig> weight(const char* name, double BrokerConfig::*member, const char* doc) {
  return {name, member, doc, 0, weight_max, {}};
}

ConfigKey<BrokerConfig> timer(const char* name, Duration BrokerConfig::*member, const char* doc,
                              double min_s, double max_s) {
  return {name, member, doc, min_s, max_s, {}};
}

ConfigKey<BrokerConfig> bound(const char* name, std::uint32_t BrokerConfig::*member,
                              const char* doc, double max) {
  return {name, member, doc, 1, max, {}};
}

ConfigKey<BrokerConfig> size(const char* name, ByteSize BrokerConfig::*member, const char* doc,
                             double min, double max) {
  return {name, member, doc, min, max, {}};
}

ConfigKey<BrokerConfig> choice(const char* name, std::string BrokerConfig::*member, const char* doc,
                               std::vector<std::string> choices) {
  ConfigKey<BrokerConfig> key{name, member, doc};
  key.choices = std::move(choices);
  return key;
}

void add_places(std::vector<ConfigKey<BrokerConfig>>& keys) {
  using C = BrokerConfig;
  ConfigKey<C> data{
      "data", &C::data,
      "directory for everything the broker keeps; empty: $XDG_STATE_HOME/framebus/broker or "
      "~/.local/state/framebus/broker, with ephemeral a new temporary one"};
  data.environment = "FRAMEBUS_BROKER_DATA";
  keys.push_back(std::move(data));
  keys.push_back({"ephemeral", &C::ephemeral,
                  "keep jobs in memory only: no journal, no archive; every reply says so"});
  keys.push_back({"primary-endpoint", &C::primary_endpoint,
                  "where clients connect: tcp://HOST:PORT (port 0: any free one) or ipc://PATH"});
  keys.push_back({"worker-endpoint", &C::worker_endpoint, "where workers connect"});
  keys.push_back({"bulk-endpoint", &C::bulk_endpoint, "where blobs travel"});
  keys.push_back(choice("log-level", &C::log_level, "how much is logged on stderr",
                        {"trace", "debug", "info", "warning", "error", "off"}));
  keys.push_back(choice("log-format", &C::log_format, "how a log line looks", {"text", "json"}));
  keys.push_back({"json", &C::json, "print the bound endpoints as one JSON line on stdout"});
}

void add_scheduling(std::vector<ConfigKey<BrokerConfig>>& keys) {
  using C = BrokerConfig;
  keys.push_back(choice("strategy", &C::strategy, "how a worker is chosen for jobs that do not say",
                        {"roundrobin", "load"}));
  keys.push_back(
      weight("weight-cpu", &C::weight_cpu, "load score: CPU use of the worker's host, 0 to 1"));
  keys.push_back(
      weight("weight-memory", &C::weight_memory, "load score: memory use of the host, 0 to 1"));
  keys.push_back(weight("weight-gpu", &C::weight_gpu, "load score: GPU use, 0 to 1"));
  keys.push_back(
      weight("weight-gpu-memory", &C::weight_gpu_memory, "load score: GPU memory use, 0 to 1"));
  keys.push_back(weight("weight-in-flight", &C::weight_in_flight,
                        "load score: attempts it holds for each slot"));
  keys.push_back(
      weight("weight-latency", &C::weight_latency, "load score: latency / (latency + 10 ms)"));
  keys.push_back(weight("weight-bandwidth", &C::weight_bandwidth,
                        "load score, subtracted: bandwidth / (bandwidth + 1 GB/s)"));
  keys.push_back({"limits", &C::limits,
                  "named limits as NAME=AMOUNT, held by running tasks that ask for them"});
  keys.push_back(bound("max-attempts", &C::max_attempts,
                       "attempts of a task when its job does not say", 1000));
  keys.push_back(bound("crash-workers-max", &C::crash_workers_max,
                       "distinct workers a task may crash before it is dead", 1000));
  keys.push_back(
      bound("crashes-max", &C::crashes_max, "crashes of a task before it is dead", 1000));
  keys.push_back(bound("infrastructure-losses-max", &C::infrastructure_losses_max,
                       "attempts lost with their worker or lease before a task is dead", 1000));
}

void add_timers(std::vector<ConfigKey<BrokerConfig>>& keys) {
  using C = BrokerConfig;
  keys.push_back(timer("heartbeat", &C::heartbeat, "how often workers report", 0.01, 60));
  keys.push_back(timer("suspect-after", &C::suspect_after,
                       "silence after which a worker gets nothing new", 0.02, hour_s));
  keys.push_back(timer("lease", &C::lease,
                       "silence after which a worker's attempts are granted to others", 0.05,
                       24 * hour_s));
  keys.push_back(
      timer("start-within", &C::start_within,
            "an attempt with a free slot that has not started by then is granted to others", 0.05,
            24 * hour_s));
  keys.push_back(timer("cancel-grace", &C::cancel_grace,
                       "between the request to stop and the kill of an attempt", 0, hour_s));
  keys.push_back(timer("retry-base", &C::retry_base,
                       "pause before the second attempt; doubles with each further one", 0,
                       hour_s));
  keys.push_back(
      timer("retry-max", &C::retry_max, "longest pause between attempts", 0, 24 * hour_s));
  keys.push_back(timer("restart-grace", &C::restart_grace,
                       "no recovered lease expires before this time after a start", 0, hour_s));
  keys.push_back(timer("command-deadline", &C::command_deadline,
                       "until every worker has answered a command that names no deadline", 0.1,
                       24 * hour_s));
}

void add_keeping(std::vector<ConfigKey<BrokerConfig>>& keys) {
  using C = BrokerConfig;
  keys.push_back(size("disk-reserve", &C::disk_reserve,
                      "free space below which submits are refused, so that results can still be "
                      "recorded; 0: never",
                      0, 1024 * gib));
  keys.push_back(size("journal-segment", &C::journal_segment,
                      "size of each file of the journal, reserved when it is begun", mib, gib));
  keys.push_back(size("journal-backlog", &C::journal_backlog,
                      "bytes of records that may wait for the disk before the broker stops reading "
                      "from its peers",
                      64 * kib, gib));
  keys.push_back(timer("finished-jobs-kept", &C::finished_jobs_kept,
                       "how long ended jobs stay in memory; afterwards the archive answers", 1,
                       year_s));
  keys.push_back(timer("submit-ids-kept", &C::submit_ids_kept,
                       "how long a repeated submit is recognised", 60, year_s));
  keys.push_back(timer("upload-kept", &C::upload_kept,
                       "how long a job sent in parts waits for its owner to come back", 1, day_s));
  keys.push_back(
      {"archive", &C::archive, "keep ended jobs in archive.db; without it they are forgotten"});
  keys.push_back(timer("archive-after", &C::archive_after,
                       "between the end of a job and its way into the archive", 0, day_s));
  keys.push_back(timer("archive-keep", &C::archive_keep,
                       "how long the archive keeps a job after its end", 60, 100 * year_s));
  keys.push_back(size("archive-max-bytes", &C::archive_max_bytes,
                      "size of the archive above which its oldest jobs go; 0: no bound", 0,
                      1024 * 1024 * gib));
  keys.push_back(timer("archived-job-kept", &C::archived_job_kept,
                       "how long a job that was read back from the archive stays in memory unused",
                       1, day_s));
  keys.push_back(size("logs-max-bytes", &C::logs_max_bytes,
                      "all logs of attempts together; the oldest job's go first", mib,
                      1024 * 1024 * gib));
  keys.push_back(timer("blob-pin", &C::blob_pin,
                       "how long a file stays after it was put or named, though no job names it",
                       hour_s, year_s));
  keys.push_back(timer("blob-round", &C::blob_round,
                       "how long one search through all files for unused ones takes", 1,
                       30 * day_s));
}

void add_bounds(std::vector<ConfigKey<BrokerConfig>>& keys) {
  using C = BrokerConfig;
  keys.push_back(
      bound("max-workers", &C::max_workers, "workers connected at once", limits::workers_max));
  keys.push_back(bound("sessions-max", &C::sessions_max, "workers and clients connected at once",
                       limits::sessions_max));
  keys.push_back(bound("queued-tasks-max", &C::queued_tasks_max,
                       "tasks of all jobs that have not ended", limits::queued_tasks_max));
  keys.push_back({"queued-specs-max",
                  &C::queued_specs_max,
                  "bytes of all specs of jobs that have not ended",
                  mib,
                  64 * gib,
                  {}});
  keys.push_back({"outcomes-max",
                  &C::outcomes_max,
                  "bytes of results and errors of open jobs before new work is refused",
                  mib,
                  64 * gib,
                  {}});
  keys.push_back({"peer-outbox",
                  &C::peer_outbox,
                  "bytes that may wait for one peer before it is dropped as a slow consumer",
                  static_cast<double>(limits::wire_message_bytes_max),
                  gib,
                  {}});
  keys.push_back(bound("event-window", &C::event_window,
                       "Events messages to a watcher before it must confirm one", 4096));
}

Status check_relations(const BrokerConfig& config) {
  if (config.lease < 2 * config.heartbeat) {
    return fail(Code::invalid_argument, "lease: " + to_text(config.lease) +
                                            " is shorter than two heartbeats of " +
                                            to_text(config.heartbeat) + "; make it at least " +
                                            to_text(2 * config.heartbeat));
  }
  if (config.suspect_after > config.lease) {
    return fail(Code::invalid_argument, "suspect-after: " + to_text(config.suspect_after) +
                                            " is longer than lease, " + to_text(config.lease));
  }
  if (config.retry_base > config.retry_max) {
    return fail(Code::invalid_argument, "retry-base: " + to_text(config.retry_base) +
                                            " is longer than retry-max, " +
                                            to_text(config.retry_max));
  }
  return {};
}

Result<NamedLimit> parse_named_limit(const std::string& text) {
  const std::size_t equals = text.rfind('=');
  NamedLimit limit;
  if (equals != std::string::npos && equals > 0) {
    limit.name = text.substr(0, equals);
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + equals + 1, end, limit.amount);
    if (error == std::errc{} && stop == end && limit.name.size() <= limits::name_bytes_max)
      return limit;
  }
  return fail(Code::invalid_argument,
              "limits: \"" + text + "\" is not NAME=AMOUNT, for example nuke_licences=4");
}

std::uint32_t permille(double weight) {
  return static_cast<std::uint32_t>(std::lround(weight * 1000));
}

LoadWeights load_weights(const BrokerConfig& config) {
  return {permille(config.weight_cpu),       permille(config.weight_memory),
          permille(config.weight_gpu),       permille(config.weight_gpu_memory),
          permille(config.weight_in_flight), permille(config.weight_latency),
          permille(config.weight_bandwidth)};
}

}  // namespace

const ConfigTable<BrokerConfig>& broker_config_table() {
  static const ConfigTable<BrokerConfig> table = [] {
    ConfigTable<BrokerConfig> made;
    made.program = "framebus-broker";
    made.summary = "Accepts jobs, grants their tasks to workers and keeps the results.";
    add_places(made.keys);
    add_scheduling(made.keys);
    add_timers(made.keys);
    add_keeping(made.keys);
    add_bounds(made.keys);
    return made;
  }();
  return table;
}

Result<Options> core_options(const BrokerConfig& config) {
  FRAMEBUS_TRY(check_relations(config));
  Options options;
  options.default_strategy =
      config.strategy == "roundrobin" ? Strategy::roundrobin : Strategy::load;
  options.load_weights = load_weights(config);
  for (const std::string& text : config.limits) {
    FRAMEBUS_ASSIGN(NamedLimit limit, parse_named_limit(text));
    options.named_limits.push_back(std::move(limit));
  }
  options.heartbeat = config.heartbeat;
  options.suspect_after = config.suspect_after;
  options.lease = config.lease;
  options.start_within = config.start_within;
  options.cancel_grace = config.cancel_grace;
  options.retry_base = config.retry_base;
  options.retry_max = config.retry_max;
  options.restart_grace = config.restart_grace;
  options.archive = config.archive && !config.ephemeral;
  options.archive_after = config.archive_after;
  options.finished_jobs_kept = config.finished_jobs_kept;
  options.archived_job_kept = config.archived_job_kept;
  options.upload_kept = config.upload_kept;
  options.submit_ids_kept = config.submit_ids_kept;
  options.command_deadline = config.command_deadline;
  options.max_attempts_default = config.max_attempts;
  options.crash_workers_max = config.crash_workers_max;
  options.crashes_max = config.crashes_max;
  options.infrastructure_losses_max = config.infrastructure_losses_max;
  options.max_workers = config.max_workers;
  options.sessions_max = config.sessions_max;
  options.queued_tasks_max = config.queued_tasks_max;
  options.queued_spec_bytes_max = config.queued_specs_max.bytes;
  options.outcome_bytes_max = config.outcomes_max.bytes;
  options.event_window = config.event_window;
  return options;
}

}  // namespace framebus::broker
