// The broker's configuration: every timer, bound, endpoint and path, declared once in config.cpp.
// Thread rule: plain values; the table is immutable.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "broker/core/options.h"
#include "libmsg/base/config.h"
#include "libmsg/base/limits.h"
#include "libmsg/base/log.h"

namespace framebus::broker {

struct BrokerConfig {
  std::string data;  // empty: see the table
  bool ephemeral = false;
  std::string primary_endpoint = "tcp://127.0.0.1:7750";
  std::string worker_endpoint = "tcp://127.0.0.1:7751";
  std::string bulk_endpoint = "tcp://127.0.0.1:7752";
  std::string log_level = "info";
  std::string log_format = "text";
  bool json = false;

  std::string strategy = "load";
  double weight_cpu = 0.3;
  double weight_memory = 0.1;
  double weight_gpu = 0.4;
  double weight_gpu_memory = 0.2;
  double weight_in_flight = 1.0;
  double weight_latency = 1.0;
  double weight_bandwidth = 0.2;
  std::vector<std::string> limits;

  Duration heartbeat = seconds(1);
  Duration suspect_after = seconds(3);
  Duration lease = seconds(15);
  Duration start_within = seconds(10);
  Duration cancel_grace = seconds(10);
  Duration retry_base = seconds(1);
  Duration retry_max = seconds(300);
  Duration restart_grace = seconds(30);
  Duration command_deadline = seconds(30);

  // What is kept, where and how long
  ByteSize disk_reserve{256 * limits::MiB};
  ByteSize journal_segment{64 * limits::MiB};
  ByteSize journal_backlog{limits::journal_backlog_bytes_max};
  Duration finished_jobs_kept = std::chrono::hours(1);
  Duration submit_ids_kept = std::chrono::hours(7 * 24);
  Duration upload_kept = std::chrono::minutes(10);
  bool archive = true;
  Duration archive_after = seconds(30);
  Duration archive_keep = std::chrono::hours(90 * 24);
  ByteSize archive_max_bytes{0};
  Duration archived_job_kept = std::chrono::minutes(5);
  ByteSize logs_max_bytes{20 * limits::GiB};
  Duration blob_pin = std::chrono::hours(24);
  Duration blob_round = std::chrono::hours(1);

  std::uint32_t max_attempts = 3;
  std::uint32_t crash_workers_max = 3;
  std::uint32_t crashes_max = 5;
  std::uint32_t infrastructure_losses_max = 10;
  std::uint32_t max_workers = limits::workers_max;
  std::uint32_t sessions_max = limits::sessions_max;
  std::uint32_t queued_tasks_max = limits::queued_tasks_max;
  ByteSize queued_specs_max{limits::queued_spec_bytes_max};
  ByteSize outcomes_max{limits::queued_spec_bytes_max};
  ByteSize peer_outbox{limits::peer_outbox_bytes_max};
  std::uint32_t event_window = 64;
};

const ConfigTable<BrokerConfig>& broker_config_table();

// What the core is told. invalid_argument: values that are each in range but do not fit together (a
// lease shorter than two heartbeats), or a named limit that is not NAME=AMOUNT. Epoch, key, version
// and bulk endpoint are left at their defaults: only a started server knows them.
Result<Options> core_options(const BrokerConfig& config);

}  // namespace framebus::broker
