// The oracle of the tree tests: every triangle of every instance, and the plain binary trees of
// core/bvh2.h.
#pragma once

#include <memory>

#include "tests/render/tracer/test_scene.h"

namespace framebus::render::testing {

// The best hit by looking at all triangles. `extents`: of mesh_extents.
std::vector<float> mesh_extents(const SceneView& scene);
Hit trace_all(const RenderParams& p, const std::vector<float>& extents, const Ray& ray);

// Binary trees in the device's layout over a scene and frame.
class BinaryForest {
 public:
  BinaryForest(const SceneView& scene, const FrameView& frame);
  const Bvh2Scene& scene() const { return scene_; }

 private:
  std::vector<Bvh2Node> nodes_, top_nodes_;
  std::vector<std::uint32_t> order_, top_order_;
  std::vector<Bvh2Mesh> meshes_;
  Bvh2Scene scene_{};
};

bool same_hit(const Hit& a, const Hit& b);

}  // namespace framebus::render::testing
