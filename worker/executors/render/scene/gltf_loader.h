// The stages of load_scene(), in the order they run. Each reads its part of the document into the
// scene.
//
// All errors are invalid_argument and name file, position and JSON pointer. One thread; only
// texture decoding uses more, and its result does not depend on how many.
#pragma once

#include "worker/executors/render/scene/compiled_scene.h"
#include "worker/executors/render/scene/gltf_buffers.h"
#include "worker/executors/render/scene/gltf_document.h"

namespace framebus::render {

struct GltfLoader {
  const GltfDocument& document;
  const FileResolver& files;
  GltfBuffers& buffers;
  CompiledScene& scene;

  Status load_materials();   // materials, and the textures and images they use
  Status load_meshes();      // triangles and vertices; needs materials (who wants tangents)
  Status load_nodes();       // nodes, cameras, lights, the order of the shown scene; needs meshes
  Status load_animations();  // channels; needs nodes
};

// The images behind arrays.textures: decodes each image once, appends its texels, and fills
// first_byte, width and height of every texture. `image_of` maps a texture to an index into
// document.images.
Status load_images(GltfLoader& loader, const std::vector<std::uint32_t>& image_of);

}  // namespace framebus::render
