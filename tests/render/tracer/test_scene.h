// Scenes made in code for the tracer's tests and benchmarks: arrays behind the Scene and Frame
// interfaces.
//
// Emissive triangles are listed as lights by themselves, in the order the tracer expects, chosen by
// area x emission. Not thread-safe while it is being filled.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "worker/executors/render/cpu/frame_tracer.h"
#include "worker/executors/render/scene/scene.h"

namespace framebus::render::testing {

Affine identity();
Affine translation(Float3 t);
Affine scaling(Float3 s);
Affine rotation_y(double radians);
Affine multiply(const Affine& a, const Affine& b);  // first b, then a
Affine inverse(const Affine& m);

// A diffuse white-ish material: ior 1, so exactly Lambert.
Material lambert(Float3 albedo);
Material emitter(Float3 radiance, bool is_double_sided = false);
Material metal(Float3 color, float roughness);
Material plastic(Float3 color, float roughness);

class SceneBuilder {
 public:
  SceneBuilder();

  std::uint32_t add_material(const Material& m);
  std::uint32_t add_texture(std::uint32_t width, std::uint32_t height, TexelFormat format,
                            Wrap wrap, bool is_nearest, const std::vector<std::uint8_t>& bytes);
  // Normals, uvs and colours may be empty.
  std::uint32_t add_mesh(const std::vector<Float3>& positions,
                         const std::vector<Triangle>& triangles, std::uint32_t material,
                         const std::vector<Float3>& normals = {},
                         const std::vector<Float2>& uvs = {});
  std::uint32_t add_quad(Float3 corner, Float3 edge1, Float3 edge2, std::uint32_t material);
  // Unit sphere of 2 * segments * rings triangles.
  std::uint32_t add_sphere(std::uint32_t segments, std::uint32_t rings, std::uint32_t material,
                           bool is_smooth);
  std::uint32_t add_box(Float3 low, Float3 high, std::uint32_t material, bool faces_inwards);
  void add_instance(std::uint32_t mesh, const Affine& to_world = identity());
  void add_light(const Light& light);
  void set_environment(Float3 constant, bool is_sampled);
  void set_environment_map(std::uint32_t width, std::uint32_t height,
                           const std::vector<Float3>& pixels, double rotate_y);
  void look_at(Float3 from, Float3 to, double yfov, double aspect);
  void orthographic(Float3 from, Float3 to, double half_extent);

  std::vector<Material>& materials() { return materials_; }
  std::vector<Float3>& positions() { return positions_; }
  std::vector<Triangle>& triangles() { return triangles_; }
  std::vector<Light>& extra_lights() { return lights_; }

  std::shared_ptr<const Scene> scene() const;
  std::unique_ptr<const Frame> frame() const;
  // A tracer of this scene on a kernel (the best one by default).
  std::unique_ptr<CpuFrameTracer> tracer(const RenderJob& job,
                                         const Kernel& kernel = best_kernel()) const;

 private:
  friend class BuiltScene;
  friend class BuiltFrame;
  std::vector<Mesh> meshes_;
  std::vector<Triangle> triangles_;
  std::vector<Float3> positions_, normals_;
  std::vector<Float4> tangents_, colors_;
  std::vector<Float2> uv0_, uv1_;
  std::vector<Material> materials_;
  std::vector<Texture> textures_;
  std::vector<std::uint8_t> texels_;
  std::vector<Instance> instances_;
  std::vector<Light> lights_;
  std::vector<Float3> environment_pixels_;
  std::vector<float> marginal_, conditional_;
  Environment environment_{};
  bool samples_environment_ = false;
  Camera camera_{};
};

// The whole film in one tile.
RenderJob job_of(std::uint32_t width, std::uint32_t height, std::uint32_t samples);
Tile whole(const RenderJob& job);
Sums render(const CpuFrameTracer& tracer, const Tile& tile, unsigned threads = 1);
// Mean of one RGB channel over the film.
double mean_of_channel(const Sums& sums, int channel);
// Mean RGB of one pixel.
std::array<double, 3> pixel(const Sums& sums, std::uint32_t x, std::uint32_t y);

// A terrain of 2 * cells * cells triangles (262,144 for 362) under spheres; lit from above.
SceneBuilder terrain(std::uint32_t cells);
// Boxes, spheres, textures, metals, a light, alpha: a bit of everything, for equality tests.
SceneBuilder mixed_scene();

}  // namespace framebus::render::testing
