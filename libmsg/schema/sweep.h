// The parameters of one task of a sweep: the same text wherever it is needed (broker at a grant,
// client for a dry run). Pure; any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "libmsg/base/result.h"
#include "libmsg/schema/parts.h"

namespace framebus {

// Values of one axis.
std::uint64_t value_count(const SweepAxis& axis);

// Number of tasks, or invalid_argument: no axis, too many of them, an empty key or axis, a key twice,
// a range that overflows, a product above limits::tasks_per_job_max.
Result<std::uint32_t> sweep_size(const std::vector<SweepAxis>& axes);

// {"key":value,...} with the keys in byte order, as canonical JSON; the last axis varies fastest.
// `index` below sweep_size(). O(axes).
Bytes sweep_params(const std::vector<SweepAxis>& axes, std::uint32_t index);

}  // namespace framebus
