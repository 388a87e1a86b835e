// What the worker core can be told. Plain values; the configuration table in worker/shell/config.h
// fills them and checks their bounds. Defaults are those of docs/PROTOCOL.md, "timers".
#pragma once

#include <cstddef>
#include <string>

#include "libmsg/base/limits.h"
#include "libmsg/base/time.h"
#include "libmsg/schema/parts.h"

namespace framebus::worker {

struct Options {
  std::string broker_url = "tcp://127.0.0.1:7751";
  std::string program;    // name and version, for Hello
  std::string principal;  // for Hello; may be empty
  WorkerInfo info;        // slots, prefetch and task types are used by the core too
  bool checksum = true;
  Duration handshake = seconds(5);  // from connecting to Welcome
  Duration reconnect_base = milliseconds(250);
  Duration reconnect_max = seconds(10);
  Duration refused_retry_max = seconds(60);  // bound on a broker's retry_after
  Duration heartbeat = seconds(1);           // when Welcome names none
  Duration lease = seconds(15);              // when Welcome names none
  Duration cancel_grace = seconds(10);       // for attempts that the worker itself ends
  Duration orphan_timeout = seconds(3600);   // without a broker; then everything is ended
  Duration progress_interval = milliseconds(250);
  Duration drain_report_wait = seconds(30);  // a draining worker waits so long to hand over results
  std::size_t unreported_bytes_max = 64 * limits::MiB;  // results held above this: credit 0
  // The shell can end an executor by force (its own process). Otherwise one that does not end keeps
  // its slot until it does.
  bool executors_killable = true;
  Duration kill_wait = seconds(10);           // from KillAttempt until the attempt is given up
  Duration start_retry_base = seconds(1);     // after an executor that could not be started
  Duration start_retry_max = seconds(60);     // bound on its doubling
  Duration log_interval = milliseconds(200);  // between two Log messages, unless much has come
  std::size_t attempt_log_bytes_max = 256 * limits::KiB;  // kept of one log until LogOk
  std::size_t log_bytes_max = 64 * limits::MiB;           // kept of all logs together
  // Not yet finished; more are refused. As many as a broker has out at one worker.
  std::uint32_t commands_max = limits::commands_per_session_max;
};

}  // namespace framebus::worker
