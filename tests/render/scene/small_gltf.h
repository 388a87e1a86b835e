// Small glTF files made in memory, and loading them, for the scene compiler's tests.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "worker/executors/render/scene/compiled_scene.h"
#include "worker/executors/render/scene/scene.h"

namespace framebus::render {

// Files by name in a temporary folder; resolves names like the real resolvers do.
class SceneFolder {
 public:
  SceneFolder();
  ~SceneFolder();
  SceneFolder(const SceneFolder&) = delete;
  SceneFolder& operator=(const SceneFolder&) = delete;

  void write(const std::string& name, std::string_view content) const;
  FileResolver resolver() const;
  std::filesystem::path path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Little-endian bytes of numbers, and base64 of bytes.
std::string bytes_of_floats(const std::vector<float>& values);
std::string bytes_of_u16(const std::vector<std::uint16_t>& values);
std::string base64(std::string_view bytes);
std::string data_uri(std::string_view bytes);

// A PNG of the given RGBA pixels, and a gray JPEG.
std::string png_of(std::uint32_t width, std::uint32_t height,
                   const std::vector<std::uint8_t>& rgba);
std::string jpeg_of(std::uint32_t width, std::uint32_t height,
                    const std::vector<std::uint8_t>& rgb);

// The text with every `from` replaced; each must occur (a test that changes nothing tests nothing).
std::string replaced(std::string text, std::string_view from, std::string_view to);

// A unit quad in the xy plane with normals, uv and u16 indices (buffer data 4 * (12 + 12 + 8) + 12
// bytes), one material "paint", one node "quad". Everything inside one file.
std::string quad_gltf();
// The same with more JSON members at the top level, e.g. "\"cameras\": [...]".
std::string quad_gltf_with(std::string_view members);

// A scene that uses most features; its hash is golden. External and embedded parts.
void write_rich_scene(const SceneFolder& folder);

RenderJob job_for(const std::string& scene);
Result<std::shared_ptr<const Scene>> load_text(std::string_view gltf);
// The message of the error with which loading ends; "" when it loads.
std::string load_error(std::string_view gltf);
bool contains(const std::string& text, std::string_view part);

}  // namespace framebus::render
