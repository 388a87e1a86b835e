// The inner loops, compiled once for each instruction set: a table of functions to choose from at
// run time.
//
// All kernels give the same bits; they differ in speed and in the width of the trees they want.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "worker/executors/render/core/path_state.h"
#include "worker/executors/render/cpu/wide_bvh.h"

namespace framebus::render {

// A run of pixels of one row of the film and a range of samples.
struct PixelRun {
  std::uint32_t x, y, width;  // pixels of the whole film
  std::uint32_t first_sample, sample_count;
};

struct Kernel {
  const char* name;
  int width;  // of the trees: 4 or 8
  // Nearest hits.
  void (*trace)(const RenderParams&, const WideScene&, const Ray* rays, Hit* hits,
                std::size_t count);
  // 1 where anything lies within the ray.
  void (*occlude)(const RenderParams&, const WideScene&, const Ray* rays, std::uint8_t* is_hit,
                  std::size_t count);
  // Adds a run's samples to `sums` (run.width of them). Returns the number of rays traced.
  // Floating-point flush-to-zero is off while it runs, whatever the thread had, and restored after.
  std::uint64_t (*render)(const RenderParams&, const WideScene&, const PixelRun& run,
                          PixelSums* sums);
};

// Those this machine can run, the fastest first. Never empty.
const std::vector<const Kernel*>& usable_kernels();
inline const Kernel& best_kernel() {
  return *usable_kernels().front();
}

const Kernel* scalar_kernel();
#if defined(__x86_64__)
const Kernel* sse2_kernel();
const Kernel* avx2_kernel();
#endif

}  // namespace framebus::render
