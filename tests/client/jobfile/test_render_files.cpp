// Render steps: what becomes of the keys, which files go along, what is found out before a submit.
#include <doctest/doctest.h>

#include <numbers>

#include "client/jobfile/jobfile.h"
#include "libmsg/blob/blob_store.h"
#include "tests/client/jobfile/scene_folder.h"

using namespace framebus;
using namespace framebus::client;
namespace fs = std::filesystem;

namespace {

Result<LoadedJob> load(const SceneFolder& folder, const std::string& more,
                       LoadOptions options = {}) {
  return load_job_text("{\"type\": \"render\", \"scene\": \"scene.gltf\"" + more + "}", "job.json",
                       folder.path(), options);
}

std::string error_of(const SceneFolder& folder, const std::string& more, LoadOptions options = {}) {
  const auto job = load(folder, more, options);
  if (job) return "no error";
  CHECK(job.error().code == Code::invalid_argument);
  return job.error().message;
}

}  // namespace

TEST_CASE("render files: the step's params are the job that workers read, inputs are its files") {
  const SceneFolder folder;
  auto job = load(
      folder,
      R"(, "frames": "1-3", "film": {"width": 64, "height": 32, "filter": "box"}, "sampling": {"spp": 8, "seed": 3},
    "camera": {"override": {"yfov": 90}, "keys": [{"frame": 1, "pos": [0, 0, 3], "look_at": [0, 0, 0]}]},
    "environment": {"color": [1, 1, 1], "scale": 2}, "split": {"tile": [32, 32], "spp_per_task": 4},
    "outputs": [{"file": "out/a.####.exr", "layers": ["rgb", "depth"], "half": false},
                {"file": "out/a.####.png", "tonemap": "aces", "exposure": 1}])");
  REQUIRE_MESSAGE(job, job.error().message);
  REQUIRE(hash_inputs(*job));
  const StepSpec& step = job->spec.steps[0];
  const auto parsed = render::parse_render_job(step.params);
  REQUIRE_MESSAGE(parsed, parsed.error().message);
  CHECK(*parsed == job->renders[0].job);
  CHECK(parsed->frames == std::vector<std::int32_t>{1, 2, 3});
  CHECK(parsed->width == 64);
  CHECK(parsed->filter == render::Filter::box);
  CHECK(*parsed->camera.yfov == doctest::Approx(std::numbers::pi / 2));
  CHECK(parsed->environment.scale == 2);
  CHECK(parsed->layers == (render::layer_rgb | render::layer_depth));
  CHECK(parsed->outputs.size() == 2);
  CHECK(step.task_count == 3 * 2 * 2);
  REQUIRE(step.inputs.size() == 2);
  CHECK(step.inputs[0].name == "scene.gltf");
  CHECK(step.inputs[1].name == "triangle.bin");
  CHECK(step.inputs[1].hash == hash_file(folder.path() / "triangle.bin")->hash);
  CHECK(parsed->files == step.inputs);
  CHECK(job->inputs[1].path == folder.path() / "triangle.bin");
  CHECK(fs::is_directory(folder.path() / "out"));
}

TEST_CASE("render files: damaged scenes are found before anything is sent") {
  const SceneFolder folder;
  const std::string good = SceneFolder::gltf();
  folder.write("scene.gltf", good.substr(0, good.size() / 2));
  CHECK(error_of(folder, "").find("job.json:1:29: /scene: ") == 0);
  folder.write("scene.gltf", good);
  folder.write("triangle.bin", "short");
  CHECK(error_of(folder, "").find("job.json:1:29: /scene: ") == 0);
  fs::remove(folder.path() / "triangle.bin");
  CHECK(error_of(folder, "").find("triangle.bin: no such file (the scene refers to it)") !=
        std::string::npos);
  std::string wild = good;
  wild.replace(wild.find("\"count\": 3"), 10, "\"count\": 9");
  const SceneFolder other;
  other.write("scene.gltf", wild);
  CHECK(error_of(other, "").find("job.json:1:29: /scene: ") == 0);
}

TEST_CASE("render files: a link may not lead out of the scene's folder") {
  const SceneFolder folder;
  const SceneFolder elsewhere;
  fs::remove(folder.path() / "triangle.bin");
  fs::create_symlink(elsewhere.path() / "triangle.bin", folder.path() / "triangle.bin");
  CHECK(error_of(folder, "").find("leads out of the scene's folder") != std::string::npos);
  fs::remove(folder.path() / "triangle.bin");
  fs::rename(elsewhere.path() / "triangle.bin", folder.path() / "real.bin");
  fs::create_symlink("real.bin", folder.path() / "triangle.bin");
  CHECK(error_of(folder, "") == "no error");
}

TEST_CASE("render files: a refused job makes no folder") {
  const SceneFolder folder;
  folder.write("triangle.bin", "short");
  CHECK(error_of(folder, R"(, "outputs": [{"file": "new/a.png"}])") != "no error");
  CHECK_FALSE(fs::exists(folder.path() / "new"));
}

TEST_CASE("render files: a dry run makes no folder either") {
  const SceneFolder folder;
  LoadOptions options;
  options.prepare_outputs = false;
  CHECK(error_of(folder, R"(, "outputs": [{"file": "new/a.png"}])", options) == "no error");
  CHECK_FALSE(fs::exists(folder.path() / "new"));
}

TEST_CASE("render files: outputs that can not be written are found before anything is sent") {
  const SceneFolder folder;
  folder.write("in_the_way", "x");
  fs::create_directory(folder.path() / "folder.png");
  CHECK(
      error_of(folder, R"(, "outputs": [{"file": "in_the_way/a.png"}])").find("is not a folder") !=
      std::string::npos);
  CHECK(error_of(folder, R"(, "outputs": [{"file": "folder.png"}])")
            .find("is a folder, not a file") != std::string::npos);
  CHECK(error_of(folder, R"(, "outputs": [{"file": "/proc/nothing/a.png"}])")
            .find("/outputs/0/file: ") != std::string::npos);
  CHECK(error_of(folder, R"(, "outputs": [{"file": "a.jpg"}])").find("must end in .png or .exr") !=
        std::string::npos);
  CHECK(error_of(folder, R"(, "frames": "1-2", "outputs": [{"file": "a.png"}])")
            .find("would overwrite each other") != std::string::npos);
  CHECK(error_of(folder, R"(, "outputs": [{"file": "a.png"}, {"file": "./a.png"}])")
            .find("two outputs have the same name") != std::string::npos);
  CHECK(error_of(folder, R"(, "outputs": [{"file": "a.png", "layers": ["rgb", "depth"]}])")
            .find("a .png holds one layer") != std::string::npos);
  CHECK(error_of(folder, R"(, "outputs": [{"file": "a%s.png"}])")
            .find("only %d or %04d is understood") != std::string::npos);
}

TEST_CASE("render files: an impossible split is refused with numbers") {
  const SceneFolder folder;
  const std::string message = error_of(folder, R"(, "frames": "1-10", "split": {"tile": [1, 1]})");
  CHECK(message.find("at most 1000000 are allowed") != std::string::npos);
}

TEST_CASE("render files: a file that changes between loading and hashing is noticed") {
  const SceneFolder folder;
  auto job = load(folder, "");
  REQUIRE_MESSAGE(job, job.error().message);
  folder.write("triangle.bin", "something else");
  const Status hashed = hash_inputs(*job);
  REQUIRE_FALSE(hashed);
  CHECK(hashed.error().message.find("changed while it was read") != std::string::npos);
}
