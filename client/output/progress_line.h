// A snapshot of progress as one line: a bar for terminals, a sentence for logs. Pure.
#pragma once

#include <string>

#include "client/output/progress_model.h"
#include "client/output/terminal.h"

namespace framebus::client {

struct BarParts {
  double total = 0, done = 0, failed = 0, running = 0;  // in any one unit
};
struct BarLook {
  bool has_unicode = true;
  bool has_colour = false;
};

// Exactly `columns` wide (not counting colours): done, then failed, then running, then the rest.
// With colours each has its own; without, done and failed are full blocks and running is shaded.
std::string bar(const BarParts& parts, std::size_t columns, const BarLook& look);

// At most terminal.columns - 1 wide (the last column would wrap on some terminals); what matters
// least is left out when it is narrow: name, workers, elapsed time, rate, counts.
std::string progress_line(const ProgressSnapshot& snapshot, const Terminal& terminal);

struct UploadCounts {
  std::uint32_t files_done = 0, files = 0;
  std::uint64_t bytes_done = 0, bytes = 0;
  std::uint32_t parts_done = 0, parts = 0;
};
// "sending inputs: 3 of 13 files, 1.0 MiB of 11.3 MiB", or "sending the job: 3 of 13 parts", not
// wider than the terminal.
std::string upload_line(const UploadCounts& upload, const Terminal& terminal);

// "job 3: 62% (120 of 192 tasks), 8 running, 3.2 tasks/s, 22s left, 4 workers"
std::string progress_sentence(const ProgressSnapshot& snapshot);

}  // namespace framebus::client
