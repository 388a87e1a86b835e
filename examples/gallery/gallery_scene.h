// The room: what stands where. Textures are written beside the scene.
#pragma once

#include <filesystem>

#include "examples/gallery/gltf_writer.h"

namespace framebus::gallery {

// Writes every texture the scene uses into `folder`.
Status write_textures(const std::filesystem::path& folder);
// Walls, floor, lights, furniture and works of art.
void build_gallery(GltfWriter& gltf);

}  // namespace framebus::gallery
