// A ROUTER that does what the test says. Thread rule: one test.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "libmsg/codec/codec.h"
#include "libmsg/transport/transport.h"

namespace framebus::test {

class FakeRouter final : public RouterSocket {
 public:
  Result<std::string> bind(const std::string& url) override { return url; }
  using RouterSocket::receive;
  void receive(std::vector<Incoming>& out, std::size_t max, std::size_t bytes_max) override {
    ++receives;
    for (std::size_t bytes = 0; max > 0 && bytes < bytes_max && !arrivals.empty(); --max) {
      for (const Bytes& part : arrivals.front().parts) bytes += part.size();
      out.push_back(std::move(arrivals.front()));
      arrivals.pop_front();
    }
  }
  Status send(PeerId peer, const WireFrames& frames) override {
    if (gone) return fail(Code::unavailable, "gone");
    if (full) return fail(Code::resource_exhausted, "full");
    const std::vector<BytesView> parts(frames.parts.begin(), frames.parts.end());
    sent[peer].push_back(decode(parts, false).value().message);
    return {};
  }
  void forget(PeerId peer) override { forgotten.push_back(peer); }

  std::deque<Incoming> arrivals;
  std::size_t receives = 0;
  bool full = false;
  bool gone = false;
  std::map<PeerId, std::vector<Message>> sent;
  std::vector<PeerId> forgotten;
};

}  // namespace framebus::test
