// A render job as JSON, and the plan that its numbers mean.
#include <doctest/doctest.h>

#include <map>
#include <random>

#include "libmsg/base/json_text.h"
#include "libmsg/base/limits.h"
#include "worker/executors/render/job/render_job.h"

using namespace framebus;
using namespace framebus::render;

namespace {

RenderJob full_job() {
  RenderJob job;
  job.scene = "FlightHelmet.gltf";
  job.files = {{{}, 12, "FlightHelmet.gltf"}, {{}, 5'000'000'000, "textures/a b.png"}};
  job.files[1].hash.bytes[31] = 0xAB;
  job.frames = {1, 2, 3, 10, 20, 30, 7, -5};
  job.frames_per_second = 29.97;
  job.filter = Filter::gaussian;
  job.camera.from_gltf = "Camera \"é\"";
  job.camera.yfov = 0.7;
  job.camera.keys = {{1, {0.1, 0.2, 0.3}, {0, 0, 0}}, {4.5, {1, 2, 3}, {0, 1, 0}}};
  job.environment = {"environment/sky.hdr", {0, 0, 0}, 1.5, -90};
  job.lights = {{"spot", {1, 2, 3}, {0, -1, 0}, {1, 0.5, 0.25}, 1000, 10, 20}};
  job.instances = {{"helmet", {1, 0, 0}, {0, 90, 0}, {1, 1, 1}}};
  job.sampling = {256, 7, Sampler::philox, 5, 10};
  job.layers = layer_rgb | layer_depth;
  job.outputs = {{"out/h.####.exr", layer_rgb | layer_depth, false, false, 0},
                 {"out/h.####.png", layer_rgb, true, true, -0.5}};
  return job;
}

Result<RenderJob> parse(const std::string& text) {
  return parse_render_job(bytes_of(text));
}

std::string error_of(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE_MESSAGE(at != std::string::npos, from);
  text.replace(at, from.size(), to);
  const auto parsed = parse(text);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().code == Code::invalid_argument);
  return parsed.error().message;
}

}  // namespace

TEST_CASE("render job: what is written is read back the same, and the text is canonical") {
  for (const RenderJob& job : {full_job(), [] {
                                 RenderJob plain;
                                 plain.scene = "a.glb";
                                 return plain;
                               }()}) {
    const std::string text = to_json(job);
    const auto parsed = parse(text);
    REQUIRE_MESSAGE(parsed, parsed.error().message);
    CHECK(*parsed == job);
    const auto document = JsonDocument::parse(text, "x");
    REQUIRE(document);
    CHECK(canonical_json(document->root()) == text);
  }
}

TEST_CASE("render job: a long animation costs a few bytes") {
  RenderJob job = full_job();
  job.frames.clear();
  for (int i = 0; i < 300'000; ++i) job.frames.push_back(1000 - 3 * i);
  job.width = job.height = 64;
  job.samples_per_task = 256;
  const std::string text = to_json(job);
  CHECK(text.find("\"frames\":[[1000,-898997,-3]]") != std::string::npos);
  CHECK(parse(text) == job);
}

TEST_CASE(
    "render job: unknown keys, wrong types and values out of bounds are refused with their place") {
  const std::string good = to_json(full_job());
  CHECK(error_of(good, "\"width\":1280", "\"width\":0")
            .find("/width: allowed is 1 to 32768, found 0") != std::string::npos);
  CHECK(error_of(good, "\"width\":1280", "\"width\":1e30").find("/width: allowed is") !=
        std::string::npos);
  CHECK(error_of(good, "\"width\":1280", "\"width\":1.5").find("/width: expected a whole number") !=
        std::string::npos);
  CHECK(error_of(good, "\"width\":1280", "\"width\":\"1\"").find("/width: expected a number") !=
        std::string::npos);
  CHECK(error_of(good, "\"width\"", "\"wide\"").find("/wide: unknown key") != std::string::npos);
  CHECK(error_of(good, "\"samples_per_pixel\":256", "\"samples_per_pixel\":1000000000")
            .find("/sampling/samples_per_pixel") != std::string::npos);
  CHECK(error_of(good, "\"gaussian\"", "\"gauss\"").find("/filter: unknown name") !=
        std::string::npos);
  CHECK(error_of(good, "[1,3,1]", "[1,2000000,1]").find("/frames/0: more than 1000000 frames") !=
        std::string::npos);
  CHECK(error_of(good, "[1,3,1]", "[1,3,0]").find("/frames/0: expected a run") !=
        std::string::npos);
  CHECK(error_of(good, "[1,3,1]", "[3,1,1]").find("/frames/0: expected a run") !=
        std::string::npos);
  CHECK(error_of(good, "[1,3,1]", "[1,3,-9223372036854775808]")
            .find("/frames/0/2: expected a frame number") != std::string::npos);
  CHECK(error_of(good, "[1,3,1]", "[-9223372036854775808,3,-1]").find("/frames/0") !=
        std::string::npos);
  CHECK(error_of(good, "textures/a b.png", "../../etc/passwd").find("not a relative file name") !=
        std::string::npos);
  CHECK(error_of(good, "FlightHelmet.gltf\",\"tile_height", "/etc/passwd\",\"tile_height")
            .find("not a relative file name") != std::string::npos);
  CHECK(error_of(good, "\"tile_width\":64", "\"tile_width\":1").find("tasks; at most 1000000") !=
        std::string::npos);
  CHECK(error_of(good, "\"tile_height\":64,\"tile_width\":64",
                 "\"tile_height\":32768,\"tile_width\":32768")
            .find("a tile of") != std::string::npos);
  CHECK(error_of(good, "\"kind\":\"spot\"", "\"kind\":\"laser\"").find("light kind 'laser'") !=
        std::string::npos);
  CHECK(error_of(good, "\"frame\":4.5", "\"frame\":1").find("ascending") != std::string::npos);
  CHECK(error_of(good, "\"size\":12", "\"size\":12.5").find("expected a whole number") !=
        std::string::npos);
}

TEST_CASE("render job: no cut or changed byte of a good text does harm") {
  const std::string good = to_json(full_job());
  for (std::size_t size = 0; size < good.size(); ++size) CHECK_FALSE(parse(good.substr(0, size)));
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 generator(seed);
  const auto random = [&] { return static_cast<std::uint32_t>(generator()); };
  for (int i = 0; i < 20'000; ++i) {
    std::string changed = good;
    for (unsigned n = 1 + random() % 3; n > 0; --n)
      changed[random() % changed.size()] = "0123456789-\"[]{}e.,:x\x80"[random() % 22];
    if (const auto parsed = parse(changed)) CHECK(task_count(*parsed) <= limits::tasks_per_job_max);
  }
}

TEST_CASE("plan: every sample of every pixel of every frame belongs to exactly one task") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 generator(seed);
  const auto random = [&] { return static_cast<std::uint32_t>(generator()); };
  for (int round = 0; round < 60; ++round) {
    RenderJob job;
    job.width = 1 + random() % 40;
    job.height = 1 + random() % 40;
    job.tile_width = 1 + random() % 50;
    job.tile_height = 1 + random() % 50;
    job.sampling.samples_per_pixel = 1 + random() % 20;
    job.samples_per_task = 1 + random() % 25;
    job.frames = {5, 3};
    const std::uint64_t tasks = task_count(job);
    std::map<std::int32_t, std::vector<unsigned>> seen;
    for (std::uint32_t i = 0; i < tasks; ++i) {
      const auto task = task_at(job, i);
      REQUIRE(task);
      const Tile& tile = task->tile;
      REQUIRE(tile.x + tile.width <= job.width);
      REQUIRE(tile.y + tile.height <= job.height);
      REQUIRE(tile.first_sample + tile.sample_count <= job.sampling.samples_per_pixel);
      auto& frame = seen[task->frame];
      frame.resize(std::size_t{job.width} * job.height * job.sampling.samples_per_pixel);
      for (std::uint32_t y = tile.y; y < tile.y + tile.height; ++y)
        for (std::uint32_t x = tile.x; x < tile.x + tile.width; ++x)
          for (std::uint32_t s = 0; s < tile.sample_count; ++s)
            ++frame[(std::size_t{y} * job.width + x) * job.sampling.samples_per_pixel +
                    tile.first_sample + s];
    }
    REQUIRE(seen.size() == 2);
    for (const auto& [frame, counts] : seen)
      for (const unsigned count : counts) REQUIRE(count == 1);
    CHECK_FALSE(task_at(job, static_cast<std::uint32_t>(tasks)));
  }
}

TEST_CASE("plan: a whole first picture comes before the second pass, and frame before frame") {
  RenderJob job;
  job.width = 100;
  job.height = 70;
  job.sampling.samples_per_pixel = 40;
  job.frames = {4, 8};
  REQUIRE(task_count(job) == 2u * 3u * 4u);
  CHECK(task_at(job, 0)->tile == Tile{0, 0, 64, 64, 0, 16});
  CHECK(task_at(job, 3)->tile == Tile{64, 64, 36, 6, 0, 16});
  CHECK(task_at(job, 11)->tile == Tile{64, 64, 36, 6, 32, 8});
  CHECK(task_at(job, 11)->frame == 4);
  CHECK(task_at(job, 12)->frame == 8);
}

TEST_CASE("plan: numbers too large to count are no crash") {
  RenderJob job;
  job.frames.assign(1'000'000, 1);
  job.width = job.height = 32768;
  job.tile_width = job.tile_height = job.samples_per_task = 1;
  job.sampling.samples_per_pixel = 65535;
  CHECK(task_count(job) == UINT64_MAX);
  job.tile_width = 0;
  CHECK(task_count(job) == 0);
  CHECK_FALSE(task_at(job, 0));
}
