// Messages from the sockets to the core's events: decoded, checked against who may send what.
//
// Whatever is wrong with a message is answered with an Error and counted; nothing a peer sends ends
// the broker or another peer's session. Nor does it keep others waiting: of messages that may ask
// for much a turn takes few of each peer, the rest waits behind its own (fair_queue.h). Thread
// rule: the broker loop's thread.
#pragma once

#include <array>
#include <map>
#include <vector>

#include "broker/core/core.h"
#include "broker/core/event.h"
#include "broker/shell/delivery.h"
#include "broker/shell/fair_queue.h"
#include "broker/shell/input_check.h"
#include "broker/shell/result_check.h"
#include "libmsg/base/limits.h"

namespace framebus::broker {

struct IntakeCounters {
  std::uint64_t received = 0;
  std::uint64_t malformed = 0;
  std::uint64_t damaged = 0;  // of those: the checksum did not match
  std::uint64_t refused = 0;  // no session, wrong role, wrong direction, inputs of another size
};

class Intake {
 public:
  // Bytes of messages that one receive() takes in, from both sockets together; a message more from
  // each, whose size is known only when it is here. What is left waits in the sockets.
  static constexpr std::size_t bytes_max = 32 * limits::MiB;
  // Messages that one receive() takes from each socket, one that may ask for a long list counting
  // as many: 8 of those, and 2 of any one peer among what has just been read. What is left waits
  // its turn here: it has half of a turn before what is new, and what that leaves. A list takes a
  // few milliseconds at most, and another peer waits for three turns: to connect, and to ask.
  static constexpr std::uint64_t weight_max = 8'192;
  static constexpr std::uint64_t heavy_weight = 1'024;
  static constexpr std::uint64_t peer_weight_max = 2 * heavy_weight;

  // `core`: read for the inputs of an upload.
  Intake(SessionTable& sessions, Delivery& delivery, InputCheck& inputs, const Core& core,
         Delivery::Routers routers, Endpoints endpoints);

  // At most `max` arrivals from each socket and `bytes_max`, as events, those of each peer in their
  // order. Of a peer's messages none overtakes another. Also those whose inputs or result blobs
  // have been looked up meanwhile. Returns whether there may be more.
  bool receive(std::vector<Event>& events, std::size_t max);
  const IntakeCounters& counters() const { return counters_; }
  const ResultCounters& result_counters() const { return results_.counters(); }
  const Refusals& input_refusals() const { return inputs_.refusals(); }
  const Refusals& result_refusals() const { return results_.refusals(); }

 private:
  // Takes from one socket at most so much; returns the bytes. `more` is set when it may have more.
  std::size_t receive_from(Side side, std::size_t max, std::size_t bytes, bool& more,
                           std::vector<Event>& events);
  void take_waiting(Side side, std::uint64_t weight_until, std::vector<Event>& events);
  void take(Side side, const Incoming& incoming, std::vector<Event>& events);
  void on_hello(const PeerKey& peer, const PeerSession* session, Hello&& hello,
                std::vector<Event>& events);
  void on_malformed(const PeerKey& peer, const PeerSession* session,
                    std::span<const BytesView> parts, const Error& error,
                    std::vector<Event>& events);
  void take(InputCheck::Checked&& checked, std::vector<Event>& events);
  // Of an upload that is open, and of all that events of this turn open under its id: the core may
  // refuse any of these SubmitOpens, or find the upload gone, so each input of any is looked up.
  std::vector<InputCheck::Wanted> inputs_of_commit(const SubmitCommit& commit,
                                                   const std::vector<Event>& events) const;
  // Whether there is something left of it for the core, now.
  bool check_results(SessionId session, Results& results, std::vector<Event>& events);

  SessionTable& sessions_;
  Delivery& delivery_;
  InputCheck& inputs_;
  ResultCheck results_{inputs_};
  const Core& core_;
  Delivery::Routers routers_;
  Endpoints endpoints_;
  IntakeCounters counters_;
  std::array<FairQueue, 2> waiting_;              // by Side: read, and for a later turn
  std::vector<Incoming> arrivals_;                // of this receive_from()
  std::uint64_t taken_weight_ = 0;                // by this receive_from()
  std::map<PeerId, std::uint64_t> peer_weights_;  // of it, what asks for much; by whom
};

}  // namespace framebus::broker
