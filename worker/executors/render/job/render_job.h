// A render step as data: what the client writes into StepSpec::params (as JSON) and workers read
// back.
//
// The task index alone says what a task is (frame, tile, sample range), so a million tasks cost
// nothing to describe. The client fills it from the job file; both sides use the functions here, so
// they can not disagree about the plan.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libmsg/base/bytes.h"
#include "libmsg/base/result.h"
#include "libmsg/schema/parts.h"
#include "worker/executors/render/core/filter.h"
#include "worker/executors/render/core/scene_view.h"
#include "worker/executors/render/film/accumulator.h"

namespace framebus::render {

enum class Sampler : std::uint8_t { sobol_owen = 0, philox = 1 };

struct CameraKey {
  double frame = 0;
  std::array<double, 3> position{}, look_at{};
  bool operator==(const CameraKey&) const = default;
};

struct CameraSettings {
  std::string
      from_gltf;  // camera or node name; empty: the first, or a fitted view when there is none
  std::optional<double> yfov;  // radians, overrides the file's
  std::vector<CameraKey>
      keys;  // by frame, ascending; empty: the file's camera. Linear in position, look_at.
  bool operator==(const CameraSettings&) const = default;
};

struct EnvironmentSettings {
  std::string file;               // name of an input blob, .hdr or .exr; empty: none
  std::array<double, 3> color{};  // constant radiance when there is no file
  double scale = 1;
  double rotate_y = 0;  // degrees
  bool operator==(const EnvironmentSettings&) const = default;
};

// Lights and instances added by the job to those of the file.
struct LightSettings {
  std::string kind;  // point, spot, directional
  std::array<double, 3> position{}, direction{0, -1, 0}, color{1, 1, 1};
  double intensity = 1;                      // candela-like W/sr (point, spot), W/m2 (directional)
  double inner_angle = 0, outer_angle = 45;  // degrees, spot
  bool operator==(const LightSettings&) const = default;
};
struct InstanceSettings {
  std::string node;  // a node of the file whose meshes are shown once more
  std::array<double, 3> translate{}, rotate{},
      scale{1, 1, 1};  // rotate: degrees about x, y, z, in this order
  bool operator==(const InstanceSettings&) const = default;
};

struct Sampling {
  std::uint32_t samples_per_pixel = 64;
  std::uint32_t seed = 0;
  Sampler sampler = Sampler::sobol_owen;
  std::uint32_t max_depth = 8;  // path vertices after the camera
  double clamp = 0;             // of indirect radiance per sample; 0: none (unbiased)
  bool operator==(const Sampling&) const = default;
};

// Where the client writes finished frames. Workers carry it and do not read it: it is part of the
// job so that `framebus fetch` on another terminal or day can assemble the pictures from the job
// alone.
struct OutputSettings {
  std::string file;  // as in the job file; "####" or "%04d" is the frame number; .png or .exr
  std::uint32_t layers = layer_rgb;  // PNG: exactly one
  bool half = true;                  // EXR: 16-bit floats for colours
  bool aces = false;                 // PNG: ACES tone map instead of none
  double exposure = 0;               // stops, PNG
  bool operator==(const OutputSettings&) const = default;
};

inline constexpr std::uint32_t film_side_max = 32768;       // pixels
inline constexpr std::uint32_t task_pixels_max = 1u << 22;  // of one task's tile
inline constexpr std::uint32_t path_depth_max = 64;
inline constexpr std::int32_t frame_number_max = 9'999'999;  // and -frame_number_max
inline constexpr std::uint32_t render_list_max =
    1024;  // camera keys, lights, instances, outputs, each

struct RenderJob {
  std::string scene;  // name of the main input blob: a .gltf or .glb
  std::vector<BlobRef>
      files;  // every file the scene needs, by the relative name it is referred to with
  std::vector<std::int32_t> frames{1};  // image frames, in order
  double frames_per_second = 24;        // glTF animation time = (frame - 1) / fps
  std::uint32_t width = 1280, height = 720;
  Filter filter = Filter::blackman_harris;
  CameraSettings camera;
  EnvironmentSettings environment;
  std::vector<LightSettings> lights;
  std::vector<InstanceSettings> instances;
  Sampling sampling;
  std::uint32_t layers = layer_rgb;  // which sums tasks return
  std::uint32_t tile_width = 64, tile_height = 64, samples_per_task = 16;  // the plan
  std::vector<OutputSettings> outputs;                                     // client only
  bool operator==(const RenderJob&) const = default;
};

// Canonical JSON (sorted keys, no white space): equal jobs give equal bytes. parse checks every
// bound, rejects unknown keys, and never throws.
std::string to_json(const RenderJob& job);
Result<RenderJob> parse_render_job(BytesView json);

// Tasks are ordered frame by frame; within a frame by sample pass (so that a first picture of the
// whole frame exists early), within a pass by tile, row by row. Edge tiles and the last pass are
// smaller.
std::uint64_t task_count(const RenderJob& job);
struct RenderTask {
  std::int32_t frame = 1;
  Tile tile;
};
Result<RenderTask> task_at(const RenderJob& job, std::uint32_t index);

}  // namespace framebus::render
