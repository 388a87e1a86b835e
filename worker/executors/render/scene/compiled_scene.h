// What the loader makes of a file: the tracer's arrays, and the node model from which frames are
// made.
//
// Written once by load_scene(), then immutable and shared between threads.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "worker/executors/render/scene/environment_map.h"
#include "worker/executors/render/scene/scene.h"
#include "worker/executors/render/scene/transform.h"

namespace framebus::render {

// The owners of what SceneView points to.
struct SceneArrays {
  std::vector<Mesh> meshes;
  std::vector<Triangle> triangles;
  std::vector<Float3> positions, normals;
  std::vector<Float4> tangents, colors;
  std::vector<Float2> uv0, uv1;
  std::vector<Material> materials;
  std::vector<Texture> textures;
  std::vector<std::uint8_t> texels;
};

struct Bounds {
  Vec3 low{1e300, 1e300, 1e300}, high{-1e300, -1e300, -1e300};
  bool is_empty() const { return low.x > high.x; }
  void add(Vec3 p);
  void add(const Bounds& box, const Transform& to);  // the eight corners
};

struct NodeModel {
  std::string name;
  std::uint32_t parent = no_index;
  Vec3 translation, scale{1, 1, 1};
  Quaternion rotation;
  std::optional<Transform> matrix;  // instead of the three above
  std::uint32_t mesh = no_index, camera = no_index, light = no_index;
  std::vector<Transform> copies;  // EXT_mesh_gpu_instancing; empty: the mesh once
};

enum class Interpolation : std::uint8_t { step, linear, cubic_spline };
enum class AnimatedPath : std::uint8_t { translation, rotation, scale };

struct AnimationChannel {
  std::uint32_t node = 0;
  AnimatedPath path = AnimatedPath::translation;
  Interpolation interpolation = Interpolation::linear;
  std::vector<float> times;   // seconds, strictly ascending
  std::vector<float> values;  // 3 or 4 for each time; cubic spline: in-tangent, value, out-tangent
};

struct CameraModel {
  std::string name;
  bool is_orthographic = false;
  double yfov = 0.7;  // radians
  double ymag = 1;    // half height, orthographic
};

struct LightModel {
  LightKind kind = LightKind::point;
  Vec3 intensity;                                             // colour times intensity
  double inner_cone = 0, outer_cone = pi_quarter, range = 0;  // radians, scene units
  static constexpr double pi_quarter = 0.78539816339744830962;
};

class CompiledScene final : public Scene {
 public:
  const SceneView& view() const override { return view_; }
  const SceneStatistics& statistics() const override { return statistics_; }
  const BlobHash& hash() const override { return hash_; }

  // Each warning once.
  void warn(std::string text);
  // After everything is loaded: the view's pointers, the statistics of the static part, the hash.
  void finish();

  SceneArrays arrays;
  std::vector<Bounds> mesh_bounds;                     // of arrays.meshes, in object space
  std::vector<std::vector<std::uint32_t>> mesh_parts;  // glTF mesh -> arrays.meshes
  std::vector<Float3> texture_means;  // of arrays.textures, linear; for emission's power
  std::vector<NodeModel> nodes;
  std::vector<std::uint32_t> node_order;  // of the shown scene, parents before children
  std::vector<AnimationChannel> channels;
  std::vector<CameraModel> cameras;
  std::vector<LightModel> lights;
  EnvironmentMap environment;
  SceneStatistics statistics_;

 private:
  BlobHash compute_hash() const;

  SceneView view_{};
  BlobHash hash_;
};

}  // namespace framebus::render
