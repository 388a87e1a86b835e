// The program itself, run as a person or script would.
#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace framebus::client {

struct Ran {
  int exit_code = -1;  // 128 + signal when one ended it
  std::string out, err;
  std::chrono::milliseconds took{0};
};

// Runs build/bin/framebus with these words, stdin closed, an empty environment but for
// `environment`.
Ran run_framebus(const std::vector<std::string>& words,
                 const std::vector<std::string>& environment = {});

}  // namespace framebus::client
