// See descriptor_budget.h.
#include "broker/shell/descriptor_budget.h"

#include <algorithm>
#include <filesystem>
#include <string>

namespace framebus::broker {
namespace {

constexpr std::uint64_t own_files =
    64;  // journal, archive, sockets, transfers, a temporary file each
constexpr std::uint64_t connections_min = 30;
constexpr std::uint64_t log_files_max = 256;
constexpr std::uint64_t connections_max = 200'000;

}  // namespace

Result<DescriptorBudget> plan_descriptors(std::uint64_t limit, std::uint64_t open_now,
                                          std::size_t sessions_max) {
  // A burst may be accepted between two looks at the sockets: an eighth is left for that.
  const std::uint64_t log_files = std::clamp<std::uint64_t>(limit / 16, 4, log_files_max);
  const std::uint64_t kept = open_now + own_files + log_files + limit / 8;
  const std::uint64_t left = limit > kept ? limit - kept : 0;
  if (left < connections_min) {
    return fail(Code::resource_exhausted,
                "the limit of open files is " + std::to_string(limit) +
                    "; the broker needs at least " +
                    std::to_string((open_now + own_files + 4 + connections_min) * 8 / 7 + 16) +
                    " (ulimit -n, LimitNOFILE)");
  }
  DescriptorBudget budget;
  budget.connections = std::min(left, connections_max);
  budget.sessions = std::min<std::size_t>(sessions_max, budget.connections);
  budget.log_files = log_files;
  return budget;
}

std::uint64_t descriptors_open() {
  std::error_code error;
  std::uint64_t count = 0;
  for (std::filesystem::directory_iterator each("/proc/self/fd", error), end; !error && each != end;
       each.increment(error))
    ++count;
  return count;
}

}  // namespace framebus::broker
