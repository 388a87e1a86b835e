// See fair_queue.h.
#include "broker/shell/fair_queue.h"

#include "libmsg/base/check.h"

namespace framebus::broker {

std::size_t frame_bytes(const Incoming& incoming) {
  std::size_t bytes = 0;
  for (const Bytes& part : incoming.parts) bytes += part.size();
  return bytes;
}

void FairQueue::add(Incoming&& arrival) {
  const PeerId peer = arrival.peer;
  ++size_;
  bytes_ += frame_bytes(arrival);
  std::deque<Incoming>& line = lines_[peer];
  if (line.empty()) ring_.push_back(peer);
  line.push_back(std::move(arrival));
}

Incoming FairQueue::take() {
  FRAMEBUS_CHECK(!ring_.empty(), "nothing waits");
  const PeerId peer = ring_.front();
  ring_.pop_front();
  const auto line = lines_.find(peer);
  Incoming arrival = std::move(line->second.front());
  line->second.pop_front();
  if (line->second.empty()) {
    lines_.erase(line);
  } else {
    ring_.push_back(peer);
  }
  --size_;
  bytes_ -= frame_bytes(arrival);
  return arrival;
}

}  // namespace framebus::broker
