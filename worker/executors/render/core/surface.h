// From a hit to a shading point: position, normals, and the material's values there; and stochastic
// alpha.
#pragma once

#include "worker/executors/render/core/hash.h"
#include "worker/executors/render/core/texture.h"

FB_CORE_BEGIN

// Barycentric interpolation weights and the vertices of a triangle of a mesh.
struct Corner {
  std::uint32_t i0, i1, i2;  // vertices, absolute
  float b0, b1, b2;
};
FB_FN Corner corner_of(const SceneView& scene, const Mesh& mesh, std::uint32_t primitive, float u,
                       float v) {
  const Triangle& t = scene.triangles[mesh.first_triangle + primitive];
  return {mesh.first_vertex + t.v0,
          mesh.first_vertex + t.v1,
          mesh.first_vertex + t.v2,
          1.0f - u - v,
          u,
          v};
}
FB_FN Float2 interpolate(const Float2* values, const Corner& c) {
  const Float2 a = values[c.i0], b = values[c.i1], d = values[c.i2];
  return {a.x * c.b0 + b.x * c.b1 + d.x * c.b2, a.y * c.b0 + b.y * c.b1 + d.y * c.b2};
}
FB_FN Float3 interpolate(const Float3* values, const Corner& c) {
  return values[c.i0] * c.b0 + values[c.i1] * c.b1 + values[c.i2] * c.b2;
}
FB_FN Float4 interpolate(const Float4* values, const Corner& c) {
  const Float4 a = values[c.i0], b = values[c.i1], d = values[c.i2];
  return {a.x * c.b0 + b.x * c.b1 + d.x * c.b2, a.y * c.b0 + b.y * c.b1 + d.y * c.b2,
          a.z * c.b0 + b.z * c.b1 + d.z * c.b2, a.w * c.b0 + b.w * c.b1 + d.w * c.b2};
}

struct TextureCoordinates {
  Float2 uv0, uv1;
};
FB_FN TextureCoordinates coordinates_at(const SceneView& scene, const Mesh& mesh, const Corner& c) {
  TextureCoordinates uv = {{0.0f, 0.0f}, {0.0f, 0.0f}};
  if ((mesh.flags & mesh_has_uv0) != 0) uv.uv0 = interpolate(scene.uv0, c);
  if ((mesh.flags & mesh_has_uv1) != 0) uv.uv1 = interpolate(scene.uv1, c);
  return uv;
}

// Base colour and alpha: factor x texture x vertex colour.
FB_FN Float4 base_color_at(const RenderParams& p, const Mesh& mesh, const Material& material,
                           const Corner& c, const TextureCoordinates& uv) {
  Float4 color = material.base_color;
  if (material.base_color_texture.texture != no_index) {
    const Float4 t = sample_slot(p, material.base_color_texture, uv.uv0, uv.uv1);
    color = {color.x * t.x, color.y * t.y, color.z * t.z, color.w * t.w};
  }
  if ((mesh.flags & mesh_has_colors) != 0) {
    const Float4 t = interpolate(p.scene.colors, c);
    color = {color.x * t.x, color.y * t.y, color.z * t.z, color.w * t.w};
  }
  return color;
}

// Whether the surface is there for the ray with this key: a hash of (ray, instance, primitive)
// decides for alpha blend, so the answer does not depend on the order in which surfaces are met.
FB_FN bool is_opaque_to(const RenderParams& p, std::uint32_t ray_key, std::uint32_t instance,
                        std::uint32_t primitive, float u, float v) {
  const Mesh& mesh = p.scene.meshes[p.frame.instances[instance].mesh];
  const Material& material = p.scene.materials[mesh.material];
  if (material.alpha_mode == AlphaMode::opaque) return true;
  const Corner c = corner_of(p.scene, mesh, primitive, u, v);
  const float alpha = base_color_at(p, mesh, material, c, coordinates_at(p.scene, mesh, c)).w;
  if (material.alpha_mode == AlphaMode::mask) return alpha >= material.alpha_cutoff;
  return unit_float(hash_of(ray_key, instance, primitive)) < alpha;
}

// Emitted radiance, and what an unlit material shows.
FB_FN Float3 emission_at(const RenderParams& p, const Mesh& mesh, const Material& material,
                         const Corner& c, const TextureCoordinates& uv) {
  if (material.unlit != 0) {
    const Float4 color = base_color_at(p, mesh, material, c, uv);
    return {color.x, color.y, color.z};
  }
  Float3 emission = material.emission;
  if (material.emission_texture.texture != no_index) {
    const Float4 t = sample_slot(p, material.emission_texture, uv.uv0, uv.uv1);
    emission = emission * Float3{t.x, t.y, t.z};
  }
  return emission;
}

struct WorldTriangle {
  Float3 p0, p1, p2;
  Float3 normal;  // unit, out of the front face
  float area;     // 0: degenerate
};
FB_FN WorldTriangle world_triangle(const SceneView& scene, const Instance& instance,
                                   const Corner& c) {
  WorldTriangle w;
  w.p0 = transform_point(instance.to_world, scene.positions[c.i0]);
  w.p1 = transform_point(instance.to_world, scene.positions[c.i1]);
  w.p2 = transform_point(instance.to_world, scene.positions[c.i2]);
  Float3 n = cross(w.p1 - w.p0, w.p2 - w.p0);
  if (instance.flips != 0) n = -n;
  const float twice_area = length_of(n);
  w.area = is_finite(twice_area) ? 0.5f * twice_area : 0.0f;
  w.normal = normalize_or(n, {0.0f, 0.0f, 1.0f});
  return w;
}

struct Surface {
  Float3 position, error;   // world; bound of the position's rounding error in each component
  Float3 normal_geometric;  // unit, on the side of the ray's origin
  Float3 normal_shading;    // unit, turned so that the ray comes from above it
  Float3 base_color, emission;
  float metallic, roughness, ior;
  float area;                                    // of the triangle, world
  std::uint32_t is_front, is_visible, is_unlit;  // is_visible: front, or a double-sided material
};

// Tangent frame in object space: the mesh's, or from the uv gradient of the triangle.
FB_FN bool tangent_at(const SceneView& scene, const Mesh& mesh, const Material& material,
                      const Corner& c, Float3 normal, Float3& tangent, Float3& bitangent) {
  if ((mesh.flags & mesh_has_tangents) != 0) {
    const Float4 t = interpolate(scene.tangents, c);
    tangent = {t.x, t.y, t.z};
    bitangent = cross(normal, tangent) * (t.w < 0.0f ? -1.0f : 1.0f);
    return true;
  }
  const bool is_second = material.normal_texture.uv_set == 1;
  if ((mesh.flags & (is_second ? mesh_has_uv1 : mesh_has_uv0)) == 0) return false;
  const Float2* uv = is_second ? scene.uv1 : scene.uv0;
  const Float3 e1 = scene.positions[c.i1] - scene.positions[c.i0];
  const Float3 e2 = scene.positions[c.i2] - scene.positions[c.i0];
  const float u1 = uv[c.i1].x - uv[c.i0].x, v1 = uv[c.i1].y - uv[c.i0].y;
  const float u2 = uv[c.i2].x - uv[c.i0].x, v2 = uv[c.i2].y - uv[c.i0].y;
  const float det = u1 * v2 - u2 * v1;
  if (det == 0.0f || !is_finite(det)) return false;
  const float sign = det < 0.0f ? -1.0f : 1.0f;
  const Float3 raw = (e1 * v2 - e2 * v1) * sign;
  tangent = normalize_or(raw - normal * dot(normal, raw), {0.0f, 0.0f, 0.0f});
  // The green channel points up in the image, towards smaller v; a triangle whose texture is not
  // mirrored has a negative determinant, as v runs downwards.
  bitangent = cross(normal, tangent) * -sign;
  return !is_zero(tangent);
}

// Normal in object space after the mesh's normals and the normal map.
FB_FN Float3 object_normal(const RenderParams& p, const Mesh& mesh, const Material& material,
                           const Corner& c, const TextureCoordinates& uv, Float3 flat) {
  Float3 n = flat;
  if ((mesh.flags & mesh_has_normals) != 0) n = normalize_or(interpolate(p.scene.normals, c), flat);
  if (material.normal_texture.texture == no_index) return n;
  Float3 tangent, bitangent;
  if (!tangent_at(p.scene, mesh, material, c, n, tangent, bitangent)) return n;
  const Float4 t = sample_slot(p, material.normal_texture, uv.uv0, uv.uv1);
  const Float3 mapped = {(2.0f * t.x - 1.0f) * material.normal_scale,
                         (2.0f * t.y - 1.0f) * material.normal_scale, 2.0f * t.z - 1.0f};
  return normalize_or(tangent * mapped.x + bitangent * mapped.y + n * mapped.z, n);
}

// Turns n just above the horizon as seen from `to_viewer`, so that shading never sees a back.
FB_FN Float3 facing_normal(Float3 n, Float3 to_viewer, Float3 geometric) {
  const float cosine = dot(n, to_viewer);
  if (cosine > 1e-3f) return n;
  return normalize_or(n + to_viewer * (2e-3f - cosine), geometric);
}

// `to_viewer`: unit, against the ray's direction.
FB_FN Surface surface_at(const RenderParams& p, const Hit& hit, Float3 to_viewer) {
  const Instance& instance = p.frame.instances[hit.instance];
  const Mesh& mesh = p.scene.meshes[instance.mesh];
  const Material& material = p.scene.materials[mesh.material];
  const Corner c = corner_of(p.scene, mesh, hit.primitive, hit.u, hit.v);
  const WorldTriangle w = world_triangle(p.scene, instance, c);
  Surface s;
  s.position = w.p0 * c.b0 + w.p1 * c.b1 + w.p2 * c.b2;
  const Float3 moved = {fb_abs(instance.to_world.row[0].w), fb_abs(instance.to_world.row[1].w),
                        fb_abs(instance.to_world.row[2].w)};
  s.error = (abs_of(w.p0) * fb_abs(c.b0) + abs_of(w.p1) * fb_abs(c.b1) +
             abs_of(w.p2) * fb_abs(c.b2) + moved) *
            (16.0f * unit_roundoff);
  s.area = w.area;
  s.is_front = dot(w.normal, to_viewer) > 0.0f ? 1u : 0u;
  s.is_visible = (s.is_front != 0 || material.double_sided != 0) ? 1u : 0u;
  s.is_unlit = material.unlit != 0 ? 1u : 0u;
  s.normal_geometric = s.is_front != 0 ? w.normal : -w.normal;
  const TextureCoordinates uv = coordinates_at(p.scene, mesh, c);
  s.normal_shading = s.normal_geometric;
  if ((mesh.flags & mesh_has_normals) != 0 || material.normal_texture.texture != no_index) {
    const Float3 e1 = p.scene.positions[c.i1] - p.scene.positions[c.i0];
    const Float3 e2 = p.scene.positions[c.i2] - p.scene.positions[c.i0];
    const Float3 flat = normalize_or(cross(e1, e2), {0.0f, 0.0f, 1.0f});
    const Float3 n = object_normal(p, mesh, material, c, uv, flat);
    const Float3 world = normalize_or(transform_normal(instance.to_object, n), w.normal);
    s.normal_shading =
        facing_normal(s.is_front != 0 ? world : -world, to_viewer, s.normal_geometric);
  }
  const Float4 color = base_color_at(p, mesh, material, c, uv);
  s.base_color = {fb_clamp(color.x, 0.0f, 1.0f), fb_clamp(color.y, 0.0f, 1.0f),
                  fb_clamp(color.z, 0.0f, 1.0f)};
  s.emission = emission_at(p, mesh, material, c, uv);
  s.metallic = material.metallic;
  s.roughness = material.roughness;
  if (material.metallic_roughness_texture.texture != no_index) {
    const Float4 t = sample_slot(p, material.metallic_roughness_texture, uv.uv0, uv.uv1);
    s.roughness *= t.y;
    s.metallic *= t.z;
  }
  s.metallic = fb_clamp(s.metallic, 0.0f, 1.0f);
  s.roughness = fb_clamp(s.roughness, 0.0f, 1.0f);
  s.ior = material.ior;
  return s;
}

// A point just off the surface, on the side that `direction` leaves to; farther than the rounding
// error.
FB_FN Float3 offset_origin(const Surface& s, Float3 direction) {
  const float distance = dot(abs_of(s.normal_geometric), s.error);
  const float side = dot(s.normal_geometric, direction) < 0.0f ? -distance : distance;
  return s.position + s.normal_geometric * side;
}

FB_CORE_END
