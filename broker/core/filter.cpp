#include "broker/core/filter.h"

#include <algorithm>

namespace framebus::broker {
namespace {

std::string found(std::uint64_t wanted, std::string_view unit, std::uint64_t has) {
  return "wants " + std::to_string(wanted) + std::string(unit) + ", has " + std::to_string(has);
}

std::uint64_t host_memory(const WorkerInfo& worker) {
  std::uint64_t bytes = 0;
  for (const DeviceInfo& device : worker.devices) {
    if (device.kind == "cpu") bytes = std::max(bytes, device.memory_total_bytes);
  }
  return bytes;
}

bool is_gpu(const DeviceInfo& device) {
  return device.kind != "cpu";
}

std::optional<FilterFailure> gpu_failure(const WorkerInfo& worker, const Requirements& needs) {
  std::uint32_t gpus = 0;
  std::uint32_t capable = 0;
  std::uint32_t enough = 0;
  std::uint32_t best_capability = 0;
  std::uint64_t best_memory = 0;
  for (const DeviceInfo& device : worker.devices) {
    if (!is_gpu(device)) continue;
    ++gpus;
    best_capability = std::max(best_capability, device.compute_capability);
    if (device.compute_capability < needs.compute_capability) continue;
    ++capable;
    best_memory = std::max(best_memory, device.memory_free_bytes);
    if (device.memory_free_bytes >= needs.gpu_memory_bytes) ++enough;
  }
  const std::uint32_t wanted =
      std::max(needs.gpus, needs.gpu_memory_bytes != 0 || needs.compute_capability != 0 ? 1u : 0u);
  if (gpus < wanted) return FilterFailure{"gpus", found(wanted, " GPU(s)", gpus)};
  if (capable < wanted) {
    return FilterFailure{"compute_capability",
                         found(needs.compute_capability, "", best_capability)};
  }
  if (enough < wanted) {
    return FilterFailure{"gpu_memory",
                         found(needs.gpu_memory_bytes, " bytes free on each GPU", best_memory)};
  }
  return std::nullopt;
}

}  // namespace

std::optional<FilterFailure> first_failure(const WorkerInfo& worker, const std::string& type,
                                           const Requirements& needs) {
  if (std::find(worker.task_types.begin(), worker.task_types.end(), type) ==
      worker.task_types.end()) {
    std::string known;
    for (const std::string& each : worker.task_types) known += (known.empty() ? "" : ", ") + each;
    return FilterFailure{"task_type", "wants '" + type + "', executes " + known};
  }
  for (const Label& wanted : needs.labels) {
    const auto has = std::find_if(worker.labels.begin(), worker.labels.end(),
                                  [&](const Label& label) { return label.key == wanted.key; });
    if (has == worker.labels.end()) {
      return FilterFailure{"labels",
                           "wants " + wanted.key + "=" + wanted.value + ", has no " + wanted.key};
    }
    if (has->value != wanted.value) {
      return FilterFailure{"labels", "wants " + wanted.key + "=" + wanted.value + ", has " +
                                         has->key + "=" + has->value};
    }
  }
  if (worker.threads < needs.cpus) {
    return FilterFailure{"cpus", found(needs.cpus, " threads", worker.threads)};
  }
  if (const std::uint64_t has = host_memory(worker); has < needs.memory_bytes) {
    return FilterFailure{"memory", found(needs.memory_bytes, " bytes", has)};
  }
  return gpu_failure(worker, needs);
}

}  // namespace framebus::broker
