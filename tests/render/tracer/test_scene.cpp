#include "tests/render/tracer/test_scene.h"

#include <cmath>
#include <stdexcept>

#include "worker/executors/render/core/vector.h"
#include "worker/executors/render/scene/environment_map.h"

namespace framebus::render::testing {

Affine identity() {
  return {{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}};
}
Affine translation(Float3 t) {
  return {{{1, 0, 0, t.x}, {0, 1, 0, t.y}, {0, 0, 1, t.z}}};
}
Affine scaling(Float3 s) {
  return {{{s.x, 0, 0, 0}, {0, s.y, 0, 0}, {0, 0, s.z, 0}}};
}
Affine rotation_y(double radians) {
  const float c = static_cast<float>(std::cos(radians)), s = static_cast<float>(std::sin(radians));
  return {{{c, 0, s, 0}, {0, 1, 0, 0}, {-s, 0, c, 0}}};
}

Affine multiply(const Affine& a, const Affine& b) {
  Affine r;
  for (int i = 0; i < 3; ++i) {
    const float m[4] = {a.row[i].x, a.row[i].y, a.row[i].z, a.row[i].w};
    r.row[i] = {m[0] * b.row[0].x + m[1] * b.row[1].x + m[2] * b.row[2].x,
                m[0] * b.row[0].y + m[1] * b.row[1].y + m[2] * b.row[2].y,
                m[0] * b.row[0].z + m[1] * b.row[1].z + m[2] * b.row[2].z,
                m[0] * b.row[0].w + m[1] * b.row[1].w + m[2] * b.row[2].w + m[3]};
  }
  return r;
}

Affine inverse(const Affine& m) {
  const double a[3][3] = {{m.row[0].x, m.row[0].y, m.row[0].z},
                          {m.row[1].x, m.row[1].y, m.row[1].z},
                          {m.row[2].x, m.row[2].y, m.row[2].z}};
  const double t[3] = {m.row[0].w, m.row[1].w, m.row[2].w};
  const auto minor_of = [&](int r, int c) {
    const int r1 = (r + 1) % 3, r2 = (r + 2) % 3, c1 = (c + 1) % 3, c2 = (c + 2) % 3;
    return a[r1][c1] * a[r2][c2] - a[r1][c2] * a[r2][c1];
  };
  const double det = a[0][0] * minor_of(0, 0) + a[0][1] * minor_of(0, 1) + a[0][2] * minor_of(0, 2);
  Affine r;
  for (int i = 0; i < 3; ++i) {
    double row[3], moved = 0;
    for (int j = 0; j < 3; ++j) {
      row[j] = minor_of(j, i) / det;
      moved -= row[j] * t[j];
    }
    r.row[i] = {static_cast<float>(row[0]), static_cast<float>(row[1]), static_cast<float>(row[2]),
                static_cast<float>(moved)};
  }
  return r;
}

namespace {
Material base() {
  Material m{};
  m.base_color = {1, 1, 1, 1};
  m.roughness = 1;
  m.normal_scale = 1;
  m.alpha_cutoff = 0.5f;
  m.ior = 1.5f;
  const TextureSlot none = {no_index, 0, 1, 0, 0, 0, 1, 0};
  m.base_color_texture = m.metallic_roughness_texture = m.normal_texture = m.emission_texture =
      none;
  return m;
}
}  // namespace

Material lambert(Float3 albedo) {
  Material m = base();
  m.base_color = {albedo.x, albedo.y, albedo.z, 1};
  m.ior = 1;
  return m;
}
Material emitter(Float3 radiance, bool is_double_sided) {
  Material m = lambert({0, 0, 0});
  m.emission = radiance;
  m.double_sided = is_double_sided ? 1 : 0;
  return m;
}
Material metal(Float3 color, float roughness) {
  Material m = base();
  m.base_color = {color.x, color.y, color.z, 1};
  m.metallic = 1;
  m.roughness = roughness;
  return m;
}
Material plastic(Float3 color, float roughness) {
  Material m = metal(color, roughness);
  m.metallic = 0;
  return m;
}

class BuiltScene final : public Scene {
 public:
  explicit BuiltScene(const SceneBuilder& b) : data_(b) {
    view_ = {data_.meshes_.data(),
             static_cast<std::uint32_t>(data_.meshes_.size()),
             data_.triangles_.data(),
             static_cast<std::uint32_t>(data_.triangles_.size()),
             data_.positions_.data(),
             static_cast<std::uint32_t>(data_.positions_.size()),
             data_.normals_.data(),
             data_.tangents_.data(),
             data_.uv0_.data(),
             data_.uv1_.data(),
             data_.colors_.data(),
             data_.materials_.data(),
             static_cast<std::uint32_t>(data_.materials_.size()),
             data_.textures_.data(),
             static_cast<std::uint32_t>(data_.textures_.size()),
             data_.texels_.data(),
             data_.texels_.size()};
  }
  const SceneView& view() const override { return view_; }
  const SceneStatistics& statistics() const override { return statistics_; }
  const BlobHash& hash() const override { return hash_; }

 private:
  SceneBuilder data_;
  SceneView view_{};
  SceneStatistics statistics_;
  BlobHash hash_{};
};

class BuiltFrame final : public Frame {
 public:
  explicit BuiltFrame(const SceneBuilder& b) : data_(b) {
    list_emissive_triangles();
    for (const Light& light : data_.lights_) add(light, punctual_power(light));
    if (data_.samples_environment_) {
      Light light{};
      light.kind = LightKind::environment;
      add(light, 1.0);
    }
    double total = 0, sum = 0;
    for (double power : powers_) total += power;
    for (double power : powers_) {
      sum += power;
      cdf_.push_back(static_cast<float>(total > 0 ? sum / total : 1.0));
    }
    if (!cdf_.empty()) cdf_.back() = 1.0f;
    data_.environment_.pixels = data_.environment_pixels_.data();
    data_.environment_.marginal = data_.marginal_.data();
    data_.environment_.conditional = data_.conditional_.data();
    view_ = {data_.instances_.data(),
             static_cast<std::uint32_t>(data_.instances_.size()),
             lights_.data(),
             static_cast<std::uint32_t>(lights_.size()),
             cdf_.data(),
             data_.environment_,
             data_.camera_};
  }
  const FrameView& view() const override { return view_; }

 private:
  void add(const Light& light, double power) {
    lights_.push_back(light);
    powers_.push_back(power);
  }
  static double punctual_power(const Light& light) {
    return 1e-3 + light.intensity.x + light.intensity.y + light.intensity.z;
  }
  void list_emissive_triangles() {
    for (std::uint32_t i = 0; i < data_.instances_.size(); ++i) {
      Instance& instance = data_.instances_[i];
      instance.first_light = no_index;
      if (instance.mesh >= data_.meshes_.size()) continue;
      const Mesh& mesh = data_.meshes_[instance.mesh];
      const Material& m = data_.materials_[mesh.material];
      const double emission = double(m.emission.x) + double(m.emission.y) + double(m.emission.z);
      if (!(emission > 0)) continue;
      instance.first_light = static_cast<std::uint32_t>(lights_.size());
      for (std::uint32_t t = 0; t < mesh.triangle_count; ++t) {
        const Triangle& triangle = data_.triangles_[mesh.first_triangle + t];
        const Float3* p = data_.positions_.data() + mesh.first_vertex;
        const Float3 a = transform_point(instance.to_world, p[triangle.v0]);
        const Float3 n = cross(transform_point(instance.to_world, p[triangle.v1]) - a,
                               transform_point(instance.to_world, p[triangle.v2]) - a);
        Light light{};
        light.kind = LightKind::triangle;
        light.instance = i;
        light.triangle = t;
        add(light, emission * double(length_of(n)));
      }
    }
  }

  SceneBuilder data_;
  std::vector<Light> lights_;
  std::vector<double> powers_;
  std::vector<float> cdf_;
  FrameView view_{};
};

SceneBuilder::SceneBuilder() {
  environment_.scale = 1;
  environment_.cos_rotate = 1;
  look_at({0, 0, 5}, {0, 0, 0}, 0.8, 1);
}

std::uint32_t SceneBuilder::add_material(const Material& m) {
  materials_.push_back(m);
  return static_cast<std::uint32_t>(materials_.size() - 1);
}

std::uint32_t SceneBuilder::add_texture(std::uint32_t width, std::uint32_t height,
                                        TexelFormat format, Wrap wrap, bool is_nearest,
                                        const std::vector<std::uint8_t>& bytes) {
  texels_.resize((texels_.size() + 15) / 16 * 16);
  textures_.push_back({texels_.size(), width, height, format, wrap, wrap, is_nearest ? 1u : 0u});
  texels_.insert(texels_.end(), bytes.begin(), bytes.end());
  return static_cast<std::uint32_t>(textures_.size() - 1);
}

std::uint32_t SceneBuilder::add_mesh(const std::vector<Float3>& positions,
                                     const std::vector<Triangle>& triangles, std::uint32_t material,
                                     const std::vector<Float3>& normals,
                                     const std::vector<Float2>& uvs) {
  Mesh mesh{};
  mesh.first_triangle = static_cast<std::uint32_t>(triangles_.size());
  mesh.triangle_count = static_cast<std::uint32_t>(triangles.size());
  mesh.first_vertex = static_cast<std::uint32_t>(positions_.size());
  mesh.vertex_count = static_cast<std::uint32_t>(positions.size());
  mesh.material = material;
  mesh.flags = (normals.empty() ? 0u : +mesh_has_normals) | (uvs.empty() ? 0u : +mesh_has_uv0);
  positions_.insert(positions_.end(), positions.begin(), positions.end());
  triangles_.insert(triangles_.end(), triangles.begin(), triangles.end());
  normals_.insert(normals_.end(), normals.begin(), normals.end());
  uv0_.insert(uv0_.end(), uvs.begin(), uvs.end());
  normals_.resize(positions_.size(), {0, 0, 0});
  tangents_.resize(positions_.size(), {0, 0, 0, 0});
  colors_.resize(positions_.size(), {0, 0, 0, 0});
  uv0_.resize(positions_.size(), {0, 0});
  uv1_.resize(positions_.size(), {0, 0});
  meshes_.push_back(mesh);
  return static_cast<std::uint32_t>(meshes_.size() - 1);
}

std::uint32_t SceneBuilder::add_quad(Float3 corner, Float3 edge1, Float3 edge2,
                                     std::uint32_t material) {
  return add_mesh({corner, corner + edge1, corner + edge1 + edge2, corner + edge2},
                  {{0, 1, 2}, {0, 2, 3}}, material, {}, {{0, 1}, {1, 1}, {1, 0}, {0, 0}});
}

std::uint32_t SceneBuilder::add_sphere(std::uint32_t segments, std::uint32_t rings,
                                       std::uint32_t material, bool is_smooth) {
  std::vector<Float3> positions;
  std::vector<Float2> uvs;
  std::vector<Triangle> triangles;
  for (std::uint32_t r = 0; r <= rings; ++r)
    for (std::uint32_t s = 0; s <= segments; ++s) {
      const double theta = M_PI * r / rings, phi = 2 * M_PI * (s % segments) / segments;
      positions.push_back({static_cast<float>(std::sin(theta) * std::sin(phi)),
                           static_cast<float>(std::cos(theta)),
                           static_cast<float>(std::sin(theta) * std::cos(phi))});
      uvs.push_back({static_cast<float>(s) / static_cast<float>(segments),
                     static_cast<float>(r) / static_cast<float>(rings)});
    }
  for (std::uint32_t r = 0; r < rings; ++r)
    for (std::uint32_t s = 0; s < segments; ++s) {
      const std::uint32_t a = r * (segments + 1) + s, b = a + segments + 1;
      triangles.push_back({a, b, a + 1});
      triangles.push_back({a + 1, b, b + 1});
    }
  return add_mesh(positions, triangles, material, is_smooth ? positions : std::vector<Float3>{},
                  uvs);
}

std::uint32_t SceneBuilder::add_box(Float3 low, Float3 high, std::uint32_t material,
                                    bool faces_inwards) {
  std::vector<Float3> p;
  for (int i = 0; i < 8; ++i)
    p.push_back({(i & 1) != 0 ? high.x : low.x, (i & 2) != 0 ? high.y : low.y,
                 (i & 4) != 0 ? high.z : low.z});
  std::vector<Triangle> outwards = {{0, 2, 3}, {0, 3, 1}, {4, 5, 7}, {4, 7, 6},
                                    {0, 1, 5}, {0, 5, 4}, {2, 6, 7}, {2, 7, 3},
                                    {0, 4, 6}, {0, 6, 2}, {1, 3, 7}, {1, 7, 5}};
  if (faces_inwards)
    for (Triangle& t : outwards) std::swap(t.v1, t.v2);
  return add_mesh(p, outwards, material);
}

void SceneBuilder::add_instance(std::uint32_t mesh, const Affine& to_world) {
  const Float4* r = to_world.row;
  const Float3 x = {r[0].x, r[0].y, r[0].z}, y = {r[1].x, r[1].y, r[1].z},
               z = {r[2].x, r[2].y, r[2].z};
  instances_.push_back(
      {to_world, inverse(to_world), mesh, no_index, dot(cross(x, y), z) < 0 ? 1u : 0u, 0});
}

void SceneBuilder::add_light(const Light& light) {
  lights_.push_back(light);
}

void SceneBuilder::set_environment(Float3 constant, bool is_sampled) {
  environment_.constant = constant;
  samples_environment_ = is_sampled;
}

void SceneBuilder::set_environment_map(std::uint32_t width, std::uint32_t height,
                                       const std::vector<Float3>& pixels, double rotate_y) {
  environment_pixels_ = pixels;
  environment_.width = width;
  environment_.height = height;
  environment_.rotate_y = static_cast<float>(rotate_y);
  environment_.sin_rotate = static_cast<float>(std::sin(rotate_y));
  environment_.cos_rotate = static_cast<float>(std::cos(rotate_y));
  samples_environment_ = true;
  EnvironmentMap map;
  map.width = width;
  map.height = height;
  map.pixels = pixels;
  build_distribution(map);
  marginal_ = map.marginal;
  conditional_ = map.conditional;
}

void SceneBuilder::look_at(Float3 from, Float3 to, double yfov, double aspect) {
  camera_.position = from;
  camera_.forward = normalize_or(to - from, {0, 0, -1});
  camera_.right = normalize_or(cross(camera_.forward, {0, 1, 0}), {1, 0, 0});
  camera_.up = cross(camera_.right, camera_.forward);
  camera_.tan_half_y = static_cast<float>(std::tan(yfov / 2));
  camera_.tan_half_x = static_cast<float>(std::tan(yfov / 2) * aspect);
  camera_.orthographic = 0;
}

void SceneBuilder::orthographic(Float3 from, Float3 to, double half_extent) {
  look_at(from, to, 1, 1);
  camera_.orthographic = 1;
  camera_.tan_half_x = camera_.tan_half_y = static_cast<float>(half_extent);
}

std::shared_ptr<const Scene> SceneBuilder::scene() const {
  return std::make_shared<BuiltScene>(*this);
}
std::unique_ptr<const Frame> SceneBuilder::frame() const {
  return std::make_unique<BuiltFrame>(*this);
}

std::unique_ptr<CpuFrameTracer> SceneBuilder::tracer(const RenderJob& job,
                                                     const Kernel& kernel) const {
  std::shared_ptr<const Scene> built = scene();
  auto bvhs = std::make_shared<const MeshBvhs>(built->view(), kernel.width, 2);
  return std::make_unique<CpuFrameTracer>(built, bvhs, frame(), job, kernel);
}

RenderJob job_of(std::uint32_t width, std::uint32_t height, std::uint32_t samples) {
  RenderJob job;
  job.width = width;
  job.height = height;
  job.sampling.samples_per_pixel = samples;
  job.filter = Filter::box;
  return job;
}

Tile whole(const RenderJob& job) {
  return {0, 0, job.width, job.height, 0, job.sampling.samples_per_pixel};
}

Sums render(const CpuFrameTracer& tracer, const Tile& tile, unsigned threads) {
  Result<Sums> sums = tracer.render(tile, threads, {}, {});
  if (!sums) throw std::runtime_error(sums.error().message);
  return std::move(*sums);
}

double mean_of_channel(const Sums& sums, int channel) {
  const std::size_t plane = std::size_t{sums.width} * sums.height;
  double sum = 0, samples = 0;
  for (std::size_t i = 0; i < plane; ++i) {
    sum += static_cast<double>(sums.rgb[static_cast<std::size_t>(channel) * plane + i]);
    samples += sums.samples[i];
  }
  return sum / static_cast<double>(color_scale) / samples;
}

std::array<double, 3> pixel(const Sums& sums, std::uint32_t x, std::uint32_t y) {
  const std::size_t plane = std::size_t{sums.width} * sums.height,
                    at = std::size_t{y} * sums.width + x;
  const double scale = static_cast<double>(color_scale) * sums.samples[at];
  return {static_cast<double>(sums.rgb[at]) / scale,
          static_cast<double>(sums.rgb[plane + at]) / scale,
          static_cast<double>(sums.rgb[2 * plane + at]) / scale};
}

}  // namespace framebus::render::testing
