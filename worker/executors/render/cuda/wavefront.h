// The wavefront back end: the core's stages as kernels over a batch of paths in flight.
//
// Compiled whenever nvcc is there, so that the core stays free of what a device can not do or would
// do differently. All pointers are device pointers. Errors are CUDA error codes, 0 for none;
// nothing here owns memory or chooses a device.
#pragma once

#include <cstddef>
#include <cstdint>

#include "worker/executors/render/core/bvh2.h"
#include "worker/executors/render/core/path_state.h"

namespace framebus::render::cuda {

// Device arrays of `count` paths, and the sums of a tile (film/accumulator.h's layout; absent
// planes are null).
struct Wavefront {
  const RenderParams* params;
  const Bvh2Scene* bvh;
  PathState* paths;
  Hit* hits;
  ShadowRay* shadows;
  std::uint32_t* alive_count;  // one counter: paths that go on, written by launch_bounce
  std::uint32_t count;
};

struct DeviceTile {
  std::uint32_t x, y, width, height;  // pixels of the film
  std::int64_t *rgb, *albedo, *normal, *depth;
  std::uint32_t* depth_hits;
  unsigned long long *nan_count, *clamp_count;
};

// A stream handle is a cudaStream_t; passed untyped so that users of this header need no CUDA
// headers.
using Stream = void*;

// Path i is pixel i % (width * height) of the tile at sample first_sample + i / (width * height).
int launch_generate(const Wavefront& wave, const DeviceTile& tile, std::uint32_t first_sample,
                    Stream stream);
// One bounce: trace, shade, shadow. alive_count is set to the number of paths that go on.
int launch_bounce(const Wavefront& wave, Stream stream);
// Adds all paths to the tile's sums.
int launch_accumulate(const Wavefront& wave, const DeviceTile& tile, Stream stream);

}  // namespace framebus::render::cuda
