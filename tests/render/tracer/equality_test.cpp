// The same sums, bit for bit, for any split of the work and any instruction set; and estimators
// that agree.
#include <doctest/doctest.h>
#include <xmmintrin.h>

#include <cmath>
#include <limits>

#include "tests/render/tracer/statistics.h"
#include "tests/render/tracer/test_scene.h"

using namespace framebus;
using namespace framebus::render;
using namespace framebus::render::testing;
namespace fb = framebus::render::testing;

namespace {

RenderJob full_job(std::uint32_t size, std::uint32_t samples) {
  RenderJob job = job_of(size, size, samples);
  job.layers = layer_rgb | layer_albedo | layer_normal | layer_depth;
  job.filter = Filter::blackman_harris;
  return job;
}

// Renders in tiles and sample ranges, in an order that `seed` shuffles, and merges.
Sums in_pieces(const CpuFrameTracer& tracer, const RenderJob& job, std::uint32_t tile,
               std::uint32_t samples, unsigned threads, std::uint32_t seed) {
  std::vector<Tile> tiles;
  for (std::uint32_t s = 0; s < job.sampling.samples_per_pixel; s += samples)
    for (std::uint32_t y = 0; y < job.height; y += tile)
      for (std::uint32_t x = 0; x < job.width; x += tile)
        tiles.push_back({x, y, std::min(tile, job.width - x), std::min(tile, job.height - y), s,
                         std::min(samples, job.sampling.samples_per_pixel - s)});
  Random random(seed);
  for (std::size_t i = tiles.size(); i > 1; --i)
    std::swap(tiles[i - 1], tiles[random.below(static_cast<std::uint32_t>(i))]);
  Sums frame = Sums::zero(job.width, job.height, job.layers);
  for (const Tile& t : tiles)
    REQUIRE(add_tile(frame, t, fb::render(tracer, t, threads)).has_value());
  return frame;
}

double squared_error(const SceneBuilder& b, std::uint32_t samples, Sampler sampler,
                     const Sums& truth) {
  double sum = 0;
  for (std::uint32_t seed = 1; seed <= 4; ++seed) {
    RenderJob job = job_of(32, 32, samples);
    job.sampling.sampler = sampler;
    job.sampling.seed = seed;
    const Sums sums = fb::render(*b.tracer(job), whole(job), 2);
    for (std::uint32_t y = 0; y < 32; ++y)
      for (std::uint32_t x = 0; x < 32; ++x) {
        const double d = pixel(sums, x, y)[1] - pixel(truth, x, y)[1];
        sum += d * d;
      }
  }
  return sum / (4 * 32 * 32);
}

// A lit corner without fireflies, for error rates.
SceneBuilder lit_corner() {
  SceneBuilder b;
  const std::uint32_t grey = b.add_material(lambert({0.6f, 0.6f, 0.6f}));
  b.add_instance(b.add_quad({-3, 0, 3}, {6, 0, 0}, {0, 0, -6}, grey));
  b.add_instance(b.add_quad({-3, 0, -3}, {6, 0, 0}, {0, 6, 0}, grey));
  b.add_instance(b.add_quad({-1, 3, -1}, {2, 0, 0}, {0, 0, 2}, b.add_material(emitter({5, 5, 5}))));
  b.look_at({0, 1.2f, 4}, {0, 1, 0}, 0.8, 1);
  return b;
}

}  // namespace

TEST_CASE("tiles, sample splits, threads and order do not change a bit") {
  const SceneBuilder b = mixed_scene();
  for (Sampler sampler : {Sampler::sobol_owen, Sampler::philox}) {
    RenderJob job = full_job(48, 12);
    job.sampling.sampler = sampler;
    const auto tracer = b.tracer(job);
    const Sums truth = fb::render(*tracer, whole(job), 1);
    CHECK(in_pieces(*tracer, job, 16, 4, 1, 1) == truth);
    CHECK(in_pieces(*tracer, job, 13, 5, 3, 2) == truth);
    CHECK(in_pieces(*tracer, job, 48, 1, 4, 3) == truth);
    CHECK(hash_of(in_pieces(*tracer, job, 7, 12, 2, 4)) == hash_of(truth));
  }
}

TEST_CASE("instruction sets do not change a bit, and neither does flush-to-zero in the caller") {
  for (const SceneBuilder& b : {mixed_scene(), terrain(40)}) {
    const RenderJob job = full_job(64, 6);
    const Sums truth = fb::render(*b.tracer(job, *scalar_kernel()), whole(job), 2);
    for (const Kernel* kernel : usable_kernels()) {
      CAPTURE(kernel->name);
      CHECK(fb::render(*b.tracer(job, *kernel), whole(job), 2) == truth);
    }
    const unsigned mode = _mm_getcsr();
    _mm_setcsr(mode | 0x8040u);
    const Sums flushed = fb::render(*b.tracer(job), whole(job), 1);
    const unsigned after = _mm_getcsr();
    _mm_setcsr(mode);
    CHECK(flushed == truth);
    CHECK((after & 0x8040u) == 0x8040u);
  }
}

TEST_CASE("another seed is another picture") {
  const SceneBuilder b = mixed_scene();
  RenderJob job = full_job(16, 2);
  const Sums first = fb::render(*b.tracer(job), whole(job), 1);
  job.sampling.seed = 1;
  CHECK_FALSE(fb::render(*b.tracer(job), whole(job), 1) == first);
}

TEST_CASE("light sampling, bsdf sampling and both together agree") {
  SceneBuilder b = lit_corner();
  b.add_instance(b.add_sphere(24, 12, b.add_material(plastic({0.8f, 0.4f, 0.2f}, 0.3f)), true),
                 multiply(translation({0.5f, 0.6f, 0.5f}), scaling({0.6f, 0.6f, 0.6f})));
  std::vector<Float3> sky;
  for (int i = 0; i < 16 * 8; ++i) sky.push_back({i == 37 ? 8.0f : 0.3f, 0.4f, 0.5f});
  b.set_environment_map(16, 8, sky, 0.3);
  std::vector<Mean> means;
  for (std::uint32_t strategies :
       {+strategy_light, +strategy_bsdf, strategy_light | strategy_bsdf}) {
    std::vector<double> values;
    for (std::uint32_t seed = 0; seed < 12; ++seed) {
      RenderJob job = job_of(32, 32, 24);
      job.sampling.sampler = Sampler::philox;
      job.sampling.seed = seed;
      auto tracer = b.tracer(job);
      tracer->set_strategies(strategies);
      values.push_back(mean_of_channel(fb::render(*tracer, whole(job), 2), 1));
    }
    means.push_back(mean_of_values(values));
  }
  for (const Mean& m : means) {
    MESSAGE("mean " << m.value << " +- " << m.standard_error);
    const double error = std::hypot(m.standard_error, means[2].standard_error);
    CHECK(std::abs(m.value - means[2].value) < 4 * error);
  }
  CHECK(means[2].standard_error < means[1].standard_error);
}

TEST_CASE("the squared error falls as 1/n for random numbers and faster for Sobol") {
  const SceneBuilder b = lit_corner();
  RenderJob job = job_of(32, 32, 4096);
  const Sums truth = fb::render(*b.tracer(job), whole(job), 2);
  const double few = squared_error(b, 8, Sampler::philox, truth);
  const double many = squared_error(b, 128, Sampler::philox, truth);
  MESSAGE("philox: error at 8 and 128 samples: " << few << ", " << many << ", ratio "
                                                 << few / many);
  CHECK(few / many > 12);
  CHECK(few / many < 21);
  const double sobol = squared_error(b, 128, Sampler::sobol_owen, truth);
  MESSAGE("sobol at 128: " << sobol);
  CHECK(sobol < many);
}

TEST_CASE("poisoned scenes neither crash nor hang, and NaN is counted") {
  const float nan = std::numeric_limits<float>::quiet_NaN(),
              infinity = std::numeric_limits<float>::infinity();
  Random r(31);
  for (int round = 0; round < 40; ++round) {
    SceneBuilder b = mixed_scene();
    const float poison = round % 3 == 0 ? nan : (round % 3 == 1 ? infinity : 1e38f);
    for (int i = 0; i < 6; ++i) {
      Material& m = b.materials()[r.below(static_cast<std::uint32_t>(b.materials().size()))];
      float* floats[] = {&m.base_color.x,      &m.base_color.w, &m.metallic,
                         &m.roughness,         &m.ior,          &m.emission.y,
                         &m.normal_scale,      &m.alpha_cutoff, &m.base_color_texture.m00,
                         &m.normal_texture.m12};
      *floats[r.below(10)] = poison;
      b.positions()[r.below(static_cast<std::uint32_t>(b.positions().size()))].y = poison;
    }
    if (round % 4 == 0) b.extra_lights()[0].position.x = poison;
    if (round % 5 == 0) b.set_environment({poison, 1, 1}, true);
    if (round % 7 == 0) b.look_at({poison, 0, 0}, {0, 0, 0}, 1, 1);
    RenderJob job = full_job(12, 2);
    job.sampling.max_depth = 64;
    const Sums first = fb::render(*b.tracer(job), whole(job), 1);
    CHECK(fb::render(*b.tracer(job, *scalar_kernel()), whole(job), 1) == first);
  }
}

TEST_CASE("indirect radiance is clamped when asked for, direct light never") {
  const SceneBuilder b = lit_corner();
  RenderJob job = job_of(16, 16, 16);
  const double free = mean_of_channel(fb::render(*b.tracer(job), whole(job), 1), 0);
  job.sampling.max_depth = 2;
  const double direct = mean_of_channel(fb::render(*b.tracer(job), whole(job), 1), 0);
  job.sampling.max_depth = 8;
  job.sampling.clamp = 1e-6;
  const double clamped = mean_of_channel(fb::render(*b.tracer(job), whole(job), 1), 0);
  CHECK(direct < free);
  CHECK(clamped == doctest::Approx(direct).epsilon(1e-3));
}

TEST_CASE("stop is obeyed, progress reaches 1, and tiles outside the film are refused") {
  const SceneBuilder b = mixed_scene();
  const RenderJob job = full_job(32, 2);
  const auto tracer = b.tracer(job);
  int asked = 0;
  const auto stopped = tracer->render(whole(job), 2, [&] { return ++asked > 2; }, {});
  REQUIRE_FALSE(stopped.has_value());
  CHECK(stopped.error().code == Code::cancelled);
  double last = 0;
  REQUIRE(tracer->render(whole(job), 1, {}, [&](double f) { last = f; }).has_value());
  CHECK(last == 1.0);
  CHECK(tracer->render({16, 0, 32, 8, 0, 1}, 1, {}, {}).error().code == Code::invalid_argument);
  CHECK(tracer->render({0, 0, 8, 8, 65530, 100}, 1, {}, {}).error().code == Code::invalid_argument);
}
