// What the broker core can be told. Plain values; the configuration table in broker/shell/config.h
// fills them and checks their bounds. Defaults are those of docs/PROTOCOL.md, "timers" and
// "bounds".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libmsg/base/bytes.h"
#include "libmsg/base/limits.h"
#include "libmsg/base/time.h"
#include "libmsg/schema/parts.h"

namespace framebus::broker {

struct LoadWeights {  // times 1000, so that scores stay integers
  std::uint32_t cpu = 300;
  std::uint32_t memory = 100;
  std::uint32_t gpu = 400;
  std::uint32_t gpu_memory = 200;
  std::uint32_t in_flight = 1000;
  std::uint32_t latency = 1000;
  std::uint32_t bandwidth = 200;  // subtracted
};

struct Options {
  std::uint64_t epoch = 1;         // increased and synced by the shell at each start
  bool ephemeral = true;           // told in every Welcome and SubmitOk
  Bytes token_key = Bytes(16, 0);  // SipHash key, 16 bytes, from the data directory
  std::string version;             // for Welcome and status
  std::string bulk_endpoint;       // for Welcome
  Strategy default_strategy = Strategy::load;
  LoadWeights load_weights;
  std::vector<NamedLimit> named_limits;
  Duration heartbeat = seconds(1);
  Duration suspect_after = seconds(3);
  Duration lease = seconds(15);
  Duration start_within = seconds(10);  // row 7
  Duration cancel_grace = seconds(10);
  Duration retry_base = seconds(1);
  Duration retry_max = seconds(300);
  Duration restart_grace = seconds(30);
  std::uint32_t max_attempts_default = 3;
  std::uint32_t crash_workers_max = 3;  // distinct workers crashed by a task before it is dead
  std::uint32_t crashes_max = 5;
  std::uint32_t infrastructure_losses_max = 10;
  std::uint32_t max_workers = limits::workers_max;
  std::uint32_t sessions_max = limits::sessions_max;
  std::uint32_t queued_tasks_max = limits::queued_tasks_max;
  std::uint64_t queued_spec_bytes_max = limits::queued_spec_bytes_max;
  std::uint64_t outcome_bytes_max = limits::queued_spec_bytes_max;  // of jobs that have not ended
  std::uint32_t event_window = 64;                       // Events messages unconfirmed per watch
  bool archive = false;                     // finished jobs are handed over before they are forgotten
  Duration archive_after = seconds(30);     // after a job's end
  Duration finished_jobs_kept = std::chrono::hours(1);  // in memory; from the archive afterwards
  Duration archived_job_kept = std::chrono::minutes(5);  // one read back from it, when unused
  Duration upload_kept = std::chrono::minutes(10);       // without a connection of its owner
  Duration submit_ids_kept = std::chrono::hours(7 * 24);
  Duration command_deadline = seconds(30);  // of a Command that names none
  std::uint32_t command_requests_max = limits::command_requests_max;
  std::uint32_t watches_per_principal_max = limits::watches_per_principal_max;
};

}  // namespace framebus::broker
