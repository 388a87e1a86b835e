// Arrivals that were read and wait for a later turn: in order for each peer, and one peer after
// the other, so that whoever asks for much waits behind itself and not before everybody else.
//
// Unbounded by itself: whoever fills it looks at size() and bytes() first. Thread rule: the broker
// loop's thread.
#pragma once

#include <cstddef>
#include <deque>
#include <map>

#include "libmsg/transport/transport.h"

namespace framebus::broker {

// Bytes of all its frames.
std::size_t frame_bytes(const Incoming& incoming);

class FairQueue {
 public:
  bool is_empty() const { return ring_.empty(); }
  std::size_t size() const { return size_; }    // arrivals
  std::size_t bytes() const { return bytes_; }  // of them, together
  bool holds_any_of(PeerId peer) const { return lines_.contains(peer); }

  void add(Incoming&& arrival);
  // The oldest arrival of the peer whose turn it is; the next call is another's, where there is
  // one. Only when not empty.
  Incoming take();

 private:
  std::map<PeerId, std::deque<Incoming>> lines_;
  std::deque<PeerId> ring_;  // each peer of lines_ once; the front is next
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace framebus::broker
