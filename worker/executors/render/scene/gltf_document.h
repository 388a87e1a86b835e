// A glTF file opened: its JSON, checked at the top, and its top-level arrays by name.
//
// Reads .gltf and .glb. Buffers and images are not read here (gltf_buffers.h, image_decode.h).
// Immutable after open; any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libmsg/base/bytes.h"
#include "worker/executors/render/scene/gltf_json.h"
#include "worker/executors/render/scene/scene.h"

namespace framebus::render {

struct GltfDocument {
  std::string name;  // of the main file, as the job calls it
  std::unique_ptr<JsonDocument> json;
  Bytes glb_binary;  // the BIN chunk of a .glb
  bool has_glb_binary = false;

  std::vector<GltfValue> accessors, buffer_views, buffers, images, samplers, textures, materials;
  std::vector<GltfValue> meshes, nodes, scenes, cameras, animations, lights;

  GltfValue root() const { return {json.get(), json->root()}; }
};

// Opens and checks: version 2, required extensions known, arrays are arrays of objects. Warnings
// name used extensions that are ignored.
Result<GltfDocument> open_gltf(const std::string& name, const FileResolver& files,
                               std::vector<std::string>& warnings);

}  // namespace framebus::render
