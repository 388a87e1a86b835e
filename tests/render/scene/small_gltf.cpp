// See small_gltf.h.
#include "small_gltf.h"

#include <doctest/doctest.h>
#include <png.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <fstream>

// jpeglib.h needs size_t and FILE to be declared before it.
// clang-format off
#include <cstdio>
#include <jpeglib.h>
// clang-format on

namespace framebus::render {

namespace fs = std::filesystem;

SceneFolder::SceneFolder() {
  static std::atomic<int> count{0};
  path_ = fs::temp_directory_path() /
          ("framebus_scene_" + std::to_string(::getpid()) + "_" + std::to_string(count++));
  fs::create_directories(path_);
}

SceneFolder::~SceneFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void SceneFolder::write(const std::string& name, std::string_view content) const {
  fs::create_directories((path_ / name).parent_path());
  std::ofstream(path_ / name, std::ios::binary) << content;
}

FileResolver SceneFolder::resolver() const {
  return [path = path_](const std::string& name) -> Result<fs::path> { return path / name; };
}

std::string bytes_of_floats(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

std::string bytes_of_u16(const std::vector<std::uint16_t>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(std::uint16_t)};
}

std::string base64(std::string_view bytes) {
  static const char* digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t j = 0; j < 3; ++j)
      bits = bits << 8 | (i + j < bytes.size() ? static_cast<std::uint8_t>(bytes[i + j]) : 0u);
    for (std::size_t j = 0; j < 4; ++j)
      out.push_back(i + j > bytes.size() ? '=' : digits[bits >> (18 - 6 * j) & 63]);
  }
  return out;
}

std::string data_uri(std::string_view bytes) {
  return "data:application/octet-stream;base64," + base64(bytes);
}

std::string png_of(std::uint32_t width, std::uint32_t height,
                   const std::vector<std::uint8_t>& rgba) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = PNG_FORMAT_RGBA;
  png_alloc_size_t size = 0;
  REQUIRE(png_image_write_to_memory(&image, nullptr, &size, 0, rgba.data(), 0, nullptr) != 0);
  std::string out(size, '\0');
  REQUIRE(png_image_write_to_memory(&image, out.data(), &size, 0, rgba.data(), 0, nullptr) != 0);
  out.resize(size);
  return out;
}

std::string jpeg_of(std::uint32_t width, std::uint32_t height,
                    const std::vector<std::uint8_t>& rgb) {
  jpeg_compress_struct encoder{};
  jpeg_error_mgr errors{};
  encoder.err = jpeg_std_error(&errors);
  jpeg_create_compress(&encoder);
  unsigned char* data = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&encoder, &data, &size);
  encoder.image_width = width;
  encoder.image_height = height;
  encoder.input_components = 3;
  encoder.in_color_space = JCS_RGB;
  jpeg_set_defaults(&encoder);
  jpeg_set_quality(&encoder, 95, TRUE);
  jpeg_start_compress(&encoder, TRUE);
  while (encoder.next_scanline < height) {
    JSAMPROW row =
        const_cast<JSAMPROW>(rgb.data() + std::size_t{encoder.next_scanline} * width * 3);
    jpeg_write_scanlines(&encoder, &row, 1);
  }
  jpeg_finish_compress(&encoder);
  std::string out(reinterpret_cast<const char*>(data), size);
  jpeg_destroy_compress(&encoder);
  std::free(data);
  return out;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  std::size_t at = text.find(from);
  REQUIRE_MESSAGE(at != std::string::npos, "the scene has no " << from);
  for (; at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

std::string quad_gltf_with(std::string_view members) {
  const std::string positions = bytes_of_floats({-1, -1, 0, 1, -1, 0, 1, 1, 0, -1, 1, 0});
  const std::string normals = bytes_of_floats({0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1});
  const std::string uv = bytes_of_floats({0, 1, 1, 1, 1, 0, 0, 0});
  const std::string indices = bytes_of_u16({0, 1, 2, 0, 2, 3});
  std::string text = R"({
  "asset": {"version": "2.0"},
  "scene": 0,
  "scenes": [{"nodes": [0]}],
  "nodes": [{"name": "quad", "mesh": 0}],
  "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "NORMAL": 1, "TEXCOORD_0": 2},
                              "indices": 3, "material": 0}]}],
  "materials": [{"name": "paint", "pbrMetallicRoughness": {"baseColorFactor": [0.8, 0.4, 0.2, 1],
                 "metallicFactor": 0, "roughnessFactor": 0.7}}],
  "accessors": [
    {"bufferView": 0, "componentType": 5126, "count": 4, "type": "VEC3"},
    {"bufferView": 0, "byteOffset": 48, "componentType": 5126, "count": 4, "type": "VEC3"},
    {"bufferView": 0, "byteOffset": 96, "componentType": 5126, "count": 4, "type": "VEC2"},
    {"bufferView": 1, "componentType": 5123, "count": 6, "type": "SCALAR"}],
  "bufferViews": [{"buffer": 0, "byteOffset": 0, "byteLength": 128},
                  {"buffer": 0, "byteOffset": 128, "byteLength": 12}],
  "buffers": [{"byteLength": 140, "uri": "BUFFER"}])";
  if (!members.empty()) text += ",\n  " + std::string(members);
  text += "\n}\n";
  return replaced(std::move(text), "BUFFER", data_uri(positions + normals + uv + indices));
}

std::string quad_gltf() {
  return quad_gltf_with("");
}

RenderJob job_for(const std::string& scene) {
  RenderJob job;
  job.scene = scene;
  job.width = 160;
  job.height = 90;
  return job;
}

Result<std::shared_ptr<const Scene>> load_text(std::string_view gltf) {
  const SceneFolder folder;
  folder.write("scene.gltf", gltf);
  return load_scene(job_for("scene.gltf"), folder.resolver());
}

std::string load_error(std::string_view gltf) {
  const auto scene = load_text(gltf);
  if (scene) return "";
  CHECK(scene.error().code == Code::invalid_argument);
  return scene.error().message;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

namespace {

// A bumpy grid of (n + 1)^2 vertices, heights from integer arithmetic only.
struct Grid {
  std::vector<float> positions, uv;
  std::vector<std::uint16_t> indices;
};

Grid make_grid(std::uint16_t n) {
  Grid grid;
  for (std::uint16_t y = 0; y <= n; ++y)
    for (std::uint16_t x = 0; x <= n; ++x) {
      grid.positions.insert(
          grid.positions.end(),
          {static_cast<float>(x) * 0.25f, static_cast<float>((x * 7 + y * 13) % 5) * 0.0625f,
           static_cast<float>(y) * 0.25f});
      grid.uv.insert(grid.uv.end(),
                     {static_cast<float>(x) * 0.125f, static_cast<float>(y) * 0.125f});
    }
  const auto side = static_cast<std::uint16_t>(n + 1);
  for (std::uint16_t y = 0; y < n; ++y)
    for (std::uint16_t x = 0; x < n; ++x) {
      const auto a = static_cast<std::uint16_t>(y * side + x),
                 b = static_cast<std::uint16_t>(a + side);
      for (int v : {+a, +b, a + 1, a + 1, +b, b + 1})
        grid.indices.push_back(static_cast<std::uint16_t>(v));
    }
  return grid;
}

}  // namespace

void write_rich_scene(const SceneFolder& folder) {
  const Grid grid = make_grid(8);
  std::string data = bytes_of_floats(grid.positions);
  const std::size_t uv_at = data.size();
  data += bytes_of_floats(grid.uv);
  const std::size_t index_at = data.size();
  data += bytes_of_u16(grid.indices);
  const std::size_t key_at = data.size();
  data += bytes_of_floats({0, 1, 2}) +
          bytes_of_floats({0, 0, 0, 1, 0, 0.70710678f, 0, 0.70710678f, 0, 1, 0, 0});
  folder.write("grid.bin", data);
  std::vector<std::uint8_t> checks;
  for (std::uint32_t i = 0; i < 8 * 8; ++i)
    for (std::uint32_t c = 0; c < 4; ++c)
      checks.push_back(static_cast<std::uint8_t>(c == 3 ? 255 : 40 + (i * 37 + c * 91) % 200));
  folder.write("tex/checks 1.png", png_of(8, 8, checks));
  std::string text = R"({"asset": {"version": "2.0"}, "extensionsUsed": ["KHR_lights_punctual"],
  "scenes": [{"nodes": [0, 3, 4]}],
  "nodes": [{"name": "root", "children": [1, 2], "translation": [0, 0.5, 0]},
            {"name": "grid", "mesh": 0, "rotation": [0, 0.38268343, 0, 0.92387953]},
            {"name": "mirror", "mesh": 0, "scale": [-1, 1, 0.5], "translation": [3, 0, 0]},
            {"name": "eye", "camera": 0, "translation": [1, 2, 6]},
            {"name": "lamp", "extensions": {"KHR_lights_punctual": {"light": 0}}, "translation": [0, 4, 0]}],
  "cameras": [{"type": "perspective", "perspective": {"yfov": 0.6, "znear": 0.1}}],
  "extensions": {"KHR_lights_punctual": {"lights": [{"type": "spot", "intensity": 30, "color": [1, 0.8, 0.6],
      "spot": {"innerConeAngle": 0.2, "outerConeAngle": 0.5}}]}},
  "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "TEXCOORD_0": 1}, "indices": 2, "material": 0}]}],
  "materials": [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0, "extensions":
      {"KHR_texture_transform": {"rotation": 0.3, "scale": [2, 2]}}}, "metallicFactor": 0.25},
      "normalTexture": {"index": 0, "scale": 0.5}, "emissiveFactor": [0.1, 0.2, 0.3], "emissiveTexture": {"index": 0}}],
  "textures": [{"source": 0}], "images": [{"uri": "tex/checks%201.png"}],
  "animations": [{"samplers": [{"input": 3, "output": 4}],
                  "channels": [{"sampler": 0, "target": {"node": 1, "path": "rotation"}}]}],
  "accessors": [{"bufferView": 0, "componentType": 5126, "count": 81, "type": "VEC3"},
    {"bufferView": 0, "byteOffset": UV_AT, "componentType": 5126, "count": 81, "type": "VEC2"},
    {"bufferView": 0, "byteOffset": INDEX_AT, "componentType": 5123, "count": 384, "type": "SCALAR"},
    {"bufferView": 0, "byteOffset": KEY_AT, "componentType": 5126, "count": 3, "type": "SCALAR"},
    {"bufferView": 0, "byteOffset": VALUE_AT, "componentType": 5126, "count": 3, "type": "VEC4"}],
  "bufferViews": [{"buffer": 0, "byteLength": TOTAL}], "buffers": [{"uri": "grid.bin", "byteLength": TOTAL}]})";
  text = replaced(text, "UV_AT", std::to_string(uv_at));
  text = replaced(text, "INDEX_AT", std::to_string(index_at));
  text = replaced(text, "KEY_AT", std::to_string(key_at));
  text = replaced(text, "VALUE_AT", std::to_string(key_at + 12));
  text = replaced(text, "TOTAL", std::to_string(data.size()));
  folder.write("rich.gltf", text);
}

}  // namespace framebus::render
