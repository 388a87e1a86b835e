// See descriptor_budget.h.
#include "broker/shell/descriptor_budget.h"

#include <algorithm>
#include <filesystem>
#include <string>

namespace framebus::broker {
namespace {

constexpr std::uint64_t own_files =
    64;  // journal, archive, sockets, transfers, a temporary file each
constexpr std::uint64_t endpoints = 3;
constexpr std::uint64_t peers_min = 10;
constexpr std::uint64_t log_files_max = 256;
constexpr std::uint64_t sockets_of_libzmq_max = 60'000;

}  // namespace

Result<DescriptorBudget> plan_descriptors(std::uint64_t limit, std::uint64_t open_now,
                                          std::size_t sessions_max) {
  // A burst may be accepted between two looks at the sockets: an eighth is left for that.
  const std::uint64_t log_files = std::clamp<std::uint64_t>(limit / 16, 4, log_files_max);
  const std::uint64_t kept = open_now + own_files + log_files + limit / 8;
  const std::uint64_t share = limit > kept ? (limit - kept) / endpoints : 0;
  if (share < peers_min) {
    return fail(
        Code::resource_exhausted,
        "the limit of open files is " + std::to_string(limit) + "; the broker needs at least " +
            std::to_string((open_now + own_files + 4 + endpoints * peers_min) * 8 / 7 + 16) +
            " (ulimit -n, LimitNOFILE)");
  }
  DescriptorBudget budget;
  budget.connections_of_endpoint = std::min(share, sockets_of_libzmq_max);
  budget.sessions = std::min<std::size_t>(sessions_max, 2 * budget.connections_of_endpoint);
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
