// Every sampling routine against its own density, by chi-square over the sphere.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "tests/render/tracer/statistics.h"
#include "tests/render/tracer/test_scene.h"
#include "worker/executors/render/core/path.h"
#include "worker/executors/render/core/tables.h"
#include "worker/executors/render/cpu/params.h"

using namespace framebus::render;
using namespace framebus::render::testing;

namespace {

constexpr int z_bins = 32, phi_bins = 48;

std::size_t bin_of(Float3 d) {
  const double z = static_cast<double>(d.z),
               phi = std::atan2(static_cast<double>(d.y), static_cast<double>(d.x));
  const int i = std::clamp(static_cast<int>((z + 1) / 2 * z_bins), 0, z_bins - 1);
  const int j = std::clamp(static_cast<int>((phi / (2 * M_PI) + 0.5) * phi_bins), 0, phi_bins - 1);
  return static_cast<std::size_t>(i * phi_bins + j);
}

// Integral of a density over each bin, by midpoints on a fine grid (uniform in z and phi is uniform
// in area).
std::vector<double> integrate(const std::function<double(Float3)>& density, int fine) {
  std::vector<double> bins(z_bins * phi_bins);
  const int nz = z_bins * fine, nphi = phi_bins * fine;
  const double cell = 4 * M_PI / nz / nphi;
  for (int i = 0; i < nz; ++i)
    for (int j = 0; j < nphi; ++j) {
      const double z = -1 + 2 * (i + 0.5) / nz, phi = 2 * M_PI * ((j + 0.5) / nphi - 0.5);
      const double r = std::sqrt(1 - z * z);
      const Float3 d = {static_cast<float>(r * std::cos(phi)),
                        static_cast<float>(r * std::sin(phi)), static_cast<float>(z)};
      bins[static_cast<std::size_t>(i / fine * phi_bins + j / fine)] += density(d) * cell;
    }
  return bins;
}

// p-value of n samples (a zero direction: nothing was sampled) against a density that may integrate
// to less than 1.
double test_density(const std::function<Float3(Random&)>& sample,
                    const std::function<double(Float3)>& density, int n, int fine,
                    double* total = nullptr) {
  Random random(21);
  std::vector<double> observed(z_bins * phi_bins), expected = integrate(density, fine);
  for (int i = 0; i < n; ++i) {
    const Float3 d = sample(random);
    if (!is_zero(d)) ++observed[bin_of(d)];
  }
  double sum = 0;
  for (double& e : expected) {
    sum += e;
    e *= n;
  }
  if (total != nullptr) *total = sum;
  return chi_square_p(observed, expected);
}

}  // namespace

TEST_CASE("chi-square: the mixture of lobes is sampled as its density says") {
  for (float roughness : {0.15f, 0.4f, 0.7f, 1.0f})
    for (float metallic : {0.0f, 0.5f, 1.0f})
      for (float cosine : {0.95f, 0.5f, 0.12f}) {
        Surface s{};
        s.base_color = {0.8f, 0.5f, 0.3f};
        s.metallic = metallic;
        s.roughness = roughness;
        s.ior = 1.5f;
        const Bsdf bsdf = make_bsdf(s, cosine);
        const Float3 wo = {std::sqrt(1 - cosine * cosine), 0, cosine};
        const int fine = roughness < 0.3f ? 24 : 10;
        double total = 0;
        const double p = test_density(
            [&](Random& r) {
              const float u0 = r.unit(), u1 = r.unit(), u2 = r.unit();
              const Float3 wi = sample_direction(bsdf, wo, u0, u1, u2);
              return wi.z > 0 ? wi : Float3{0, 0, 0};
            },
            [&](Float3 d) { return static_cast<double>(evaluate(bsdf, wo, d).density); }, 100000,
            fine, &total);
        CAPTURE(roughness);
        CAPTURE(metallic);
        CAPTURE(cosine);
        CHECK(p > 1e-4);
        CHECK(total < 1.002);
      }
}

TEST_CASE("reflected energy is bounded, and reflection is reciprocal") {
  for (float roughness : {0.1f, 0.3f, 0.6f, 1.0f})
    for (float metallic : {0.0f, 1.0f})
      for (float cosine : {1.0f, 0.7f, 0.3f, 0.05f}) {
        Surface s{};
        s.base_color = {1, 1, 1};
        s.metallic = metallic;
        s.roughness = roughness;
        s.ior = 1.5f;
        const Bsdf bsdf = make_bsdf(s, cosine);
        const Float3 wo = {std::sqrt(1 - cosine * cosine), 0, cosine};
        Random r(3);
        std::vector<double> weights;
        for (int i = 0; i < 20000; ++i) {
          const float u0 = r.unit(), u1 = r.unit(), u2 = r.unit();
          const Float3 wi = sample_direction(bsdf, wo, u0, u1, u2);
          const BsdfValue f = evaluate(bsdf, wo, wi);
          weights.push_back(f.density > 0 ? static_cast<double>(f.value.x / f.density) : 0.0);
        }
        const Mean mean = mean_of_values(weights);
        CAPTURE(roughness);
        CAPTURE(metallic);
        CAPTURE(cosine);
        CHECK(mean.value < 1.0 + 4 * mean.standard_error + 1e-3);
        CHECK(mean.value > 0.2);
        // Closed form of GGX with alpha 1 at normal incidence, one scattering: 1 - ln 2.
        if (roughness == 1.0f && metallic == 1.0f && cosine == 1.0f)
          CHECK(std::abs(mean.value - (1 - std::log(2.0))) < 4 * mean.standard_error);
        const Float3 wi = normalize_or({0.3f, -0.4f, 0.6f}, {0, 0, 1});
        CHECK(evaluate(bsdf, wo, wi).value.x / wi.z ==
              doctest::Approx(evaluate(bsdf, wi, wo).value.x / wo.z).epsilon(1e-4));
      }
}

TEST_CASE(
    "chi-square: an environment map is sampled as its density says, and agrees with lookups") {
  SceneBuilder b;
  std::vector<Float3> pixels;
  Random noise(9);
  for (int i = 0; i < 32 * 16; ++i) {
    const float value = noise.unit() < 0.1f ? 20.0f : noise.unit();
    pixels.push_back({value, value * 0.5f, value});
  }
  b.set_environment_map(32, 16, pixels, 0.7);
  b.add_instance(b.add_quad({0, 0, 0}, {1, 0, 0}, {0, 1, 0}, b.add_material(lambert({1, 1, 1}))));
  const auto frame = b.frame();
  const Environment& e = frame->view().environment;
  std::uint64_t differing = 0;
  double total = 0;
  const double p = test_density(
      [&](Random& r) {
        const float u0 = r.unit(), u1 = r.unit();
        const EnvironmentSample s = sample_environment(e, u0, u1);
        const EnvironmentSample found = environment_at(e, s.direction);
        if (std::abs(found.density - s.density) > 1e-3f * s.density ||
            std::abs(found.radiance.x - s.radiance.x) > 1e-3f * s.radiance.x)
          ++differing;
        return s.direction;
      },
      [&](Float3 d) { return static_cast<double>(environment_at(e, d).density); }, 400000, 24,
      &total);
  CHECK(p > 1e-4);
  CHECK(total == doctest::Approx(1).epsilon(0.002));
  CHECK(differing < 20);  // of 400,000: directions within rounding of a texel's border
}

TEST_CASE("chi-square: light sampling chooses directions as its density says") {
  SceneBuilder b;
  const std::uint32_t lamp = b.add_material(emitter({3, 3, 3}, true));
  b.add_instance(b.add_quad({-0.5f, -0.2f, 1}, {1, 0, 0.3f}, {0, 0.9f, 0}, lamp));
  b.add_instance(b.add_sphere(6, 4, b.add_material(emitter({1, 2, 1})), false),
                 translation({-2, 0.5f, -1}));
  b.set_environment({1, 1, 1}, true);
  const auto scene = b.scene();
  const auto frame = b.frame();
  const Tables tables = make_tables(Filter::box);
  const RenderParams p = make_params(scene->view(), frame->view(), job_of(8, 8, 1), tables);
  const MeshBvhs bvhs(p.scene, best_kernel().width, 1);
  const FrameBvh top(p.frame, bvhs);
  // Density of a direction: of the environment, and of every triangle that the line through it
  // meets.
  const auto density = [&](Float3 d) {
    double sum = static_cast<double>(light_chance(p.frame, p.environment_light)) / (4 * M_PI);
    for (std::uint32_t i = 0; i < p.frame.light_count; ++i) {
      const Light& light = p.frame.lights[i];
      if (light.kind != LightKind::triangle) continue;
      const Instance& instance = p.frame.instances[light.instance];
      const Mesh& mesh = p.scene.meshes[instance.mesh];
      const WorldTriangle w =
          world_triangle(p.scene, instance, corner_of(p.scene, mesh, light.triangle, 0, 0));
      const float v0[3] = {w.p0.x, w.p0.y, w.p0.z}, v1[3] = {w.p1.x, w.p1.y, w.p1.z},
                  v2[3] = {w.p2.x, w.p2.y, w.p2.z};
      TriangleHit hit;
      if (!hit_triangle(setup_ray({0, 0, 0}, d, 5), v0, v1, v2, hit)) continue;
      const float cosine = -dot(w.normal, d);
      if (cosine <= 0 && p.scene.materials[mesh.material].double_sided == 0) continue;
      sum += static_cast<double>(triangle_light_density(p.frame, instance, light.instance,
                                                        light.triangle, w.area, hit.t * hit.t,
                                                        fb_abs(cosine)));
    }
    return sum;
  };
  std::uint64_t differing = 0;
  const double value = test_density(
      [&](Random& r) {
        const Float4 u = {r.unit(), r.unit(), r.unit(), 0};
        const LightSample s = sample_light(p, {0, 0, 0}, u, 1);
        if (s.is_valid == 0) return Float3{0, 0, 0};
        if (!(s.density > 0)) ++differing;
        return s.direction;
      },
      density, 200000, 16);
  CHECK(value > 1e-4);
  CHECK(differing == 0);
}
