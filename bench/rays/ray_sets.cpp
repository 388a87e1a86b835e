#include "bench/rays/ray_sets.h"

#include "worker/executors/render/core/path.h"

namespace framebus::bench {

using namespace render;

RaySets make_ray_sets(const CpuFrameTracer& tracer, std::uint32_t width, std::uint32_t height) {
  RaySets sets;
  RenderParams p = tracer.params();
  p.width = width;
  p.height = height;
  for (std::uint32_t y = 0; y < height; ++y)
    for (std::uint32_t x = 0; x < width; ++x) {
      PathState state;
      generate(p, x, y, 0, state);
      sets.primary.push_back(state.ray);
    }
  std::vector<Hit> hits(sets.primary.size());
  tracer.kernel().trace(p, tracer.wide_scene(), sets.primary.data(), hits.data(), hits.size());
  for (std::size_t i = 0; i < hits.size(); ++i) {
    if (hits[i].instance == no_index) continue;
    const std::uint32_t x = static_cast<std::uint32_t>(i % width),
                        y = static_cast<std::uint32_t>(i / width);
    PathState state;
    generate(p, x, y, 0, state);
    ShadowRay shadow;
    shade(p, state, hits[i], shadow);
    if (shadow.is_wanted != 0) sets.shadow.push_back(shadow.ray);
    const Ray& seen = sets.primary[i];
    const Surface surface = surface_at(p, hits[i], -seen.direction);
    const Float4 u = sample_4d(p, x, y, 0, purpose_bsdf(1));
    Ray bounce = seen;
    bounce.direction = to_world(basis_around(surface.normal_geometric), sample_cosine(u.x, u.y));
    bounce.origin = offset_origin(surface, bounce.direction);
    bounce.skip_instance = hits[i].instance;
    bounce.skip_primitive = hits[i].primitive;
    sets.diffuse.push_back(bounce);
  }
  return sets;
}

}  // namespace framebus::bench
