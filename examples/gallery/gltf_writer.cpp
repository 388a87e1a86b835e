// See gltf_writer.h.
#include "examples/gallery/gltf_writer.h"

#include <algorithm>
#include <cmath>
#include <fstream>

#include "libmsg/base/json_text.h"

namespace framebus::gallery {

namespace {

std::string array_of(const std::vector<std::string>& items, const char* separator) {
  std::string out = "[";
  for (std::size_t i = 0; i < items.size(); ++i)
    out.append(i == 0 ? "\n    " : separator).append(items[i]);
  return out + "\n  ]";
}

std::string numbers(std::initializer_list<double> values) {
  std::string out = "[";
  for (double v : values) out.append(out.size() == 1 ? "" : ", ").append(json_number(v));
  return out + "]";
}

Status write_file(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary);
  out << bytes;
  out.close();
  if (out) return {};
  return fail(Code::unavailable, "cannot write " + path.string());
}

}  // namespace

std::uint32_t GltfWriter::add_material(const std::string& name, const std::string& json) {
  std::string text = "{\"name\": ";
  text.append(json_quote(name)).append(", ").append(json).append("}");
  materials_.push_back(std::move(text));
  return static_cast<std::uint32_t>(materials_.size() - 1);
}

std::uint32_t GltfWriter::add_texture(const std::string& file) {
  std::string image = "{\"uri\": ";
  images_.push_back(image.append(json_quote(file)).append("}"));
  textures_.push_back("{\"sampler\": 0, \"source\": " + std::to_string(images_.size() - 1) + "}");
  return static_cast<std::uint32_t>(textures_.size() - 1);
}

std::uint32_t GltfWriter::add_accessor(const void* data, std::size_t bytes, std::size_t count,
                                       int component, const std::string& type,
                                       const std::string& bounds) {
  views_.push_back("{\"buffer\": 0, \"byteOffset\": " + std::to_string(buffer_.size()) +
                   ", \"byteLength\": " + std::to_string(bytes) + "}");
  buffer_.append(static_cast<const char*>(data), bytes);
  accessors_.push_back("{\"bufferView\": " + std::to_string(views_.size() - 1) +
                       ", \"componentType\": " + std::to_string(component) + ", \"count\": " +
                       std::to_string(count) + ", \"type\": \"" + type + "\"" + bounds + "}");
  return static_cast<std::uint32_t>(accessors_.size() - 1);
}

std::uint32_t GltfWriter::add_shape(const Shape& shape) {
  Vec3 low{1e9, 1e9, 1e9}, high{-1e9, -1e9, -1e9};
  for (const auto& p : shape.positions) {
    const Vec3 v = render::to_double(p);
    low = {std::min(low.x, v.x), std::min(low.y, v.y), std::min(low.z, v.z)};
    high = {std::max(high.x, v.x), std::max(high.y, v.y), std::max(high.z, v.z)};
  }
  const std::string bounds = ", \"min\": " + numbers({low.x, low.y, low.z}) +
                             ", \"max\": " + numbers({high.x, high.y, high.z});
  const std::size_t n = shape.positions.size();
  const auto position = add_accessor(shape.positions.data(), n * 12, n, 5126, "VEC3", bounds);
  const auto normal = add_accessor(shape.normals.data(), n * 12, n, 5126, "VEC3", "");
  const auto uv = add_accessor(shape.uv.data(), n * 8, n, 5126, "VEC2", "");
  const auto indices = add_accessor(shape.indices.data(), shape.indices.size() * 4,
                                    shape.indices.size(), 5125, "SCALAR", "");
  primitives_.push_back("\"attributes\": {\"POSITION\": " + std::to_string(position) +
                        ", \"NORMAL\": " + std::to_string(normal) + ", \"TEXCOORD_0\": " +
                        std::to_string(uv) + "}, \"indices\": " + std::to_string(indices));
  shape_triangles_.push_back(shape.triangle_count());
  return static_cast<std::uint32_t>(primitives_.size() - 1);
}

void GltfWriter::add_node(const std::string& name, std::uint32_t shape, std::uint32_t material,
                          const Placement& at) {
  const auto [found, is_new] = mesh_of_.try_emplace({shape, material}, meshes_.size());
  if (is_new)
    meshes_.push_back("{\"primitives\": [{" + primitives_[shape] +
                      ", \"material\": " + std::to_string(material) + "}]}");
  triangles_ += shape_triangles_[shape];
  const double half = at.turn_y / 720;
  std::string node = "{\"name\": ";
  node.append(json_quote(name)).append(", \"mesh\": ").append(std::to_string(found->second));
  node.append(", \"translation\": ").append(numbers({at.position.x, at.position.y, at.position.z}));
  if (at.turn_y != 0)
    node.append(", \"rotation\": ").append(numbers({0, sine(half), 0, cosine(half)}));
  if (at.scale != 1) node.append(", \"scale\": ").append(numbers({at.scale, at.scale, at.scale}));
  nodes_.push_back(node + "}");
}

void GltfWriter::add_camera(const std::string& name, Vec3 position, Vec3 look_at, double yfov) {
  cameras_.push_back("{\"type\": \"perspective\", \"perspective\": {\"yfov\": " +
                     json_number(yfov) + ", \"znear\": 0.01}}");
  const Vec3 back = render::normalized_or(position - look_at, {0, 0, 1});
  const Vec3 right = render::normalized_or(cross({0, 1, 0}, back), {1, 0, 0});
  const Vec3 up = cross(back, right);
  nodes_.push_back("{\"name\": " + json_quote(name) +
                   ", \"camera\": " + std::to_string(cameras_.size() - 1) + ", \"matrix\": " +
                   numbers({right.x, right.y, right.z, 0, up.x, up.y, up.z, 0, back.x, back.y,
                            back.z, 0, position.x, position.y, position.z, 1}) +
                   "}");
}

Status GltfWriter::write(const std::filesystem::path& folder, const std::string& name) const {
  std::string roots;
  for (std::size_t i = 0; i < nodes_.size(); ++i)
    roots.append(i == 0 ? "" : ", ").append(std::to_string(i));
  const char* line = ",\n    ";
  const std::string text =
      "{\n  \"asset\": {\"version\": \"2.0\", \"generator\": \"framebus make_gallery\"},\n"
      "  \"extensionsUsed\": [\"KHR_materials_emissive_strength\"],\n  \"scene\": 0,\n  "
      "\"scenes\": [{\"nodes\": [" +
      roots + "]}],\n  \"nodes\": " + array_of(nodes_, line) +
      ",\n  \"meshes\": " + array_of(meshes_, line) +
      ",\n  \"materials\": " + array_of(materials_, line) +
      ",\n  \"textures\": " + array_of(textures_, line) +
      ",\n  \"images\": " + array_of(images_, line) +
      ",\n  \"samplers\": [{\"magFilter\": 9729, \"wrapS\": 10497, \"wrapT\": 10497}],\n  "
      "\"cameras\": " +
      array_of(cameras_, line) + ",\n  \"accessors\": " + array_of(accessors_, line) +
      ",\n  \"bufferViews\": " + array_of(views_, line) +
      ",\n  \"buffers\": [{\"byteLength\": " + std::to_string(buffer_.size()) +
      ", \"uri\": " + json_quote(name + ".bin") + "}]\n}\n";
  FRAMEBUS_TRY(write_file(folder / (name + ".bin"), buffer_));
  return write_file(folder / (name + ".gltf"), text);
}

}  // namespace framebus::gallery
