// Plain data of the path tracer: rays, hits, paths in flight, and the parameters of a render.
//
// No functions and no owners; shared by all instruction sets and the device. A back end keeps one
// PathState for each path it has in flight and calls the stages of path.h on it.
#pragma once

#include <cstdint>

#include "worker/executors/render/core/scene_view.h"

namespace framebus::render {

struct Ray {
  Float3 origin;
  float t_max;        // hits with t <= t_max count; t is in units of the direction's length
  Float3 direction;   // any length
  std::uint32_t key;  // of the ray within the picture, for stochastic alpha
  std::uint32_t skip_instance;  // the triangle the ray starts on is never hit; no_index: none
  std::uint32_t skip_primitive;
};

// Nearest of the hits by (t, instance, primitive), so that the shape of no tree matters.
struct Hit {
  float t, u, v;                      // barycentrics of vertices 1 and 2
  std::uint32_t instance, primitive;  // instance no_index: nothing was hit
};

// Tables made once on the host (tables.h) and copied to the device as they are.
struct Tables {
  float srgb_to_linear[256];
  float filter_inverse_cdf[1025];  // pixels from the pixel's centre, <= 0, at u = (i / 1024)^4 / 2
  std::uint32_t sobol[4][16][4];   // [nibble of the index][its value][dimension]
};

enum class SamplerKind : std::uint32_t { sobol_owen = 0, philox = 1 };

// Everything a path needs to know besides the acceleration structure.
struct RenderParams {
  SceneView scene;
  FrameView frame;
  const Tables* tables;
  std::uint32_t width, height;  // film, pixels
  std::uint32_t seed;
  SamplerKind sampler;
  std::uint32_t vertex_count_max;   // path vertices after the camera, the light's included
  float indirect_clamp;             // largest component of a sample's indirect radiance; 0: none
  std::uint32_t layers;             // film/accumulator.h's Layer bits
  std::uint32_t environment_light;  // its index among the lights, no_index: it is not sampled
  std::uint32_t strategies;         // strategy_* bits; both but in tests
};
enum : std::uint32_t { strategy_light = 1, strategy_bsdf = 2 };

struct PathState {
  Ray ray;
  Float3 throughput;
  Float3 direct, indirect;  // radiance gathered: up to two vertices after the camera, and beyond
  Float3 albedo, normal;    // of the first surface that alpha did not let through
  float depth;              // distance to it; negative: nothing was hit
  float bsdf_density;       // solid angle density of ray.direction; 0: not sampled (camera)
  std::uint32_t pixel_x, pixel_y, sample;
  std::uint32_t key;           // hash of the path's address
  std::uint32_t vertex_count;  // surfaces met so far
  std::uint32_t is_alive;
};

// What next-event estimation asks for: if nothing lies between, the contribution arrives.
struct ShadowRay {
  Ray ray;
  Float3 contribution;
  std::uint32_t is_wanted;
  std::uint32_t is_direct;
};

// One pixel's share of a Sums (film/accumulator.h): exact integers.
struct PixelSums {
  std::int64_t rgb[3], albedo[3], normal[3], depth;
  std::uint32_t depth_hits;
  std::uint32_t nan_count, clamp_count;  // components
};

}  // namespace framebus::render
