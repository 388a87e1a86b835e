// All trees on all instruction sets find exactly the hits that looking at every triangle finds.
//
// `tracer_bvh_test --no-skip` runs ten times the rays.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/render/tracer/brute_force.h"
#include "tests/render/tracer/statistics.h"
#include "worker/executors/render/core/bvh2.h"
#include "worker/executors/render/core/tables.h"
#include "worker/executors/render/cpu/params.h"

using namespace framebus::render;
using namespace framebus::render::testing;

namespace {

Ray ray_to(Float3 origin, Float3 direction) {
  return {origin, float_max, direction, 12345, no_index, no_index};
}
Float3 random_point(Random& r, float size) {
  return {r.between(-size, size), r.between(-size, size), r.between(-size, size)};
}

// Random triangles of every awkward kind.
void add_soup(SceneBuilder& b, Random& r, std::uint32_t count, std::uint32_t material) {
  std::vector<Float3> positions;
  std::vector<Triangle> triangles;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t first = static_cast<std::uint32_t>(positions.size());
    const Float3 a = random_point(r, 1);
    Float3 e1 = random_point(r, 0.4f), e2 = random_point(r, 0.4f);
    const std::uint32_t kind = r.below(10);
    if (kind == 0) e2 = e1 * 0.5f + random_point(r, 1e-6f);  // sliver
    if (kind == 1) e1.y = e2.y = 0;                          // axis-aligned
    if (kind == 2) e1 = e1 * 1e-4f, e2 = e2 * 1e-4f;         // tiny
    if (kind == 3) e1 = e1 * 20.0f, e2 = e2 * 20.0f;         // large
    if (kind == 4) e2 = {0, 0, 0};                           // no area
    if (kind == 5 && i > 0) {                                // the triangle before, once more
      const Triangle before = triangles.back();
      triangles.push_back({before.v1, before.v2, before.v0});
      continue;
    }
    if (kind == 6 && i > 0) {  // shares an edge with it
      const Triangle before = triangles.back();
      positions.push_back(a);
      triangles.push_back({before.v1, before.v0, first});
      continue;
    }
    positions.insert(positions.end(), {a, a + e1, a + e2});
    triangles.push_back({first, first + 1, first + 2});
  }
  b.add_instance(b.add_mesh(positions, triangles, material));
}

// Rays at random, at vertices, along edges, along axes, and starting on surfaces.
Ray awkward_ray(Random& r, const SceneView& scene) {
  const Triangle& t = scene.triangles[r.below(scene.triangle_count)];
  const Float3 a = scene.positions[t.v0], b = scene.positions[t.v1];
  const Float3 origin = random_point(r, 3);
  const float s = r.unit();
  switch (r.below(7)) {
    case 0:
      return ray_to(origin, a - origin);
    case 1:
      return ray_to(origin, (a * s + b * (1 - s)) - origin);
    case 2:
      return ray_to(a + (b - a) * -2.0f, b - a);
    case 3:
      return ray_to({a.x, a.y, 3}, {0, 0, -1});
    case 4:
      return ray_to(a * s + b * (1 - s), random_point(r, 1));
    case 5:
      return ray_to({3, a.y, r.between(-1, 1)}, {-1, 0, r.below(2) == 0 ? -0.0f : 1e-20f});
    default:
      return ray_to(origin, random_point(r, 1));
  }
}

std::uint64_t differing_hits(const SceneBuilder& builder, Random& r, std::uint32_t ray_count) {
  const std::shared_ptr<const Scene> scene = builder.scene();
  const auto frame = builder.frame();
  const Tables tables = make_tables(Filter::box);
  const RenderParams p = make_params(scene->view(), frame->view(), job_of(8, 8, 1), tables);
  const std::vector<float> extents = mesh_extents(p.scene);
  std::vector<Ray> rays;
  std::vector<Hit> truth;
  for (std::uint32_t i = 0; i < ray_count; ++i) {
    rays.push_back(awkward_ray(r, p.scene));
    truth.push_back(trace_all(p, extents, rays.back()));
  }
  std::uint64_t differing = 0;
  for (const Kernel* kernel : usable_kernels()) {
    const MeshBvhs bvhs(p.scene, kernel->width, 1);
    const FrameBvh top(p.frame, bvhs);
    std::vector<Hit> hits(rays.size());
    std::vector<std::uint8_t> occluded(rays.size());
    kernel->trace(p, top.scene(), rays.data(), hits.data(), rays.size());
    kernel->occlude(p, top.scene(), rays.data(), occluded.data(), rays.size());
    for (std::size_t i = 0; i < rays.size(); ++i) {
      differing += same_hit(hits[i], truth[i]) ? 0 : 1;
      differing += (occluded[i] != 0) == (truth[i].instance != no_index) ? 0 : 1;
    }
  }
  const BinaryForest forest(p.scene, p.frame);
  for (std::size_t i = 0; i < rays.size(); ++i)
    differing += same_hit(trace_bvh2(p, forest.scene(), rays[i]), truth[i]) ? 0 : 1;
  return differing;
}

void compare_with_brute_force(std::uint32_t scene_count) {
  Random r(11);
  std::uint64_t differing = 0;
  for (std::uint32_t i = 0; i < scene_count; ++i) {
    SceneBuilder b;
    add_soup(b, r, 10 + r.below(150), b.add_material(lambert({0.5f, 0.5f, 0.5f})));
    differing += differing_hits(b, r, 10000);
  }
  CHECK(differing == 0);
}

}  // namespace

TEST_CASE("a million awkward rays hit the same triangles in every tree as without trees") {
  compare_with_brute_force(100);
}

// Over a minute: ./run test --full asks for it by name.
TEST_CASE("ten million awkward rays" * doctest::skip()) {
  compare_with_brute_force(1000);
}

TEST_CASE("instances: mirrored, stretched, rotated, far away, all through the trees") {
  Random r(12);
  std::uint64_t differing = 0;
  for (int i = 0; i < 10; ++i) {
    SceneBuilder b;
    const std::uint32_t grey = b.add_material(lambert({0.5f, 0.5f, 0.5f}));
    const std::uint32_t ball = b.add_sphere(10, 6, grey, true);
    const std::uint32_t box = b.add_box({-0.5f, -0.5f, -0.5f}, {0.5f, 0.5f, 0.5f}, grey, false);
    for (int k = 0; k < 8; ++k) {
      const Affine shape = multiply(rotation_y(static_cast<double>(r.between(0, 6))),
                                    scaling({r.between(0.05f, 1) * (r.below(2) == 0 ? -1.0f : 1.0f),
                                             r.between(0.05f, 1), r.between(0.05f, 3)}));
      b.add_instance(r.below(2) == 0 ? ball : box,
                     multiply(translation(random_point(r, 1)), shape));
    }
    b.add_instance(ball, identity());
    b.add_instance(ball, identity());  // the same place twice: the lower instance wins
    differing += differing_hits(b, r, 5000);
  }
  CHECK(differing == 0);
}

TEST_CASE("stochastic alpha and masks do not depend on the tree") {
  Random r(13);
  SceneBuilder b;
  Material veil = lambert({0.5f, 0.5f, 0.5f});
  veil.alpha_mode = AlphaMode::blend;
  veil.base_color.w = 0.4f;
  add_soup(b, r, 120, b.add_material(veil));
  CHECK(differing_hits(b, r, 20000) == 0);
}

TEST_CASE("a closed surface lets no ray out, whatever edge or vertex it is aimed at") {
  Random r(14);
  std::uint64_t leaks = 0;
  for (int round = 0; round < 4; ++round) {
    SceneBuilder b;
    const std::uint32_t ball = b.add_sphere(40, 20, b.add_material(lambert({1, 1, 1})), false);
    for (Float3& p : b.positions())
      if (round % 2 == 1) p = p * 1000.0f + Float3{1, 2, 3};
    b.add_instance(ball, round < 2 ? identity()
                                   : multiply(translation({100, -50, 7}), scaling({3, -0.5f, 2})));
    const Affine m = b.frame()->view().instances[0].to_world;
    const Float3 centre = transform_point(m, round % 2 == 1 ? Float3{1, 2, 3} : Float3{0, 0, 0});
    const auto scene = b.scene();
    const auto frame = b.frame();
    const Tables tables = make_tables(Filter::box);
    const RenderParams p = make_params(scene->view(), frame->view(), job_of(8, 8, 1), tables);
    std::vector<Ray> rays;
    for (int i = 0; i < 100000; ++i) {
      const Triangle& t = p.scene.triangles[r.below(p.scene.triangle_count)];
      const Float3 a = transform_point(m, p.scene.positions[t.v0]),
                   c = transform_point(m, p.scene.positions[t.v1]);
      const float s = i % 3 == 0 ? 0.0f : r.unit();
      rays.push_back(
          ray_to(centre, i % 5 == 0 ? random_point(r, 1) : a * (1 - s) + c * s - centre));
    }
    for (const Kernel* kernel : usable_kernels()) {
      const MeshBvhs bvhs(p.scene, kernel->width, 1);
      const FrameBvh top(p.frame, bvhs);
      std::vector<Hit> hits(rays.size());
      kernel->trace(p, top.scene(), rays.data(), hits.data(), rays.size());
      for (const Hit& hit : hits) leaks += hit.instance == no_index ? 1 : 0;
    }
  }
  CHECK(leaks == 0);
}

TEST_CASE(
    "what is not finite or has no area is never hit, and rays that are not finite hit nothing") {
  const float nan = std::numeric_limits<float>::quiet_NaN(),
              infinity = std::numeric_limits<float>::infinity();
  Random r(15);
  SceneBuilder b;
  const std::uint32_t grey = b.add_material(lambert({0.5f, 0.5f, 0.5f}));
  add_soup(b, r, 100, grey);
  b.add_instance(b.add_mesh({{nan, 0, 0}, {1, 0, 0}, {0, 1, 0}}, {{0, 1, 2}}, grey));
  b.add_instance(b.add_mesh({{infinity, 0, 0}, {1, 0, 0}, {0, 1, 0}}, {{0, 1, 2}}, grey));
  b.add_instance(b.add_mesh({{0, 0, 0}, {0, 0, 0}, {0, 1, 0}}, {{0, 1, 2}}, grey));
  b.add_instance(b.add_mesh({{0, 0, 0}, {1, 0, 0}, {0, 1, 0}}, {{0, 1, 7}}, grey));
  Affine bad = identity();
  bad.row[1].y = nan;
  const std::uint32_t box = b.add_box({-1, -1, -1}, {1, 1, 1}, grey, false);
  b.add_instance(box, bad);
  b.add_instance(box, scaling({0, 0, 0}));
  b.add_instance(99);
  const auto scene = b.scene();
  const auto frame = b.frame();
  const Tables tables = make_tables(Filter::box);
  const RenderParams p = make_params(scene->view(), frame->view(), job_of(8, 8, 1), tables);
  const float values[] = {nan, infinity, -infinity, 0.0f, -0.0f, 1e-40f, 1e38f, 1.0f, -1.0f};
  std::vector<Ray> rays;
  for (int i = 0; i < 20000; ++i) {
    Ray ray = ray_to({values[r.below(9)], values[r.below(9)], values[r.below(9)]},
                     {values[r.below(9)], values[r.below(9)], values[r.below(9)]});
    if (i % 3 == 0) ray.origin = random_point(r, 2);
    if (i % 4 == 0) ray.t_max = values[r.below(9)];
    rays.push_back(ray);
  }
  std::vector<Hit> first;
  for (const Kernel* kernel : usable_kernels()) {
    const MeshBvhs bvhs(p.scene, kernel->width, 1);
    const FrameBvh top(p.frame, bvhs);
    std::vector<Hit> hits(rays.size());
    kernel->trace(p, top.scene(), rays.data(), hits.data(), rays.size());
    if (first.empty()) first = hits;
    for (std::size_t i = 0; i < rays.size(); ++i) {
      CHECK(same_hit(first[i], hits[i]));
      CHECK((hits[i].instance == no_index || hits[i].instance == 0));
      if (!is_finite(rays[i].direction) || !is_finite(rays[i].origin))
        CHECK(hits[i].instance == no_index);
    }
  }
}

TEST_CASE(
    "a quarter of a million triangles build in well under a second, alike with any number of "
    "threads") {
  const SceneBuilder b = terrain(362);
  const auto scene = b.scene();
  const int width = best_kernel().width;
  const MeshBvhs one(scene->view(), width, 1), four(scene->view(), width, 4);
  CHECK(one.meshes()[0].root == four.meshes()[0].root);
  CHECK(one.meshes()[0].low[1] == four.meshes()[0].low[1]);
  CHECK(one.meshes()[0].extent == 10.0f);
}
