#include "worker/shell/config.h"

#include <unistd.h>

#include "libmsg/base/limits.h"
#include "libmsg/transport/transport.h"
#include "worker/shell/host_info.h"

namespace framebus::worker {

const ConfigTable<WorkerConfig>& worker_config_table() {
  using C = WorkerConfig;
  static const double any = std::numeric_limits<double>::infinity();
  static const ConfigTable<WorkerConfig> table = {
      "framebus-worker",
      "Offers slots to a broker and executes its tasks.",
      {
          {"broker",
           &C::broker,
           "worker endpoint of the broker; start order does not matter",
           -any,
           any,
           {},
           "FRAMEBUS_WORKER_BROKER"},
          {"cpu", &C::cpu, "execute on the CPU only (what this build always does)", -any, any, {}},
          {"gpu",
           &C::gpu,
           "UUID or index of the one GPU to execute on; needs a build with CUDA",
           -any,
           any,
           {}},
          {"all-gpus",
           &C::all_gpus,
           "one worker for each GPU; needs a build with CUDA",
           -any,
           any,
           {}},
          {"slots", &C::slots, "tasks executed at once", 1, limits::slots_per_worker_max, {}},
          {"prefetch",
           &C::prefetch,
           "tasks taken beyond the slots, so that no slot waits for a round trip",
           0,
           4096,
           {}},
          {"threads",
           &C::threads,
           "CPU threads used by all slots together; 0: all of the machine",
           0,
           4096,
           {}},
          {"data",
           &C::data,
           "directory for identity and cache; empty: ~/.local/state/framebus/worker",
           -any,
           any,
           {},
           "FRAMEBUS_WORKER_DATA"},
          {"label", &C::label, "KEY=VALUE that jobs can require; may be repeated", -any, any, {}},
          {"task-type",
           &C::task_type,
           "task types to offer; may be repeated; none: all of this build",
           -any,
           any,
           {}},
          {"principal", &C::principal, "name of the owner, shown by the broker", -any, any, {}},
          {"cache-size",
           &C::cache_size,
           "most bytes kept of fetched blobs; the least recently used go first",
           1 << 20,
           any,
           {}},
          {"handshake-timeout",
           &C::handshake_timeout,
           "longest wait for the broker's Welcome",
           0.05,
           600,
           {}},
          {"reconnect-interval",
           &C::reconnect_interval,
           "first wait before connecting again; doubles at each failure",
           0.01,
           60,
           {}},
          {"reconnect-max",
           &C::reconnect_max,
           "longest wait before connecting again",
           0.01,
           600,
           {}},
          {"cancel-grace",
           &C::cancel_grace,
           "time a task gets to end after its timeout, before it is killed",
           0,
           600,
           {}},
          {"orphan-timeout",
           &C::orphan_timeout,
           "how long running tasks go on without any broker",
           1,
           30 * 86400.0,
           {}},
          {"drain-wait",
           &C::drain_wait,
           "how long a draining worker waits for the broker to take its results",
           0,
           86400,
           {}},
          {"spool-size",
           &C::spool_size,
           "most bytes of results kept while no broker takes them; above it no new work is taken",
           1 << 20,
           any,
           {}},
          {"blob-spool-size",
           &C::blob_spool_size,
           "most bytes of large results on the disk until the broker has them; each slot has its "
           "part",
           1 << 20,
           any,
           {}},
          {"log-buffer-size",
           &C::log_buffer_size,
           "most bytes of task logs kept until the broker has them; 256 KiB of one task",
           1 << 20,
           any,
           {}},
          {"executors-in-process",
           &C::executors_in_process,
           "run tasks on threads of the worker instead of in processes that it can kill",
           -any,
           any,
           {}},
          {"checksum", &C::checksum, "ask for checksums of every message", -any, any, {}},
          {"log-level",
           &C::log_level,
           "least important line that is logged",
           -any,
           any,
           {"trace", "debug", "info", "warning", "error", "off"}},
          {"log-format",
           &C::log_format,
           "text, or one JSON object a line",
           -any,
           any,
           {"text", "json"}},
      }};
  return table;
}

Result<std::vector<Label>> parse_labels(const std::vector<std::string>& texts) {
  if (texts.size() > limits::labels_max)
    return fail(Code::invalid_argument, "--label: " + std::to_string(texts.size()) +
                                            " labels; at most " +
                                            std::to_string(limits::labels_max) + " are allowed");
  std::vector<Label> labels;
  for (const std::string& text : texts) {
    const std::size_t sign = text.find('=');
    if (sign == std::string::npos || sign == 0 || text.size() > limits::name_bytes_max)
      return fail(Code::invalid_argument, "--label: '" + text.substr(0, 80) +
                                              "' must be KEY=VALUE, such as room=7, of at most " +
                                              std::to_string(limits::name_bytes_max) + " bytes");
    labels.push_back({text.substr(0, sign), text.substr(sign + 1)});
  }
  return labels;
}

Status check(const WorkerConfig& config) {
  if (Status url = check_url(config.broker); !url) return fail(url.error().context("--broker"));
  FRAMEBUS_TRY(parse_labels(config.label));
  if (config.cpu && (config.all_gpus || !config.gpu.empty()))
    return fail(Code::invalid_argument,
                "--cpu and --gpu or --all-gpus exclude each other; give one of them");
  if (config.all_gpus || !config.gpu.empty()) {
    const std::string flag = config.all_gpus ? "--all-gpus" : "--gpu " + config.gpu;
    std::string text =
        flag + ": this worker executes on the CPU only and offers no GPU. Devices it can use here:";
    for (const DeviceInfo& device : host_devices())
      text += " " + device.kind + " (" + device.name + ")";
    return fail(Code::invalid_argument, text + ". Start it with --cpu, or without " + flag);
  }
  return {};
}

std::string data_directory(const WorkerConfig& config, const char* (*environment_of)(const char*)) {
  if (!config.data.empty()) return config.data;
  if (const char* state = environment_of("XDG_STATE_HOME"); state && *state)
    return std::string(state) + "/framebus/worker";
  if (const char* home = environment_of("HOME"); home && *home)
    return std::string(home) + "/.local/state/framebus/worker";
  return "/tmp/framebus-" + std::to_string(::getuid()) + "/worker";
}

}  // namespace framebus::worker
