// Which jobs or tasks a verb is about: `last`, `all`, `3`, `3,5-8`, `3:17`, `3:2,5-9`, `last:0`.
// Pure.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "libmsg/base/result.h"

namespace framebus::client {

struct Range {
  std::uint64_t first = 0, last = 0;  // both included
  bool operator==(const Range&) const = default;
};

struct Selector {
  enum class Kind { last, all, listed } kind = Kind::last;
  std::vector<Range> jobs;   // kind listed: ids from 1, in the order written
  std::vector<Range> tasks;  // indices from 0; empty: the whole job
  bool operator==(const Selector&) const = default;
};

// invalid_argument says what was found and shows what is allowed. Ranges of jobs name at most
// 10,000 ids in all, ranges of tasks at most a job's maximum.
Result<Selector> parse_selector(std::string_view text);

// The indices of `tasks`, ascending, each once.
std::vector<std::uint32_t> expanded(const std::vector<Range>& tasks);

}  // namespace framebus::client
