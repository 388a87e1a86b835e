// Thousands of simulated workers on one epoll loop: plain sockets that speak just enough ZMTP 3.0
// (RFC 23, NULL mechanism) to be DEALERs, say Hello, heartbeat, and note what comes.
//
// libzmq would take threads, megabytes and two descriptors a peer here, and it is the broker that
// is to be measured. Thread rule: one thread; run() returns between calls.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "libmsg/base/time.h"
#include "libmsg/codec/codec.h"

namespace framebus::test {

class ZmtpCrowd {
 public:
  explicit ZmtpCrowd(std::uint16_t port) : port_(port) {}
  ~ZmtpCrowd();
  ZmtpCrowd(const ZmtpCrowd&) = delete;
  ZmtpCrowd& operator=(const ZmtpCrowd&) = delete;

  // Opens this many more workers, at most `at_once` of them without a Welcome at any time, and
  // serves all until every one is welcome. False: not within `patience`.
  bool connect(std::size_t count, std::size_t at_once, Duration patience);
  // Serves heartbeats for so long.
  void serve(Duration duration);
  // Closes every connection at once.
  void drop_all();

  std::size_t welcome_count() const { return welcome_count_; }
  std::uint64_t acks() const { return acks_; }
  std::size_t refused_count() const { return refused_count_; }
  const std::string& last_refusal() const { return last_refusal_; }

 private:
  struct Peer {
    int fd = -1;
    std::uint32_t number = 0;
    bool greeted = false;
    bool welcome = false;
    TimePoint next_heartbeat{};
    std::uint64_t sequence = 0;
    Bytes in;
    Bytes out;
    std::vector<Bytes> parts;
  };

  bool open_one();
  void turn(Duration wait);
  void read(Peer& peer);
  void take_frames(Peer& peer);
  void take_message(Peer& peer);
  void send(Peer& peer, const Message& message);
  void flush(Peer& peer);
  void close(Peer& peer);

  std::uint16_t port_;
  int epoll_ = -1;
  std::deque<Peer> peers_;  // addresses stay
  std::size_t welcome_count_ = 0;
  std::size_t refused_count_ = 0;
  std::string last_refusal_;
  std::uint64_t acks_ = 0;
  std::uint32_t next_number_ = 1;
};

}  // namespace framebus::test
