// The kernels' functions over any Isa (traverse.h): batches of rays, and whole paths pixel by
// pixel.
#pragma once

#include "worker/executors/render/core/film.h"
#include "worker/executors/render/cpu/kernel.h"
#include "worker/executors/render/cpu/traverse.h"

FB_CORE_BEGIN

template <class Isa>
void trace_batch(const RenderParams& p, const WideScene& scene, const Ray* rays, Hit* hits,
                 std::size_t count) {
  const typename Isa::FloatMode mode;
  for (std::size_t i = 0; i < count; ++i) hits[i] = trace_wide<Isa, false>(p, scene, rays[i]);
}

template <class Isa>
void occlude_batch(const RenderParams& p, const WideScene& scene, const Ray* rays,
                   std::uint8_t* is_hit, std::size_t count) {
  const typename Isa::FloatMode mode;
  for (std::size_t i = 0; i < count; ++i)
    is_hit[i] = trace_wide<Isa, true>(p, scene, rays[i]).instance != no_index ? 1 : 0;
}

template <class Isa>
std::uint64_t render_run(const RenderParams& p, const WideScene& scene, const PixelRun& run,
                         PixelSums* sums) {
  const typename Isa::FloatMode mode;
  std::uint64_t ray_count = 0;
  PathState state;
  ShadowRay shadow;
  for (std::uint32_t x = 0; x < run.width; ++x) {
    for (std::uint32_t i = 0; i < run.sample_count; ++i) {
      generate(p, run.x + x, run.y, run.first_sample + i, state);
      while (state.is_alive != 0) {
        const Hit hit = trace_wide<Isa, false>(p, scene, state.ray);
        ++ray_count;
        shade(p, state, hit, shadow);
        if (shadow.is_wanted == 0) continue;
        ++ray_count;
        if (trace_wide<Isa, true>(p, scene, shadow.ray).instance == no_index)
          add_unoccluded(state, shadow);
      }
      accumulate(p, state, sums[x]);
    }
  }
  return ray_count;
}

template <class Isa>
const Kernel* kernel_of() {
  static constexpr Kernel kernel = {Isa::name, Isa::width, &trace_batch<Isa>, &occlude_batch<Isa>,
                                    &render_run<Isa>};
  return &kernel;
}

FB_CORE_END
