// render_preview JOB.json OUT.png [SCALE] [SPP]: traces one picture in this process and prints what
// it cost.
//
// For people who work on the renderer or on a scene: no broker, no worker, no planner. Reads the
// keys of a job file that say what the picture is (scene, film, camera, environment, lights,
// sampling) and ignores the rest; `framebus local` is the real thing.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include "libmsg/base/json_text.h"
#include "worker/executors/render/cpu/tracer.h"
#include "worker/executors/render/film/image_file.h"

using namespace framebus;
using namespace framebus::render;

namespace {

double number_or(const JsonValue& object, const char* key, double missing) {
  const auto found = object.find(key);
  return found && found->is(JsonKind::number) ? found->number() : missing;
}

std::array<double, 3> triple_or(const JsonValue& object, const char* key,
                                std::array<double, 3> missing) {
  const auto found = object.find(key);
  if (!found || !found->is(JsonKind::array) || found->size() != 3) return missing;
  const auto items = found->items();
  return {items[0].number(), items[1].number(), items[2].number()};
}

std::string text_or(const JsonValue& object, const char* key) {
  const auto found = object.find(key);
  return found && found->is(JsonKind::string) ? found->string() : std::string();
}

void read_camera(const JsonValue& camera, RenderJob& job) {
  job.camera.from_gltf = text_or(camera, "from_gltf");
  if (const auto over = camera.find("override"); over && over->find("yfov"))
    job.camera.yfov = number_or(*over, "yfov", 0.7);
  if (const auto keys = camera.find("keys"))
    for (const JsonValue& key : keys->items())
      job.camera.keys.push_back(
          {number_or(key, "frame", 1), triple_or(key, "pos", {}), triple_or(key, "look_at", {})});
}

RenderJob read_job(const JsonValue& root) {
  RenderJob job;
  job.scene = text_or(root, "scene");
  if (const auto film = root.find("film")) {
    job.width = static_cast<std::uint32_t>(number_or(*film, "width", 1280));
    job.height = static_cast<std::uint32_t>(number_or(*film, "height", 720));
  }
  if (const auto camera = root.find("camera")) read_camera(*camera, job);
  if (const auto environment = root.find("environment")) {
    job.environment.file = text_or(*environment, "file");
    job.environment.color = triple_or(*environment, "color", {});
    job.environment.scale = number_or(*environment, "scale", 1);
    job.environment.rotate_y = number_or(*environment, "rotate_y", 0);
  }
  if (const auto sampling = root.find("sampling")) {
    job.sampling.samples_per_pixel = static_cast<std::uint32_t>(number_or(*sampling, "spp", 64));
    job.sampling.max_depth = static_cast<std::uint32_t>(number_or(*sampling, "max_depth", 8));
    job.sampling.clamp = number_or(*sampling, "clamp", 0);
  }
  return job;
}

class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

Status preview(const std::string& job_path, const std::string& out, double scale,
               std::uint32_t spp) {
  FRAMEBUS_ASSIGN(const JsonDocument document, read_json_file(job_path));
  RenderJob job = read_job(document.root());
  job.width = std::max(1u, static_cast<std::uint32_t>(job.width * scale));
  job.height = std::max(1u, static_cast<std::uint32_t>(job.height * scale));
  if (spp != 0) job.sampling.samples_per_pixel = spp;
  const std::filesystem::path folder = std::filesystem::path(job_path).parent_path();
  const FileResolver files = [&](const std::string& name) -> Result<std::filesystem::path> {
    return folder / name;
  };
  const Stopwatch load;
  FRAMEBUS_ASSIGN(const auto scene, load_scene(job, files));
  std::printf(
      "loaded in %.2f s: %llu triangles in %llu meshes, %llu instances (%llu triangles), %llu "
      "lights\n",
      load.seconds(), static_cast<unsigned long long>(scene->statistics().triangles),
      static_cast<unsigned long long>(scene->statistics().meshes),
      static_cast<unsigned long long>(scene->statistics().instances),
      static_cast<unsigned long long>(scene->statistics().instanced_triangles),
      static_cast<unsigned long long>(scene->statistics().lights));
  std::printf("scene %s\n", to_string(scene->hash()).c_str());
  for (const std::string& warning : scene->statistics().warnings)
    std::printf("warning: %s\n", warning.c_str());
  const unsigned threads = std::max(1u, std::thread::hardware_concurrency());
  const Stopwatch build;
  const auto bvhs = build_mesh_bvhs(*scene, threads);
  FRAMEBUS_ASSIGN(auto frame, make_frame(*scene, job, 1));
  const auto tracer = make_frame_tracer(scene, bvhs, std::move(frame), job);
  std::printf("built in %.2f s\n", build.seconds());
  const Stopwatch trace;
  const Tile tile{0, 0, job.width, job.height, 0, job.sampling.samples_per_pixel};
  FRAMEBUS_ASSIGN(const Sums sums, tracer->render(
                                       tile, threads, [] { return false; }, [](double) {}));
  std::printf("traced %ux%u, %u spp in %.2f s; %llu NaN, %llu clamped\n", job.width, job.height,
              tile.sample_count, trace.seconds(), static_cast<unsigned long long>(sums.nan_count),
              static_cast<unsigned long long>(sums.clamp_count));
  ImageOptions options;
  options.tonemap = ToneMap::aces;
  return write_image(out, sums, options);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: render_preview JOB.json OUT.png [SCALE] [SPP]\n");
    return 2;
  }
  const double scale = argc > 3 ? std::atof(argv[3]) : 1.0;
  const auto spp = static_cast<std::uint32_t>(argc > 4 ? std::atoi(argv[4]) : 0);
  if (const Status status = preview(argv[1], argv[2], scale, spp); !status) {
    std::fprintf(stderr, "%s\n", status.error().message.c_str());
    return error_info(status.error().code).exit_code;
  }
  return 0;
}
