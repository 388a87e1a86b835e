#include "worker/executors/render/cpu/kernel.h"

namespace framebus::render {
namespace {

std::vector<const Kernel*> find_kernels() {
  std::vector<const Kernel*> kernels;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("bmi2"))
    kernels.push_back(avx2_kernel());
  kernels.push_back(sse2_kernel());
#endif
  kernels.push_back(scalar_kernel());
  return kernels;
}

}  // namespace

const std::vector<const Kernel*>& usable_kernels() {
  static const std::vector<const Kernel*> kernels = find_kernels();
  return kernels;
}

}  // namespace framebus::render
