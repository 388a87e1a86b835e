// The fields of a render job's JSON, described once for both directions.
//
// describe(visitor, struct) calls visitor(key, member, bounds) for each field, keys in byte order,
// so that what the writer makes is canonical. The visitors are in render_job.cpp; nobody else
// includes this.
#pragma once

#include <array>
#include <string_view>

#include "libmsg/base/limits.h"
#include "worker/executors/render/job/render_job.h"

namespace framebus::render {

struct ValueRange {
  double min = 0, max = 0;
};

inline constexpr ValueRange coordinate{-1e9, 1e9};
inline constexpr ValueRange degrees{-36000, 36000};
inline constexpr ValueRange not_negative{0, 1e9};
inline constexpr ValueRange frame_number{-frame_number_max, frame_number_max};
inline constexpr ValueRange u32_range{0, 4294967295.0};

// Enumerations and layer sets by name, in the order of their values.
inline constexpr std::array<std::string_view, 4> filter_names{"box", "triangle", "gaussian",
                                                              "blackman_harris"};
inline constexpr std::array<std::string_view, 2> sampler_names{"sobol_owen", "philox"};

template <class V, class S>
void describe_camera_key(V& visit, S& key) {
  visit("frame", key.frame, frame_number);
  visit("look_at", key.look_at, coordinate);
  visit("position", key.position, coordinate);
}

template <class V, class S>
void describe_camera(V& visit, S& camera) {
  visit("from_gltf", camera.from_gltf, limits::name_bytes_max);
  visit.list("keys", camera.keys, [](auto& v, auto& each) { describe_camera_key(v, each); });
  visit("yfov", camera.yfov, ValueRange{1e-3, 3.1});
}

template <class V, class S>
void describe_environment(V& visit, S& environment) {
  visit("color", environment.color, not_negative);
  visit("file", environment.file, limits::name_bytes_max);
  visit("rotate_y", environment.rotate_y, degrees);
  visit("scale", environment.scale, not_negative);
}

template <class V, class S>
void describe_light(V& visit, S& light) {
  visit("color", light.color, not_negative);
  visit("direction", light.direction, coordinate);
  visit("inner_angle", light.inner_angle, ValueRange{0, 90});
  visit("intensity", light.intensity, ValueRange{0, 1e12});
  visit("kind", light.kind, limits::name_bytes_max);
  visit("outer_angle", light.outer_angle, ValueRange{0, 90});
  visit("position", light.position, coordinate);
}

template <class V, class S>
void describe_instance(V& visit, S& instance) {
  visit("node", instance.node, limits::name_bytes_max);
  visit("rotate", instance.rotate, degrees);
  visit("scale", instance.scale, coordinate);
  visit("translate", instance.translate, coordinate);
}

template <class V, class S>
void describe_sampling(V& visit, S& sampling) {
  visit("clamp", sampling.clamp, ValueRange{0, color_clamp});
  visit("max_depth", sampling.max_depth, ValueRange{1, path_depth_max});
  visit.choice("sampler", sampling.sampler, sampler_names);
  visit("samples_per_pixel", sampling.samples_per_pixel, ValueRange{1, samples_per_pixel_max});
  visit("seed", sampling.seed, u32_range);
}

template <class V, class S>
void describe_output(V& visit, S& output) {
  visit("aces", output.aces);
  visit("exposure", output.exposure, ValueRange{-100, 100});
  visit("file", output.file, std::size_t{4096});
  visit("half", output.half);
  visit("layers", output.layers, ValueRange{1, 15});
}

template <class V, class S>
void describe_job(V& visit, S& job) {
  visit.object("camera", job.camera, [](auto& v, auto& each) { describe_camera(v, each); });
  visit.object("environment", job.environment,
               [](auto& v, auto& each) { describe_environment(v, each); });
  visit.files("files", job.files);
  visit.choice("filter", job.filter, filter_names);
  visit.frames("frames", job.frames);
  visit("frames_per_second", job.frames_per_second, ValueRange{1e-3, 1e6});
  visit("height", job.height, ValueRange{1, film_side_max});
  visit.list("instances", job.instances, [](auto& v, auto& each) { describe_instance(v, each); });
  visit("layers", job.layers, ValueRange{1, 15});
  visit.list("lights", job.lights, [](auto& v, auto& each) { describe_light(v, each); });
  visit.list("outputs", job.outputs, [](auto& v, auto& each) { describe_output(v, each); });
  visit("samples_per_task", job.samples_per_task, ValueRange{1, samples_per_pixel_max});
  visit.object("sampling", job.sampling, [](auto& v, auto& each) { describe_sampling(v, each); });
  visit("scene", job.scene, limits::name_bytes_max);
  visit("tile_height", job.tile_height, ValueRange{1, film_side_max});
  visit("tile_width", job.tile_width, ValueRange{1, film_side_max});
  visit("width", job.width, ValueRange{1, film_side_max});
}

}  // namespace framebus::render
