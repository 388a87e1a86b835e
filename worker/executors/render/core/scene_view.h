// The scene as the path tracer sees it: plain arrays, no owner, the same layout on host and device.
//
// Two parts. The static part (meshes, their BVHs, materials, textures, environment) belongs to a
// scene and stays resident between tasks. The frame part (instances, lights, camera) belongs to one
// image frame of one job. worker/executors/render/scene/ makes both; cpu/ adds the BVHs; core/ only
// reads. Everything is 4-byte floats and integers, little endian, so a blob of it can be mmap'ed
// and copied. Units: scene units of the glTF file (metres), radians, linear RGB radiance with
// Rec.709 primaries.
#pragma once

#include <cstdint>

namespace framebus::render {

struct Float2 {
  float x, y;
};
struct Float3 {
  float x, y, z;
};
struct Float4 {
  float x, y, z, w;
};

// Rows of an affine transform: p' = (r0.p + r0.w, r1.p + r1.w, r2.p + r2.w).
struct Affine {
  Float4 row[3];
};

inline constexpr std::uint32_t no_index = 0xFFFFFFFFu;

// A glTF primitive: triangles with one material. Offsets count elements of the SceneView's arrays.
struct Mesh {
  std::uint32_t first_triangle,
      triangle_count;  // into triangles (vertex indices relative to first_vertex)
  std::uint32_t first_vertex, vertex_count;  // into positions, normals, tangents, uv0, uv1, colors
  std::uint32_t material;
  std::uint32_t flags;  // mesh_has_*
};
enum : std::uint32_t {
  mesh_has_normals = 1,
  mesh_has_tangents = 2,
  mesh_has_uv0 = 4,
  mesh_has_uv1 = 8,
  mesh_has_colors = 16
};

struct Triangle {
  std::uint32_t v0, v1, v2;
};

enum class TexelFormat : std::uint32_t { rgba8_srgb = 0, rgba8_linear = 1, rgba32f = 2 };
enum class Wrap : std::uint32_t { repeat = 0, clamp = 1, mirror = 2 };

struct Texture {
  std::uint64_t first_byte;  // into texels; rows from the top (v = 0), no padding
  std::uint32_t width, height;
  TexelFormat format;
  Wrap wrap_u, wrap_v;
  std::uint32_t nearest;  // 1: nearest texel, 0: bilinear
};

// A use of a texture by a material: which texture, which uv set, KHR_texture_transform.
struct TextureSlot {
  std::uint32_t texture;               // no_index: none
  std::uint32_t uv_set;                // 0 or 1
  float m00, m01, m02, m10, m11, m12;  // uv' = (m00 u + m01 v + m02, m10 u + m11 v + m12)
};

enum class AlphaMode : std::uint32_t { opaque = 0, mask = 1, blend = 2 };

struct Material {
  Float4 base_color;          // linear RGB and alpha
  float metallic, roughness;  // 0..1
  float normal_scale, alpha_cutoff;
  float ior;        // KHR_materials_ior; 1.5 by default
  Float3 emission;  // radiance, emissive_strength included
  AlphaMode alpha_mode;
  std::uint32_t double_sided;  // the back shades too (paths never leak through in either case)
  std::uint32_t unlit;         // KHR_materials_unlit: base colour is emitted, nothing reflected
  TextureSlot base_color_texture, metallic_roughness_texture, normal_texture, emission_texture;
};

struct Instance {
  Affine to_world, to_object;
  std::uint32_t mesh;
  std::uint32_t first_light;  // of its emissive triangles in lights, no_index when it does not emit
  std::uint32_t flips;        // 1: the transform mirrors, so winding is reversed
  std::uint32_t reserved;
};

enum class LightKind : std::uint32_t {
  triangle = 0,
  point = 1,
  spot = 2,
  directional = 3,
  environment = 4
};

// Everything next-event estimation can choose. Chosen by `cdf`: light i has probability
// cdf[i] - cdf[i-1] (cdf[-1] = 0, the last is exactly 1); proportional to its estimated power.
struct Light {
  LightKind kind;
  std::uint32_t instance, triangle;  // kind triangle: instance, and triangle index within its mesh
  Float3 position, direction;        // world space; direction: where it shines to, unit length
  Float3 intensity;            // point, spot: W/sr per channel; directional: W/m2; else unused
  float cos_inner, cos_outer;  // spot
  float range;                 // point, spot: 0 = unbounded
};

// Latitude-longitude radiance map. Direction (x, y, z), y up: u = atan2(x, -z) / 2pi + 0.5, v =
// acos(y) / pi, after `rotate_y`. Lookups are bilinear between texel centres, wrapping in u and
// clamped in v. marginal[height + 1] and conditional[height][width + 1] are CDFs from 0 to exactly
// 1, constant density over each texel: the mean of the bilinear luminance over the texel (the
// stencil (1 6 1) / 8 in both directions), times sin(theta) of its centre. So density is positive
// wherever radiance is.
struct Environment {
  std::uint32_t width, height;  // 0: no map
  const Float3* pixels;
  const float* marginal;
  const float* conditional;
  Float3 constant;  // radiance when there is no map (black by default)
  float scale;
  float rotate_y;                // radians, counter-clockwise seen from above
  float sin_rotate, cos_rotate;  // of rotate_y, computed by the scene compiler
};

struct Camera {
  Float3 position, right, up, forward;  // orthonormal, world space
  float tan_half_x, tan_half_y;         // perspective; film x runs along right, y downwards
  std::uint32_t orthographic;           // 1: tan_half_* are half extents in scene units
};

// The static part. Arrays of vertices run over all meshes; absent attributes hold zeros.
struct SceneView {
  const Mesh* meshes;
  std::uint32_t mesh_count;
  const Triangle* triangles;
  std::uint32_t triangle_count;
  const Float3* positions;
  std::uint32_t vertex_count;
  const Float3* normals;
  const Float4* tangents;  // w: bitangent sign
  const Float2* uv0;
  const Float2* uv1;
  const Float4* colors;  // linear, COLOR_0
  const Material* materials;
  std::uint32_t material_count;
  const Texture* textures;
  std::uint32_t texture_count;
  const std::uint8_t* texels;
  std::uint64_t texel_bytes;
};

// The frame part.
struct FrameView {
  const Instance* instances;
  std::uint32_t instance_count;
  const Light* lights;
  std::uint32_t light_count;
  const float* light_cdf;  // [light_count]
  Environment environment;
  Camera camera;
};

}  // namespace framebus::render
