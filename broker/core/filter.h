// Which workers can run what: the filters in the order in which `explain` names them. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libmsg/schema/parts.h"

namespace framebus::broker {

struct FilterFailure {
  std::string_view filter;  // task_type, labels, cpus, memory, gpus, compute_capability, gpu_memory
  std::string detail;       // wanted and found
};

// The first filter that this worker fails for this type and these requirements, if any.
// Cost: the sizes of its task types, labels and devices.
std::optional<FilterFailure> first_failure(const WorkerInfo& worker, const std::string& type,
                                           const Requirements& needs);

}  // namespace framebus::broker
