// A folder with a tiny glTF scene in it: one triangle, its buffer in a file of its own.
#pragma once

#include <doctest/doctest.h>
#include <stdlib.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

class SceneFolder {
 public:
  SceneFolder() {
    char name[] = "/tmp/framebus-jobfile-XXXXXX";
    REQUIRE(mkdtemp(name) != nullptr);
    path_ = name;
    write("scene.gltf", gltf());
    const float positions[9] = {0, 0, 0, 1, 0, 0, 0, 1, 0};
    std::string bytes(sizeof positions, '\0');
    std::memcpy(bytes.data(), positions, sizeof positions);
    write("triangle.bin", bytes);
  }
  ~SceneFolder() { std::filesystem::remove_all(path_); }
  SceneFolder(const SceneFolder&) = delete;
  SceneFolder& operator=(const SceneFolder&) = delete;

  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << text;
  }
  const std::filesystem::path& path() const { return path_; }

  static std::string gltf() {
    return R"({"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"name": "tri", "mesh": 0}],
               "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
               "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3", "min": [0, 0, 0], "max": [1, 1, 0]}],
               "bufferViews": [{"buffer": 0, "byteLength": 36}], "buffers": [{"uri": "triangle.bin", "byteLength": 36}]})";
  }

 private:
  std::filesystem::path path_;
};
