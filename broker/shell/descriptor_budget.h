// How many peers fit into the limit of open files, with enough left for the broker's own files.
//
// Each connection takes a descriptor before it has said anything, and a broker without any left
// could begin no journal segment. So the three endpoints share what remains, and connections beyond
// their part are ended when they come. Thread rule: pure, but for descriptors_open().
#pragma once

#include <cstdint>

#include "libmsg/base/result.h"

namespace framebus::broker {

struct DescriptorBudget {
  std::size_t connections = 0;  // of all endpoints
  std::size_t sessions = 0;     // workers and clients together
  std::size_t log_files = 0;    // kept open at once
};

// `open_now`: before anything of the broker is open. resource_exhausted: fewer than thirty
// connections fit.
Result<DescriptorBudget> plan_descriptors(std::uint64_t limit, std::uint64_t open_now,
                                          std::size_t sessions_max);

// Of this process; 0 when the system does not tell.
std::uint64_t descriptors_open();

}  // namespace framebus::broker
