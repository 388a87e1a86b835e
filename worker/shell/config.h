// What `framebus-worker` can be told: one table gives parser, --help, config/worker.json and the
// manual.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libmsg/base/config.h"
#include "libmsg/schema/parts.h"

namespace framebus::worker {

struct WorkerConfig {
  std::string broker = "tcp://127.0.0.1:7751";
  bool cpu = false;
  std::string gpu;
  bool all_gpus = false;
  std::uint32_t slots = 1;
  std::uint32_t prefetch = 2;
  std::uint32_t threads = 0;
  std::string data;
  std::vector<std::string> label;
  std::vector<std::string> task_type;
  std::string principal;
  ByteSize cache_size{20ull << 30};
  Duration handshake_timeout = seconds(5);
  Duration reconnect_interval = milliseconds(250);
  Duration reconnect_max = seconds(10);
  Duration cancel_grace = seconds(10);
  Duration orphan_timeout = seconds(3600);
  Duration drain_wait = seconds(30);
  ByteSize spool_size{64ull << 20};
  ByteSize blob_spool_size{16ull << 30};
  ByteSize log_buffer_size{64ull << 20};
  bool executors_in_process = false;
  bool checksum = true;
  std::string log_level = "info";
  std::string log_format = "text";
};

const ConfigTable<WorkerConfig>& worker_config_table();

// What the table's bounds can not say: URL, labels, devices. invalid_argument names the key.
Status check(const WorkerConfig& config);

// "room=7" -> {room, 7}. invalid_argument without '=' or with an empty key.
Result<std::vector<Label>> parse_labels(const std::vector<std::string>& texts);

// The data directory: `config.data`, or XDG_STATE_HOME/framebus/worker,
// ~/.local/state/framebus/worker, or a directory of this user under /tmp. `environment_of` is
// getenv, or a test's own.
std::string data_directory(const WorkerConfig& config, const char* (*environment_of)(const char*));

}  // namespace framebus::worker
