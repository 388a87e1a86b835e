// framebus-bench-rays: rays a second on a scene, beside Embree's single-ray functions with the same
// rays and threads.
//
// Rounds of ours and theirs alternate, so that a busy machine hurts both alike. Prints one JSON
// object. Also: whole paths a second of the renderer, build time of the trees, and how often the
// two disagree on a hit.
#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>

#include "bench/rays/embree_peer.h"
#include "bench/rays/measure.h"
#include "bench/rays/ray_sets.h"
#include "tests/render/tracer/test_scene.h"

namespace framebus::bench {
namespace {

using namespace render;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Options {
  std::string scene;
  unsigned threads = std::max(1u, std::thread::hardware_concurrency());
  unsigned rounds = 7;
  std::uint32_t size = 768;
  bool as_json = false;
  std::string kernel;
};

struct Subject {
  std::unique_ptr<CpuFrameTracer> tracer;
  double build_seconds = 0;
  std::uint64_t triangle_count = 0;
};

const Kernel* find_kernel(const std::string& name) {
  for (const Kernel* kernel : usable_kernels())
    if (name.empty() || name == kernel->name) return kernel;
  return nullptr;
}

#if defined(FRAMEBUS_HAVE_SCENE_READER)
Result<std::shared_ptr<const Scene>> open_scene(const RenderJob& job,
                                                const std::filesystem::path& folder) {
  return load_scene(job, [folder](const std::string& name) -> Result<std::filesystem::path> {
    return folder / name;
  });
}
#endif

Result<Subject> open_subject(const Options& options, const Kernel& kernel) {
  RenderJob job = testing::job_of(512, 512, 4);
  std::shared_ptr<const Scene> scene;
  std::unique_ptr<const Frame> frame;
  if (options.scene.empty()) {
    const testing::SceneBuilder builder = testing::terrain(362);
    scene = builder.scene();
    frame = builder.frame();
  } else {
#if defined(FRAMEBUS_HAVE_SCENE_READER)
    const std::filesystem::path path = std::filesystem::absolute(options.scene);
    job.scene = path.filename().string();
    job.environment.color = {0.5, 0.6, 0.8};
    FRAMEBUS_ASSIGN(scene, open_scene(job, path.parent_path()));
    FRAMEBUS_ASSIGN(frame, make_frame(*scene, job, 1.0));
#else
    return fail(Code::invalid_argument, "--scene: this build has no scene reader");
#endif
  }
  Subject subject;
  for (std::uint32_t i = 0; i < frame->view().instance_count; ++i)
    subject.triangle_count += scene->view().meshes[frame->view().instances[i].mesh].triangle_count;
  const auto start = Clock::now();
  auto bvhs = std::make_shared<const MeshBvhs>(scene->view(), kernel.width, options.threads);
  subject.build_seconds = seconds_since(start);
  subject.tracer = std::make_unique<CpuFrameTracer>(scene, bvhs, std::move(frame), job, kernel);
  return subject;
}

struct Comparison {
  std::size_t ray_count = 0;
  Spread ours, theirs, ratio;  // millions of rays a second; ours / theirs of each round
  double disagreement = 0;     // share of rays where one hits and the other does not, or elsewhere
};

Comparison compare_closest(const Subject& subject, const EmbreePeer* peer,
                           const std::vector<Ray>& rays, const Options& options) {
  const CpuFrameTracer& tracer = *subject.tracer;
  std::vector<Hit> hits(rays.size());
  std::vector<float> distances(rays.size(), -1.0f);
  std::vector<double> ours, theirs, ratios;
  const double millions = static_cast<double>(rays.size()) * 1e-6;
  for (unsigned round = 0; round < options.rounds; ++round) {
    ours.push_back(millions / time_over_threads(
                                  rays.size(), options.threads, [&](std::size_t b, std::size_t e) {
                                    tracer.kernel().trace(tracer.params(), tracer.wide_scene(),
                                                          &rays[b], &hits[b], e - b);
                                  }));
    if (peer == nullptr) continue;
    theirs.push_back(millions / time_over_threads(rays.size(), options.threads,
                                                  [&](std::size_t b, std::size_t e) {
                                                    peer->intersect(&rays[b], &distances[b], e - b);
                                                  }));
    ratios.push_back(ours.back() / theirs.back());
  }
  Comparison c{rays.size(), spread_of(ours), {}, {}, 0};
  if (peer == nullptr) return c;
  c.theirs = spread_of(theirs);
  c.ratio = spread_of(ratios);
  std::size_t differing = 0;
  for (std::size_t i = 0; i < rays.size(); ++i) {
    const float t = hits[i].instance == no_index ? -1.0f : hits[i].t;
    const float gap = t - distances[i];
    if (!((gap < 0 ? -gap : gap) <= 1e-3f * (t > 1.0f ? t : 1.0f))) ++differing;
  }
  c.disagreement = static_cast<double>(differing) / static_cast<double>(rays.size());
  return c;
}

Comparison compare_occlusion(const Subject& subject, const EmbreePeer* peer,
                             const std::vector<Ray>& rays, const Options& options) {
  const CpuFrameTracer& tracer = *subject.tracer;
  std::vector<std::uint8_t> our_hits(rays.size()), their_hits(rays.size());
  std::vector<double> ours, theirs, ratios;
  const double millions = static_cast<double>(rays.size()) * 1e-6;
  for (unsigned round = 0; round < options.rounds; ++round) {
    ours.push_back(millions / time_over_threads(
                                  rays.size(), options.threads, [&](std::size_t b, std::size_t e) {
                                    tracer.kernel().occlude(tracer.params(), tracer.wide_scene(),
                                                            &rays[b], &our_hits[b], e - b);
                                  }));
    if (peer == nullptr) continue;
    theirs.push_back(millions / time_over_threads(rays.size(), options.threads,
                                                  [&](std::size_t b, std::size_t e) {
                                                    peer->occlude(&rays[b], &their_hits[b], e - b);
                                                  }));
    ratios.push_back(ours.back() / theirs.back());
  }
  Comparison c{rays.size(), spread_of(ours), {}, {}, 0};
  if (peer == nullptr) return c;
  c.theirs = spread_of(theirs);
  c.ratio = spread_of(ratios);
  std::size_t differing = 0;
  for (std::size_t i = 0; i < rays.size(); ++i) differing += our_hits[i] != their_hits[i] ? 1 : 0;
  c.disagreement = static_cast<double>(differing) / static_cast<double>(rays.size());
  return c;
}

void print_spread(const char* name, const Spread& s) {
  std::printf("\"%s\": {\"median\": %.3f, \"min\": %.3f, \"max\": %.3f}", name, s.median, s.low,
              s.high);
}

void print(const char* name, const Comparison& c, bool has_peer) {
  std::printf("  \"%s\": {\"rays\": %zu, ", name, c.ray_count);
  print_spread("mrays_per_s", c.ours);
  if (has_peer) {
    std::printf(", ");
    print_spread("embree_mrays_per_s", c.theirs);
    std::printf(", ");
    print_spread("ratio", c.ratio);
    std::printf(", \"disagreement\": %.2e", c.disagreement);
  }
  std::printf("},\n");
}

// Whole paths: everything the renderer does for a sample.
void print_paths(const Subject& subject, const Options& options) {
  const Tile tile = {0, 0, 512, 512, 0, 2};
  std::vector<double> paths, rays;
  for (unsigned round = 0; round < options.rounds; ++round) {
    const std::uint64_t before = subject.tracer->ray_count();
    const auto start = Clock::now();
    if (!subject.tracer->render(tile, options.threads, {}, {})) return;
    const double seconds = seconds_since(start);
    paths.push_back(512.0 * 512.0 * 2.0 * 1e-6 / seconds);
    rays.push_back(static_cast<double>(subject.tracer->ray_count() - before) * 1e-6 / seconds);
  }
  std::printf("  ");
  print_spread("mpaths_per_s", spread_of(paths));
  std::printf(",\n  ");
  print_spread("render_mrays_per_s", spread_of(rays));
  std::printf("\n}\n");
}

int run(const Options& options) {
  const Kernel* kernel = find_kernel(options.kernel);
  if (kernel == nullptr) {
    std::fprintf(stderr, "--kernel %s: this machine has none of that name\n",
                 options.kernel.c_str());
    return 2;
  }
  Result<Subject> subject = open_subject(options, *kernel);
  if (!subject) {
    std::fprintf(stderr, "%s\n", subject.error().message.c_str());
    return 2;
  }
  const RaySets sets = make_ray_sets(*subject->tracer, options.size, options.size);
  const auto peer = EmbreePeer::make(subject->tracer->params(), options.threads);
  std::printf(
      "{\n  \"benchmark\": \"rays\", \"scene\": \"%s\", \"triangles\": %llu, \"threads\": %u, "
      "\"rounds\": %u, "
      "\"kernel\": \"%s\",\n  \"build_s\": %.3f",
      options.scene.empty() ? "terrain" : std::filesystem::path(options.scene).filename().c_str(),
      static_cast<unsigned long long>(subject->triangle_count), options.threads, options.rounds,
      kernel->name, subject->build_seconds);
  if (peer) std::printf(", \"embree_build_s\": %.3f", peer->build_seconds());
  std::printf(",\n");
  const bool has_peer = peer != nullptr;
  if (!sets.primary.empty())
    print("primary", compare_closest(*subject, peer.get(), sets.primary, options), has_peer);
  if (!sets.shadow.empty())
    print("shadow", compare_occlusion(*subject, peer.get(), sets.shadow, options), has_peer);
  if (!sets.diffuse.empty())
    print("diffuse", compare_closest(*subject, peer.get(), sets.diffuse, options), has_peer);
  print_paths(*subject, options);
  return 0;
}

}  // namespace
}  // namespace framebus::bench

int main(int argc, char** argv) {
  framebus::bench::Options options;
  CLI::App app{"Rays a second on a scene, beside Embree."};
  app.add_option("--scene", options.scene,
                 "a .gltf or .glb file; default: a terrain of 262,088 triangles and 9 spheres");
  app.add_option("--threads", options.threads, "threads (default: all cores)")
      ->check(CLI::Range(1u, 1024u));
  app.add_option("--rounds", options.rounds, "rounds; the median is reported")
      ->check(CLI::Range(1u, 1000u));
  app.add_option("--size", options.size, "rays: pixels along an edge of the picture")
      ->check(CLI::Range(16u, 4096u));
  app.add_option("--kernel", options.kernel, "avx2, sse2 or scalar (default: the fastest)");
  app.add_flag("--json", options.as_json, "accepted; the output is always JSON");
  CLI11_PARSE(app, argc, argv);
  return framebus::bench::run(options);
}
