// The connection to the broker as bytes: one socket, one outbox, the codec.
//
// A queue that is full for the moment is no error: what does not fit waits here, in order. The core
// bounds it: results once for each connection, then a heartbeat a second for at most one lease.
// Thread rule: the loop's thread only.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "libmsg/transport/transport.h"
#include "worker/core/action.h"
#include "worker/core/event.h"

namespace framebus::worker {

class BrokerLink {
 public:
  BrokerLink(std::shared_ptr<Context> context, bool checksum)
      : context_(std::move(context)), checksum_wanted_(checksum) {}

  // Carries out the action; a failure is a Closed in `events`.
  void open(const Connect& action, std::vector<Event>& events);
  void send(const Send& action, std::vector<Event>& events);
  void close(const Disconnect& action);

  // What has arrived. A message that can not be decoded closes the connection: what it said is
  // unknown.
  void receive(std::vector<Event>& events);
  // Hands waiting messages to the socket. True when none is left.
  bool flush(std::vector<Event>& events);

  DealerSocket* socket() { return socket_.get(); }

 private:
  void drop(std::vector<Event>& events, const std::string& reason);

  std::shared_ptr<Context> context_;  // shared: every socket keeps it alive
  const bool checksum_wanted_;
  bool checksum_ = true;
  std::uint64_t connection_ = 0;
  std::unique_ptr<DealerSocket> socket_;
  std::deque<WireFrames> outbox_;
  std::vector<Incoming> incoming_;
};

}  // namespace framebus::worker
