// What ZeroMQ alone can do: a client, a zmq_proxy and an echoing worker, each a process of its own,
// with the frames of a bus message but nobody who reads them. The limit that the bus is shown
// beside.
//
// The client verifies every reply: each message has its own number and random bytes.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "bench/bus/child_process.h"
#include "bench/bus/figures.h"

namespace framebus::bench {

struct RelayOptions {
  std::string program;                    // this program, for the other two processes
  std::filesystem::path folder = "/tmp";  // for their logs and for ipc sockets
  unsigned frames = 1;                    // 1: the payload; 3: type, payload and checksum
  bool ipc = false;                       // instead of tcp loopback
};

// One relay that can be measured again and again, so that rounds interleave with other benchmarks.
class Relay {
 public:
  static Result<Relay> start(const RelayOptions& options);
  Relay(Relay&&) = default;
  ~Relay();

  // Sends `messages` of `payload` bytes (at least 8) with at most `window` unanswered; percentiles
  // are of send to reply. data_loss: a reply has other bytes; deadline_exceeded: none for 10 s.
  Result<Figures> measure(std::uint64_t messages, std::uint32_t payload, std::uint32_t window,
                          std::uint64_t seed);

 private:
  Relay() = default;

  RelayOptions options_;
  std::filesystem::path folder_;
  std::string front_;
  std::vector<ChildProcess> processes_;
};

// main() of the other two processes, called as `PROGRAM relay-process proxy FILE FRONT BACK` (binds
// both and writes where into FILE) and `PROGRAM relay-process echo BACK`.
int relay_process_main(int argc, char** argv);

}  // namespace framebus::bench
