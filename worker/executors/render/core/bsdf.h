// The metallic-roughness surface of glTF 2.0 appendix B: a Lambert lobe and a GGX lobe blended by
// Schlick's Fresnel.
//
// All directions are local: z is the shading normal. `value` is f x cosine. The lobes are sampled
// as one mixture, whose density is what multiple importance sampling uses. GGX is sampled by its
// visible normals (Dupuy and Benyoub, 2023). A dielectric with ior = 1 is exactly Lambert: no
// interface, no reflection.
//
// One thing differs from the appendix: it leaves 1 - F(v.h) for the Lambert lobe, which at grazing
// angles returns up to 1.7 times the light that came, so white rooms would glow. Here the lobe gets
// (1 - F(n.v)) (1 - F(n.l)) / (1 - mean F): the same at normal incidence, reciprocal, and never
// more than came in.
#pragma once

#include "worker/executors/render/core/elementary.h"
#include "worker/executors/render/core/surface.h"

FB_CORE_BEGIN

// Perfect mirrors are a narrow lobe: 0.06 degrees.
inline constexpr float ggx_alpha_min = 1e-3f;

struct Bsdf {
  Float3 diffuse;  // of the Lambert lobe: albedo / (1 - mean Fresnel)
  Float3 f0;
  float f90, alpha;
  float specular_chance;  // of the GGX lobe in the mixture
};
struct BsdfValue {
  Float3 value;   // f x cosine
  float density;  // per solid angle
};

FB_FN float schlick(float f0, float f90, float cosine) {
  const float m = fb_clamp(1.0f - cosine, 0.0f, 1.0f), m2 = m * m;
  return f0 + (f90 - f0) * (m2 * m2 * m);
}
FB_FN Float3 fresnel(const Bsdf& b, float cosine) {
  return {schlick(b.f0.x, b.f90, cosine), schlick(b.f0.y, b.f90, cosine),
          schlick(b.f0.z, b.f90, cosine)};
}

// `wo_z`: cosine between the direction to the viewer and the shading normal.
FB_FN Bsdf make_bsdf(const Surface& s, float wo_z) {
  Bsdf b;
  b.diffuse = s.base_color * (1.0f - s.metallic);
  const float ratio = (s.ior - 1.0f) / (s.ior + 1.0f);
  const float dielectric = fb_clamp(ratio * ratio, 0.0f, 1.0f);
  b.f0 = lerp({dielectric, dielectric, dielectric}, s.base_color, s.metallic);
  b.f90 = (1.0f - s.metallic) * (s.ior == 1.0f ? 0.0f : 1.0f) + s.metallic;
  b.alpha = fb_max(s.roughness * s.roughness, ggx_alpha_min);
  const Float3 mean = b.f0 + (Float3{b.f90, b.f90, b.f90} - b.f0) * (1.0f / 21.0f);
  b.diffuse = {b.diffuse.x / fb_max(1.0f - mean.x, 0.05f),
               b.diffuse.y / fb_max(1.0f - mean.y, 0.05f),
               b.diffuse.z / fb_max(1.0f - mean.z, 0.05f)};
  const float specular = max_component(fresnel(b, wo_z));
  const float diffuse = max_component(b.diffuse) * (1.0f - fb_min(specular, 1.0f));
  if (max_component(b.diffuse) <= 0.0f) {
    b.specular_chance = 1.0f;
  } else if (b.f90 <= 0.0f && max_component(b.f0) <= 0.0f) {
    b.specular_chance = 0.0f;
  } else {
    b.specular_chance = fb_clamp(specular / (specular + diffuse), 0.1f, 0.9f);
  }
  return b;
}

// Smith's masking of one direction with z > 0.
FB_FN float ggx_masking(float alpha, Float3 w) {
  return 2.0f * w.z / (w.z + fb_sqrt(w.z * w.z + alpha * alpha * (w.x * w.x + w.y * w.y)));
}
// Smith's height-correlated masking and shadowing of both, over 2 wo.z.
FB_FN float ggx_shadowing(float alpha, Float3 wo, Float3 wi) {
  const float a2 = alpha * alpha;
  const float o = wi.z * fb_sqrt(wo.z * wo.z + a2 * (wo.x * wo.x + wo.y * wo.y));
  const float i = wo.z * fb_sqrt(wi.z * wi.z + a2 * (wi.x * wi.x + wi.y * wi.y));
  return wi.z / (o + i);
}
FB_FN float ggx_distribution(float alpha, Float3 h) {
  const float a2 = alpha * alpha;
  const float e = (h.x * h.x + h.y * h.y) / a2 + h.z * h.z;
  return 1.0f / (pi * a2 * e * e);
}

FB_FN BsdfValue evaluate(const Bsdf& b, Float3 wo, Float3 wi) {
  BsdfValue result = {{0.0f, 0.0f, 0.0f}, 0.0f};
  if (!(wo.z > 0.0f) || !(wi.z > 0.0f)) return result;
  const Float3 one = {1.0f, 1.0f, 1.0f};
  const float lambert = wi.z * inv_pi;
  result.value = b.diffuse * (one - fresnel(b, wo.z)) * (one - fresnel(b, wi.z)) * lambert;
  result.density = (1.0f - b.specular_chance) * lambert;
  if (b.specular_chance > 0.0f) {
    const Float3 h = normalize_or(wo + wi, {0.0f, 0.0f, 1.0f});
    const float distribution = ggx_distribution(b.alpha, h);
    const Float3 f = fresnel(b, dot(wo, h));
    result.value = result.value + f * (0.5f * distribution * ggx_shadowing(b.alpha, wo, wi));
    result.density += b.specular_chance * distribution * ggx_masking(b.alpha, wo) / (4.0f * wo.z);
  }
  return result;
}

// Cosine-weighted on the hemisphere by the concentric map.
FB_FN Float3 sample_cosine(float u0, float u1) {
  const float a = 2.0f * u0 - 1.0f, b = 2.0f * u1 - 1.0f;
  float r = 0.0f, turns = 0.0f;
  if (fb_abs(a) > fb_abs(b)) {
    r = a;
    turns = 0.125f * (b / a);
  } else if (b != 0.0f) {
    r = b;
    turns = 0.25f - 0.125f * (a / b);
  }
  const SinCos angle = sincos_turns(turns);
  return {r * angle.cos, r * angle.sin, fb_sqrt(fb_max(1.0f - r * r, 0.0f))};
}

// A microfacet normal visible from wo.
FB_FN Float3 sample_ggx_normal(float alpha, Float3 wo, float u0, float u1) {
  const Float3 v = normalize_or({alpha * wo.x, alpha * wo.y, wo.z}, {0.0f, 0.0f, 1.0f});
  const SinCos angle = sincos_turns(u0);
  const float z = (1.0f - u1) * (1.0f + v.z) - v.z;
  const float radius = fb_sqrt(fb_clamp(1.0f - z * z, 0.0f, 1.0f));
  const Float3 h = {radius * angle.cos + v.x, radius * angle.sin + v.y, z + v.z};
  return normalize_or({alpha * h.x, alpha * h.y, h.z}, {0.0f, 0.0f, 1.0f});
}

// A direction from the mixture; z <= 0 when the sample is below the surface and carries nothing.
FB_FN Float3 sample_direction(const Bsdf& b, Float3 wo, float u0, float u1, float u_lobe) {
  if (u_lobe >= b.specular_chance) return sample_cosine(u0, u1);
  const Float3 h = sample_ggx_normal(b.alpha, wo, u0, u1);
  return h * (2.0f * dot(wo, h)) - wo;
}

FB_CORE_END
