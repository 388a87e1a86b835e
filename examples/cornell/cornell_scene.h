// Tungsten scenes made of quads and cubes (Bitterli's Cornell box) to glTF 2.0, for comparing
// renderers.
//
// Reads: Lambert and null materials, quads, cubes, their Euler transforms (y, then x, then z, as
// Tungsten does), diffuse emission, and the pinhole camera, whose field of view is horizontal.
// Anything else is an error that names it. Not a general importer.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "libmsg/base/result.h"
#include "worker/executors/render/scene/transform.h"

namespace framebus::cornell {

struct Primitive {
  std::string name;
  bool is_cube = false;  // else a unit quad in the xz plane, facing +y
  render::Transform to_world;
  std::array<double, 3> albedo{};
  std::array<double, 3> emission{};
};

struct CornellScene {
  std::vector<Primitive> primitives;
  std::array<double, 3> camera_position{}, camera_look_at{};
  double horizontal_fov = 0.6;  // radians
  std::uint32_t width = 512, height = 512;
};

Result<CornellScene> read_tungsten(const std::filesystem::path& path);
// cornell.gltf (buffer inside) as text.
std::string gltf_of(const CornellScene& scene);
// A job file for it with the scene's camera; `spp` samples per pixel.
std::string job_of(const CornellScene& scene, std::uint32_t spp);

}  // namespace framebus::cornell
