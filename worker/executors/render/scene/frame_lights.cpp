// What next-event estimation can choose, and how likely each choice is.
//
// Powers are estimates and only steer the sampling: a triangle's is area x mean emission, a
// punctual light's its intensity over the sphere or cone. Lights at infinity would win by the size
// of the scene alone, so together they keep between a tenth and a half of the choices when there
// are others.
#include <algorithm>
#include <cmath>

#include "worker/executors/render/scene/exact_math.h"
#include "worker/executors/render/scene/frame_build.h"
#include "worker/executors/render/scene/scene_limits.h"

namespace framebus::render {

namespace {

constexpr double infinite_share_min = 0.1, infinite_share_max = 0.5;

Vec3 mean_emission(const CompiledScene& scene, const Material& material) {
  Vec3 emission = to_double(material.emission);
  if (material.emission_texture.texture == no_index) return emission;
  const Vec3 mean = to_double(scene.texture_means[material.emission_texture.texture]);
  return {emission.x * mean.x, emission.y * mean.y, emission.z * mean.z};
}

double luminance_of(Vec3 c) {
  return 0.2126 * c.x + 0.7152 * c.y + 0.0722 * c.z;
}

class LightCollector {
 public:
  LightCollector(const CompiledScene& scene, CompiledFrame& frame) : scene_(scene), frame_(frame) {}

  Status add_emissive(std::uint32_t instance_index) {
    Instance& instance = frame_.instances[instance_index];
    const Mesh& mesh = scene_.arrays.meshes[instance.mesh];
    const Material& material = scene_.arrays.materials[mesh.material];
    // Unlit surfaces show a colour but light nothing.
    const double radiance =
        material.unlit != 0 ? 0.0 : luminance_of(mean_emission(scene_, material));
    if (!(radiance > 0)) return {};
    if (frame_.lights.size() + mesh.triangle_count > scene_limits::lights_max)
      return fail(Code::invalid_argument, "the scene has more than " +
                                              std::to_string(scene_limits::lights_max) +
                                              " emissive triangles; at most that many are allowed");
    instance.first_light = static_cast<std::uint32_t>(frame_.lights.size());
    const Transform& to_world = frame_.instance_transforms[instance_index];
    const double sides = material.double_sided != 0 ? 2.0 : 1.0;
    for (std::uint32_t i = 0; i < mesh.triangle_count; ++i) {
      const Triangle& t = scene_.arrays.triangles[mesh.first_triangle + i];
      const Float3* positions = scene_.arrays.positions.data() + mesh.first_vertex;
      const Vec3 origin = to_double(positions[t.v0]);
      const Vec3 normal = cross(to_world.vector(to_double(positions[t.v1]) - origin),
                                to_world.vector(to_double(positions[t.v2]) - origin));
      Light light{};
      light.kind = LightKind::triangle;
      light.instance = instance_index;
      light.triangle = i;
      add(light, 0.5 * length(normal) * radiance * pi * sides);
    }
    return {};
  }

  void add_punctual(const LightModel& model, const Transform& to_world) {
    Light light{};
    light.kind = model.kind;
    light.intensity = to_float(model.intensity);
    light.position = to_float(to_world.point({}));
    light.direction = to_float(normalized_or(to_world.vector({0, 0, -1}), {0, -1, 0}));
    light.range = static_cast<float>(model.range);
    light.cos_inner = static_cast<float>(sin_cos(model.inner_cone).cos);
    light.cos_outer = static_cast<float>(sin_cos(model.outer_cone).cos);
    const double strength = luminance_of(model.intensity);
    if (model.kind == LightKind::point) add(light, 4 * pi * strength);
    if (model.kind == LightKind::spot)
      add(light, 2 * pi * strength *
                     (1.0 - 0.5 * (sin_cos(model.inner_cone).cos + sin_cos(model.outer_cone).cos)));
    if (model.kind == LightKind::directional) add_infinite(light, disc_area() * strength);
  }

  void add_environment(double mean_radiance) {
    if (!(mean_radiance > 0)) return;
    Light light{};
    light.kind = LightKind::environment;
    add_infinite(light, 4 * pi * disc_area() * mean_radiance);
  }

  void write_cdf() {
    double finite = 0, infinite = 0;
    for (std::size_t i = 0; i < powers_.size(); ++i)
      (is_infinite_[i] ? infinite : finite) += powers_[i];
    double finite_scale = 1, infinite_scale = 1;
    if (finite > 0 && infinite > 0) {
      const double share =
          std::clamp(infinite / (finite + infinite), infinite_share_min, infinite_share_max);
      finite_scale = (1.0 - share) / finite;
      infinite_scale = share / infinite;
    } else if (finite + infinite > 0) {
      finite_scale = infinite_scale = 1.0 / (finite + infinite);
    }
    frame_.light_cdf.resize(powers_.size());
    double sum = 0;
    for (std::size_t i = 0; i < powers_.size(); ++i) {
      sum += powers_[i] * (is_infinite_[i] ? infinite_scale : finite_scale);
      frame_.light_cdf[i] = static_cast<float>(std::min(sum, 1.0));
    }
    if (!powers_.empty()) frame_.light_cdf.back() = 1.0f;
  }

 private:
  // Overflowing estimates of absurd scenes must not poison the sum.
  static double bounded(double power) { return power >= 0 ? std::min(power, 1e200) : 0.0; }
  void add(const Light& light, double power) {
    frame_.lights.push_back(light);
    powers_.push_back(bounded(power));
    is_infinite_.push_back(false);
  }
  void add_infinite(const Light& light, double power) {
    add(light, power);
    is_infinite_.back() = true;
  }
  // Of the disc that the scene covers as seen from far away.
  double disc_area() const {
    if (frame_.bounds.is_empty()) return pi;
    const double radius = 0.5 * length(frame_.bounds.high - frame_.bounds.low);
    return std::max(pi * radius * radius, 1e-12);
  }

  const CompiledScene& scene_;
  CompiledFrame& frame_;
  std::vector<double> powers_;
  std::vector<bool> is_infinite_;
};

struct PlacedLight {
  LightModel model;
  Transform to_world;
};

// A transform whose -z axis is the direction.
PlacedLight place_job_light(const LightSettings& settings) {
  PlacedLight out;
  out.model.kind = settings.kind == "directional" ? LightKind::directional
                   : settings.kind == "spot"      ? LightKind::spot
                                                  : LightKind::point;
  out.model.intensity = vec3_of(settings.color) * settings.intensity;
  out.model.inner_cone = radians_of_degrees(settings.inner_angle);
  out.model.outer_cone = radians_of_degrees(settings.outer_angle);
  const Vec3 direction = normalized_or(vec3_of(settings.direction), {0, -1, 0});
  out.to_world.m[0] = {1, 0, -direction.x, settings.position[0]};
  out.to_world.m[1] = {0, 1, -direction.y, settings.position[1]};
  out.to_world.m[2] = {0, 0, -direction.z, settings.position[2]};
  return out;
}

}  // namespace

Status add_lights(const CompiledScene& scene, const RenderJob& job,
                  const std::vector<Transform>& world, CompiledFrame& frame) {
  LightCollector collector(scene, frame);
  for (std::uint32_t i = 0; i < frame.instances.size(); ++i)
    FRAMEBUS_TRY(collector.add_emissive(i));
  for (std::uint32_t i : scene.node_order)
    if (scene.nodes[i].light != no_index)
      collector.add_punctual(scene.lights[scene.nodes[i].light], world[i]);
  for (const LightSettings& settings : job.lights) {
    const PlacedLight light = place_job_light(settings);
    collector.add_punctual(light.model, light.to_world);
  }
  const EnvironmentMap& map = scene.environment;
  const double radiance =
      map.width != 0 ? luminance(map.mean) : luminance_of(vec3_of(job.environment.color));
  collector.add_environment(radiance * job.environment.scale);
  collector.write_cdf();
  return {};
}

}  // namespace framebus::render
