// Next-event estimation: choose a light by its power, choose a point of it, say what arrives and
// how likely it was.
//
// Mesh lights are found by index: lights[instance.first_light + triangle]. A light that is not
// listed there is still seen by rays that happen to hit it, with full weight.
#pragma once

#include "worker/executors/render/core/environment.h"
#include "worker/executors/render/core/surface.h"

FB_CORE_BEGIN

FB_FN float light_chance(const FrameView& frame, std::uint32_t light) {
  return light == 0 ? frame.light_cdf[0] : frame.light_cdf[light] - frame.light_cdf[light - 1];
}

// First light whose cdf exceeds u.
FB_FN std::uint32_t choose_light(const FrameView& frame, float u) {
  std::uint32_t low = 0, high = frame.light_count - 1;
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (u < frame.light_cdf[middle]) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

struct LightSample {
  Float3 direction;  // unit, towards the light
  Float3 radiance;   // arriving; for a light without size: irradiance across the direction
  Float3 target;     // where the shadow ray ends, when not infinitely far
  float
      density;  // per solid angle, choice of the light included; without size: chance of the choice
  std::uint32_t is_delta, is_infinite, is_valid;
};

// Density per solid angle of choosing this point of this triangle by light sampling, as seen along
// a ray that arrived there; 0 when it is not a listed light.
FB_FN float triangle_light_density(const FrameView& frame, const Instance& instance,
                                   std::uint32_t instance_index, std::uint32_t primitive,
                                   float area, float distance_squared, float cosine) {
  if (instance.first_light == no_index || frame.light_count == 0) return 0.0f;
  const std::uint64_t index = std::uint64_t{instance.first_light} + primitive;
  if (index >= frame.light_count) return 0.0f;
  const Light& light = frame.lights[index];
  if (light.kind != LightKind::triangle || light.instance != instance_index ||
      light.triangle != primitive)
    return 0.0f;
  if (!(area > 0.0f) || !(cosine > 0.0f)) return 0.0f;
  return light_chance(frame, static_cast<std::uint32_t>(index)) * distance_squared /
         (area * cosine);
}

FB_FN LightSample sample_triangle_light(const RenderParams& p, const Light& light, float chance,
                                        Float3 from, float u0, float u1, std::uint32_t ray_key) {
  LightSample s = {};
  const Instance& instance = p.frame.instances[light.instance];
  const Mesh& mesh = p.scene.meshes[instance.mesh];
  const Material& material = p.scene.materials[mesh.material];
  const float root = fb_sqrt(u0);
  const float u = root * (1.0f - u1), v = root * u1;
  const Corner c = corner_of(p.scene, mesh, light.triangle, u, v);
  const WorldTriangle w = world_triangle(p.scene, instance, c);
  const Float3 point = w.p0 * c.b0 + w.p1 * c.b1 + w.p2 * c.b2;
  const Float3 towards = point - from;
  const float distance_squared = dot(towards, towards);
  s.direction = normalize_or(towards, {0.0f, 0.0f, 0.0f});
  float cosine = -dot(w.normal, s.direction);
  const bool is_back = cosine < 0.0f;
  if (is_back && material.double_sided == 0) return s;
  cosine = fb_abs(cosine);
  if (!(w.area > 0.0f) || !(cosine > 1e-6f) || !(distance_squared > 0.0f)) return s;
  if (!is_opaque_to(p, ray_key, light.instance, light.triangle, u, v)) return s;
  s.radiance = emission_at(p, mesh, material, c, coordinates_at(p.scene, mesh, c));
  s.density = chance * distance_squared / (w.area * cosine);
  const Float3 error = (abs_of(w.p0) + abs_of(w.p1) + abs_of(w.p2)) * (16.0f * unit_roundoff);
  const Float3 facing = is_back ? -w.normal : w.normal;
  s.target = point + facing * dot(abs_of(facing), error);
  s.is_valid = 1;
  return s;
}

FB_FN LightSample sample_punctual_light(const Light& light, float chance, Float3 from) {
  LightSample s = {};
  s.is_delta = 1;
  s.density = chance;
  if (light.kind == LightKind::directional) {
    s.direction = -light.direction;
    s.radiance = light.intensity;
    s.is_infinite = 1;
    s.is_valid = 1;
    return s;
  }
  const Float3 towards = light.position - from;
  const float distance_squared = dot(towards, towards);
  if (!(distance_squared > 1e-12f)) return s;
  s.direction = normalize_or(towards, {0.0f, 0.0f, 0.0f});
  s.target = light.position;
  float attenuation = 1.0f / distance_squared;
  if (light.range > 0.0f) {
    const float q = distance_squared / (light.range * light.range);
    attenuation *= fb_clamp(1.0f - q * q, 0.0f, 1.0f);
  }
  if (light.kind == LightKind::spot) {
    const float cosine = -dot(light.direction, s.direction);
    const float scale = 1.0f / fb_max(0.001f, light.cos_inner - light.cos_outer);
    const float edge = fb_clamp((cosine - light.cos_outer) * scale, 0.0f, 1.0f);
    attenuation *= edge * edge;
  }
  s.radiance = light.intensity * attenuation;
  s.is_valid = attenuation > 0.0f ? 1u : 0u;
  return s;
}

// u: a point of the light (x, y) and which light (z).
FB_FN LightSample sample_light(const RenderParams& p, Float3 from, Float4 u,
                               std::uint32_t ray_key) {
  const std::uint32_t index = choose_light(p.frame, u.z);
  const Light& light = p.frame.lights[index];
  const float chance = light_chance(p.frame, index);
  LightSample s = {};
  if (!(chance > 0.0f)) return s;
  if (light.kind == LightKind::triangle)
    return sample_triangle_light(p, light, chance, from, u.x, u.y, ray_key);
  if (light.kind != LightKind::environment) return sample_punctual_light(light, chance, from);
  const EnvironmentSample e = sample_environment(p.frame.environment, u.x, u.y);
  s.direction = e.direction;
  s.radiance = e.radiance;
  s.density = chance * e.density;
  s.is_infinite = 1;
  s.is_valid = s.density > 0.0f ? 1u : 0u;
  return s;
}

FB_CORE_END
