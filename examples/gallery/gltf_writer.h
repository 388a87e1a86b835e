// Writes a glTF 2.0 file with one buffer beside it, from shapes, materials as JSON, and nodes.
#pragma once

#include <array>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "examples/gallery/shape.h"
#include "libmsg/base/result.h"

namespace framebus::gallery {

struct Placement {
  Vec3 position;
  double turn_y = 0;  // degrees
  double scale = 1;
};

class GltfWriter {
 public:
  // `json`: the members of a glTF material object.
  std::uint32_t add_material(const std::string& name, const std::string& json);
  // The texture's index; the file is written by the caller.
  std::uint32_t add_texture(const std::string& file);
  // Geometry; shown once for each add_node() with it.
  std::uint32_t add_shape(const Shape& shape);
  // A node showing `shape` in `material`. The same shape in several materials shares its vertices.
  void add_node(const std::string& name, std::uint32_t shape, std::uint32_t material,
                const Placement& at = {});
  void add_camera(const std::string& name, Vec3 position, Vec3 look_at, double yfov);

  std::size_t triangle_count() const { return triangles_; }
  // FOLDER/NAME.gltf and FOLDER/NAME.bin.
  Status write(const std::filesystem::path& folder, const std::string& name) const;

 private:
  std::uint32_t add_accessor(const void* data, std::size_t bytes, std::size_t count, int component,
                             const std::string& type, const std::string& bounds);

  std::string buffer_;
  std::vector<std::string> accessors_, views_, meshes_, nodes_, materials_, textures_, images_,
      cameras_;
  std::vector<std::string> primitives_;  // by shape: attributes and indices
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::size_t> mesh_of_;
  std::vector<std::size_t> shape_triangles_;
  std::size_t triangles_ = 0;
};

}  // namespace framebus::gallery
