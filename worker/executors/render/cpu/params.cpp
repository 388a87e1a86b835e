#include "worker/executors/render/cpu/params.h"

#include <algorithm>

namespace framebus::render {
namespace {

// A light that names what is not there would be read out of bounds.
bool is_valid(const Light& light, const SceneView& scene, const FrameView& frame) {
  if (light.kind != LightKind::triangle) return true;
  if (light.instance >= frame.instance_count) return false;
  const std::uint32_t mesh = frame.instances[light.instance].mesh;
  if (mesh >= scene.mesh_count || light.triangle >= scene.meshes[mesh].triangle_count) return false;
  const Mesh& m = scene.meshes[mesh];
  const Triangle& t = scene.triangles[m.first_triangle + light.triangle];
  return t.v0 < m.vertex_count && t.v1 < m.vertex_count && t.v2 < m.vertex_count &&
         m.material < scene.material_count;
}

}  // namespace

RenderParams make_params(const SceneView& scene, const FrameView& frame, const RenderJob& job,
                         const Tables& tables) {
  RenderParams p{};
  p.scene = scene;
  p.frame = frame;
  p.tables = &tables;
  p.width = std::max(job.width, 1u);
  p.height = std::max(job.height, 1u);
  p.seed = job.sampling.seed;
  p.sampler =
      job.sampling.sampler == Sampler::philox ? SamplerKind::philox : SamplerKind::sobol_owen;
  p.vertex_count_max = std::min(job.sampling.max_depth, vertex_count_limit);
  p.indirect_clamp = static_cast<float>(job.sampling.clamp);
  p.layers = job.layers;
  p.environment_light = no_index;
  p.strategies = strategy_light | strategy_bsdf;
  for (std::uint32_t i = 0; i < frame.light_count; ++i)
    if (!is_valid(frame.lights[i], scene, frame))
      p.frame.light_count = 0;  // found lights still count in full
  for (std::uint32_t i = 0; i < p.frame.light_count; ++i)
    if (frame.lights[i].kind == LightKind::environment) p.environment_light = i;
  return p;
}

}  // namespace framebus::render
