// A broker and workers as separate processes over tcp loopback, for measuring. Everything lies in a
// temporary folder that goes with it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "bench/bus/child_process.h"

namespace framebus::bench {

struct FarmOptions {
  std::filesystem::path programs;  // folder of framebus-broker and framebus-worker
  unsigned workers = 1;
  unsigned slots = 1;                     // of each worker
  bool journal = false;                   // the broker keeps one; else it is ephemeral
  std::filesystem::path folder = "/tmp";  // where everything lies: decides which disk is measured
};

class Farm {
 public:
  // Returns when the broker listens; workers may still be connecting.
  static Result<Farm> start(const FarmOptions& options);
  Farm(Farm&&) = default;
  ~Farm();

  const std::string& primary_endpoint() const { return primary_endpoint_; }
  double broker_cpu_seconds() const { return processes_.front().cpu_seconds(); }

 private:
  Farm() = default;

  std::filesystem::path folder_;
  std::string primary_endpoint_;
  std::vector<ChildProcess> processes_;  // the broker first
};

}  // namespace framebus::bench
