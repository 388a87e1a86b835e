// A TCP proxy that misbehaves on demand: delay, throttle, silence in one direction, cut, flipped
// bits. For tests that put it between a program and its broker.
//
//   FaultProxy proxy(farm.worker_endpoint());
//   farm.worker({"--broker", proxy.url()});
//   proxy.silence(FaultProxy::Direction::to_server, true);   // half-open: accepted, never delivered
//
// It has a thread of its own; every setting takes effect at once, for open and for new connections.
// Thread rule: all methods may be called from any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "libmsg/base/time.h"

namespace framebus::test {

class FaultProxy {
 public:
  enum class Direction { to_server = 0, to_client = 1 };

  // `target`: tcp://127.0.0.1:PORT; need not listen yet.
  explicit FaultProxy(const std::string& target);
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  const std::string& url() const { return url_; }

  void delay(Duration each_way) { delay_ns_ = each_way.count(); }
  // In each direction of each connection; 0: no bound.
  void throttle(std::int64_t bytes_per_s) { bytes_per_s_ = bytes_per_s; }
  // Bytes of that direction are kept back; they go on when it is over.
  void silence(Direction direction, bool on) { silent_[static_cast<int>(direction)] = on; }
  // Flips one bit in about every so many bytes; 0: none.
  void flip_bits(std::uint64_t one_in_bytes) { flip_every_ = one_in_bytes; }
  // Resets every connection that is open now.
  void cut() { ++cuts_wanted_; }

  std::uint64_t bytes_forwarded() const { return forwarded_; }
  std::uint64_t bits_flipped() const { return flipped_; }
  std::uint64_t connections() const { return connections_; }

 private:
  struct Loop;

  std::string url_;
  std::uint16_t target_port_ = 0;
  int listener_ = -1;
  std::atomic<std::int64_t> delay_ns_{0};
  std::atomic<std::int64_t> bytes_per_s_{0};
  std::array<std::atomic<bool>, 2> silent_{};
  std::atomic<std::uint64_t> flip_every_{0};
  std::atomic<std::uint64_t> cuts_wanted_{0};
  std::atomic<std::uint64_t> forwarded_{0};
  std::atomic<std::uint64_t> flipped_{0};
  std::atomic<std::uint64_t> connections_{0};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace framebus::test
