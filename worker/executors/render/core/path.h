// The stages of a path: generate, (trace), shade, (shadow), accumulate. Plain functions on plain
// state.
//
// A back end traces state.ray and the shadow ray with its own acceleration structure and calls the
// stages in between: one path at a time on the CPU, wavefronts of them on the GPU. Unidirectional
// path tracing with next-event estimation; both strategies are weighted by the power heuristic
// (Veach, 1997). Everything random is addressed by (seed, pixel, sample, bounce, purpose), so the
// order of work is free.
#pragma once

#include "worker/executors/render/core/bsdf.h"
#include "worker/executors/render/core/camera.h"
#include "worker/executors/render/core/light.h"

FB_CORE_BEGIN

// Paths shorter than this many surfaces are never ended by chance.
inline constexpr std::uint32_t roulette_vertex_first = 4;

FB_FN float power_heuristic(float density, float other) {
  const float ratio = other / density;
  return 1.0f / (1.0f + ratio * ratio);
}

// Stage generate: film point, camera ray. `pixel`: in the whole film, not in the tile.
FB_FN void generate(const RenderParams& p, std::uint32_t pixel_x, std::uint32_t pixel_y,
                    std::uint32_t sample, PathState& s) {
  const Float4 u = sample_4d(p, pixel_x, pixel_y, sample, purpose_camera());
  const float film_x = static_cast<float>(pixel_x) + 0.5f + filter_offset(*p.tables, u.x);
  const float film_y = static_cast<float>(pixel_y) + 0.5f + filter_offset(*p.tables, u.y);
  s.ray = camera_ray(p.frame.camera, p.width, p.height, film_x, film_y);
  s.throughput = {1.0f, 1.0f, 1.0f};
  s.direct = s.indirect = s.albedo = s.normal = {0.0f, 0.0f, 0.0f};
  s.depth = -1.0f;
  s.bsdf_density = 0.0f;
  s.pixel_x = pixel_x;
  s.pixel_y = pixel_y;
  s.sample = sample;
  s.key = hash_of(hash_of(p.seed, 0x616C7068u), pixel_x, pixel_y, sample);
  s.ray.key = hash_of(s.key, 0);
  s.vertex_count = 0;
  s.is_alive = 1;
}

// `vertices`: of the path that brought it, the light's included.
FB_FN void gather(PathState& s, Float3 contribution, std::uint32_t vertices) {
  if (vertices <= 2) {
    s.direct = s.direct + contribution;
  } else {
    s.indirect = s.indirect + contribution;
  }
}

// Weight of light found by a ray of density s.bsdf_density where light sampling would have had
// `other`.
FB_FN float weight_of_found_light(const RenderParams& p, const PathState& s, float other) {
  if (s.bsdf_density <= 0.0f || !(other > 0.0f)) return 1.0f;
  if ((p.strategies & strategy_bsdf) == 0) return 0.0f;
  if ((p.strategies & strategy_light) == 0) return 1.0f;
  return power_heuristic(s.bsdf_density, other);
}

FB_FN void shade_miss(const RenderParams& p, PathState& s) {
  s.is_alive = 0;
  if (s.vertex_count >= p.vertex_count_max) return;
  const Float3 direction = normalize_or(s.ray.direction, {0.0f, 1.0f, 0.0f});
  const EnvironmentSample e = environment_at(p.frame.environment, direction);
  if (is_zero(e.radiance)) return;
  const float other = p.environment_light == no_index
                          ? 0.0f
                          : e.density * light_chance(p.frame, p.environment_light);
  gather(s, s.throughput * e.radiance * weight_of_found_light(p, s, other), s.vertex_count + 1);
}

FB_FN void shade_emission(const RenderParams& p, PathState& s, const Hit& hit,
                          const Surface& surface, Float3 to_viewer) {
  if (surface.is_visible == 0 || is_zero(surface.emission)) return;
  const float distance_squared = hit.t * hit.t * dot(s.ray.direction, s.ray.direction);
  const float other = triangle_light_density(p.frame, p.frame.instances[hit.instance], hit.instance,
                                             hit.primitive, surface.area, distance_squared,
                                             fb_abs(dot(surface.normal_geometric, to_viewer)));
  gather(s, s.throughput * surface.emission * weight_of_found_light(p, s, other), s.vertex_count);
}

FB_FN void record_first_surface(PathState& s, const Hit& hit, const Surface& surface) {
  s.albedo = surface.base_color;
  s.normal = surface.normal_shading;
  s.depth = hit.t * length_of(s.ray.direction);
}

// Next-event estimation at a surface: one light sample, as a shadow ray.
FB_FN void shade_direct(const RenderParams& p, const PathState& s, const Surface& surface,
                        const Basis& frame, const Bsdf& bsdf, Float3 wo, ShadowRay& shadow) {
  if (p.frame.light_count == 0 || (p.strategies & strategy_light) == 0) return;
  const Float4 u = sample_4d(p, s.pixel_x, s.pixel_y, s.sample, purpose_light(s.vertex_count));
  shadow.ray.key = hash_of(s.key, 2 * s.vertex_count + 1);
  const LightSample light = sample_light(p, surface.position, u, shadow.ray.key);
  if (light.is_valid == 0 || !(dot(surface.normal_geometric, light.direction) > 0.0f)) return;
  const BsdfValue f = evaluate(bsdf, wo, to_local(frame, light.direction));
  if (is_zero(f.value) || is_zero(light.radiance)) return;
  float weight = 1.0f;
  if (light.is_delta == 0 && (p.strategies & strategy_bsdf) != 0)
    weight = power_heuristic(light.density, f.density);
  shadow.contribution = s.throughput * f.value * light.radiance * (weight / light.density);
  shadow.ray.origin = offset_origin(surface, light.direction);
  if (light.is_infinite != 0) {
    shadow.ray.direction = light.direction;
    shadow.ray.t_max = float_max;
  } else {
    shadow.ray.direction = light.target - shadow.ray.origin;
    shadow.ray.t_max = 0.9999f;
  }
  shadow.is_direct = s.vertex_count == 1 ? 1u : 0u;
  shadow.is_wanted = 1;
}

// Chooses the next direction; ends the path when it carries nothing or by Russian roulette.
FB_FN void shade_bounce(const RenderParams& p, PathState& s, const Surface& surface,
                        const Basis& frame, const Bsdf& bsdf, Float3 wo) {
  const Float4 u = sample_4d(p, s.pixel_x, s.pixel_y, s.sample, purpose_bsdf(s.vertex_count));
  const Float3 wi = sample_direction(bsdf, wo, u.x, u.y, u.z);
  const BsdfValue f = evaluate(bsdf, wo, wi);
  s.is_alive = 0;
  if (!(f.density > 0.0f)) return;
  const Float3 direction = normalize_or(to_world(frame, wi), {0.0f, 0.0f, 0.0f});
  if (!(dot(surface.normal_geometric, direction) > 0.0f)) return;
  s.throughput = s.throughput * f.value * (1.0f / f.density);
  const float strongest = max_component(s.throughput);
  if (!(strongest > 0.0f) || !is_finite(strongest)) return;
  if (s.vertex_count >= roulette_vertex_first && strongest < 1.0f) {
    const float survival = fb_max(strongest, 0.05f);
    if (u.w >= survival) return;
    s.throughput = s.throughput * (1.0f / survival);
  }
  s.ray.origin = offset_origin(surface, direction);
  s.ray.direction = direction;
  s.ray.t_max = float_max;
  s.ray.key = hash_of(s.key, 2 * s.vertex_count);
  s.bsdf_density = f.density;
  s.is_alive = 1;
}

// Stage shade: what the traced ray found. Sets `shadow` and the next ray, or ends the path.
FB_FN void shade(const RenderParams& p, PathState& s, const Hit& hit, ShadowRay& shadow) {
  shadow.is_wanted = 0;
  if (hit.instance == no_index) {
    shade_miss(p, s);
    return;
  }
  ++s.vertex_count;
  const Float3 to_viewer = -normalize_or(s.ray.direction, {0.0f, 0.0f, 1.0f});
  const Surface surface = surface_at(p, hit, to_viewer);
  if (s.vertex_count == 1) record_first_surface(s, hit, surface);
  shade_emission(p, s, hit, surface, to_viewer);
  if (surface.is_visible == 0 || surface.is_unlit != 0 || s.vertex_count >= p.vertex_count_max) {
    s.is_alive = 0;
    return;
  }
  s.ray.skip_instance = hit.instance;
  s.ray.skip_primitive = hit.primitive;
  shadow.ray.skip_instance = hit.instance;
  shadow.ray.skip_primitive = hit.primitive;
  const Basis frame = basis_around(surface.normal_shading);
  const Float3 wo = to_local(frame, to_viewer);
  const Bsdf bsdf = make_bsdf(surface, wo.z);
  shade_direct(p, s, surface, frame, bsdf, wo, shadow);
  shade_bounce(p, s, surface, frame, bsdf, wo);
}

// Stage shadow, when nothing lay between.
FB_FN void add_unoccluded(PathState& s, const ShadowRay& shadow) {
  gather(s, shadow.contribution, shadow.is_direct != 0 ? 2u : 3u);
}

// A finished path's radiance, indirect light bounded if the job asks for it (that biases it).
FB_FN Float3 radiance_of(const RenderParams& p, const PathState& s) {
  const float strongest = max_component(s.indirect);
  if (p.indirect_clamp > 0.0f && strongest > p.indirect_clamp)
    return s.direct + s.indirect * (p.indirect_clamp / strongest);
  return s.direct + s.indirect;
}

FB_CORE_END
