// A whole broker in one object: data directory, store, core, sockets, bulk endpoint.
//
// Used by the program framebus-broker and, inside one process, by `framebus local`. Its logic is in
// broker/core/, its loop in broker_loop.h; this file only puts them together. Thread rule: start(),
// run() and the destructor one after the other, from any threads; stop() from any thread and from a
// signal handler.
#pragma once

#include <memory>
#include <string>

#include "broker/shell/config.h"
#include "broker/shell/endpoints_file.h"
#include "libmsg/transport/transport.h"

namespace framebus::broker {

struct ServerCounters {
  std::uint64_t received = 0;
  std::uint64_t malformed = 0;
  std::uint64_t refused = 0;
  std::uint64_t sent = 0;
  std::uint64_t send_failed = 0;
  std::uint64_t slow_consumers = 0;
  std::uint64_t recovered_records = 0;
};

class BrokerServer {
 public:
  // Everything is checked and recovered before the first peer can connect. `context`: shared with
  // the sockets of the same process (inproc endpoints need it); none: an own one. Errors, by what
  // exit_codes.h makes of them: invalid_argument, permission_denied, unsupported_version,
  // failed_precondition (another broker has the data directory): refused. data_loss: something in
  // the data directory is damaged. already_exists, unavailable: an endpoint is in use.
  static Result<std::unique_ptr<BrokerServer>> start(const BrokerConfig& config,
                                                     std::shared_ptr<Context> context = nullptr);
  virtual ~BrokerServer() = default;

  // As bound, with real ports.
  virtual const Endpoints& endpoints() const = 0;
  virtual const StartFacts& facts() const = 0;
  // Blocks until stop(). An error means that the store failed and nothing more can be promised: end
  // with 74.
  virtual Status run() = 0;
  virtual void stop() noexcept = 0;
  // The core's last events, a line each, for a crash report: from the loop's own thread only.
  virtual std::string recent_events() const = 0;
  // After run() has returned. CHECKs that no message of the delivery has disappeared.
  virtual ServerCounters counters() const = 0;
};

}  // namespace framebus::broker
