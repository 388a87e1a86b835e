// Messages from the sockets to the core's events: decoded, checked against who may send what.
//
// Whatever is wrong with a message is answered with an Error and counted; nothing a peer sends ends
// the broker or another peer's session. Thread rule: the broker loop's thread.
#pragma once

#include <vector>

#include "broker/core/event.h"
#include "broker/shell/delivery.h"
#include "libmsg/blob/blob_store.h"

namespace framebus::broker {

struct IntakeCounters {
  std::uint64_t received = 0;
  std::uint64_t malformed = 0;
  std::uint64_t refused = 0;  // no session, wrong role, wrong direction
};

class Intake {
 public:
  Intake(SessionTable& sessions, Delivery& delivery, const BlobStore& blobs,
         Delivery::Routers routers, Endpoints endpoints);

  // At most `max` arrivals from each socket, as events, in the order of their arrival on each.
  // Returns whether there may be more.
  bool receive(std::vector<Event>& events, std::size_t max);
  const IntakeCounters& counters() const { return counters_; }

 private:
  void take(Side side, const Incoming& incoming, std::vector<Event>& events);
  void on_hello(const PeerKey& peer, const PeerSession* session, Hello&& hello,
                std::vector<Event>& events);
  void on_malformed(const PeerKey& peer, const PeerSession* session,
                    std::span<const BytesView> parts, const Error& error);
  // The inputs of a Submit that the blob store lacks. invalid_argument: one has another size here.
  Result<std::vector<BlobRef>> missing_inputs(const JobSpec& job) const;

  SessionTable& sessions_;
  Delivery& delivery_;
  const BlobStore& blobs_;
  Delivery::Routers routers_;
  Endpoints endpoints_;
  IntakeCounters counters_;
  std::vector<Incoming> incoming_;
};

}  // namespace framebus::broker
