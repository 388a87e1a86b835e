// The trees of a scene's meshes in the layout of wide_bvh.h, and the tree over a frame's instances.
//
// Triangles whose indices leave their mesh or whose vertices are not finite (or beyond 1e12) are
// left out, so nothing later needs to check. Immutable after build; shared between threads.
#pragma once

#include <memory>
#include <vector>

#include "worker/executors/render/core/scene_view.h"
#include "worker/executors/render/cpu/bvh_build.h"
#include "worker/executors/render/cpu/huge_pages.h"
#include "worker/executors/render/cpu/wide_bvh.h"

namespace framebus::render {

// Inner nodes of one wide tree; the vector of its width is used.
struct WideNodes {
  std::vector<WideNode<4>, HugePageAllocator<WideNode<4>>> of_4;
  std::vector<WideNode<8>, HugePageAllocator<WideNode<8>>> of_8;
  const void* data(int width) const {
    return width == 8 ? static_cast<const void*>(of_8.data()) : of_4.data();
  }
};

class MeshBvhs {
 public:
  // `width`: 4 or 8, as the kernel wants it. Indices of the scene's arrays must be in range but for
  // those that triangles hold. Cost: about 0.3 s a million triangles and thread.
  MeshBvhs(const SceneView& scene, int width, unsigned threads);

  int width() const { return width_; }
  const std::vector<WideMesh>& meshes() const { return meshes_; }

 private:
  struct Tree {
    WideNodes nodes;
    std::vector<TriangleBlock, HugePageAllocator<TriangleBlock>> blocks;
  };
  void build_mesh(const SceneView& scene, std::uint32_t mesh, unsigned threads);

  int width_;
  std::vector<Tree> trees_;
  std::vector<WideMesh> meshes_;
};

// The boxes of a mesh's usable triangles, and the largest absolute coordinate among them.
std::vector<BuildBox> triangle_boxes(const SceneView& scene, const Mesh& mesh, float& extent);

// The tree over instances. Keeps pointers into `bvhs` and `frame`'s instances, so it must not
// outlive them.
class FrameBvh {
 public:
  FrameBvh(const FrameView& frame, const MeshBvhs& bvhs);
  const WideScene& scene() const { return scene_; }

 private:
  WideNodes nodes_;
  std::vector<std::uint32_t> order_;
  WideScene scene_{};
};

// World boxes of the instances that can be hit, with room for rounding in their transforms.
struct InstanceBoxes {
  std::vector<BuildBox> boxes;
  float extent = 0, pad_factor = 4;  // WideScene's top_extent and top_pad_factor
};
InstanceBoxes instance_boxes(const FrameView& frame, const std::vector<WideMesh>& meshes);

}  // namespace framebus::render
