// How a render is cut into tasks.
#include <doctest/doctest.h>

#include <random>

#include "client/render/planner.h"
#include "libmsg/base/limits.h"

using namespace framebus;
using namespace framebus::client;

namespace {

render::RenderJob job_of(std::uint32_t width, std::uint32_t height, std::uint32_t spp,
                         std::size_t frames = 1) {
  render::RenderJob job;
  job.width = width;
  job.height = height;
  job.sampling.samples_per_pixel = spp;
  job.frames.resize(frames);
  for (std::size_t i = 0; i < frames; ++i) job.frames[i] = static_cast<std::int32_t>(i + 1);
  return job;
}

double samples_of_task(const render::RenderJob& job) {
  return 1.0 * job.tile_width * job.tile_height * job.samples_per_task;
}

}  // namespace

TEST_CASE("planner: any job gets a plan within the limits, with every size a task may have") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 generator(seed);
  const auto upto = [&](std::uint32_t n) {
    return 1 + static_cast<std::uint32_t>(generator()) % n;
  };
  for (int i = 0; i < 3000; ++i) {
    auto job = job_of(upto(4096), upto(4096), upto(i % 3 ? 1024 : 65535), upto(200));
    job.sampling.max_depth = upto(64);
    const PlanHints hints{upto(300) - 1, upto(2) == 1 ? 0.0 : 1.0 * upto(100'000'000)};
    CAPTURE(job.width);
    CAPTURE(job.height);
    CAPTURE(job.sampling.samples_per_pixel);
    CAPTURE(job.frames.size());
    const Status planned = plan_tasks(job, {}, hints, limits::tasks_per_job_max);
    REQUIRE_MESSAGE(planned, planned.error().message);
    REQUIRE(render::task_count(job) >= 1);
    REQUIRE(render::task_count(job) <= limits::tasks_per_job_max);
    REQUIRE(job.samples_per_task >= 1);
    REQUIRE(job.samples_per_task <= job.sampling.samples_per_pixel);
    REQUIRE(std::uint64_t{job.tile_width} * job.tile_height <= render::task_pixels_max);
  }
}

TEST_CASE("planner: a task takes about the time wanted") {
  auto job = job_of(1920, 1080, 256, 48);
  REQUIRE(plan_tasks(job, {}, {4, 300e3}, limits::tasks_per_job_max));
  // 0.5 s at 300,000 samples a second; a power of two in tile size may be lost on the way.
  CHECK(samples_of_task(job) >= 150e3 / 4);
  CHECK(samples_of_task(job) <= 150e3 * 2);
  SplitSettings slower;
  slower.target_task_s = 8;
  auto larger = job_of(1920, 1080, 256, 48);
  REQUIRE(plan_tasks(larger, slower, {4, 300e3}, limits::tasks_per_job_max));
  CHECK(samples_of_task(larger) >= 4 * samples_of_task(job));
}

TEST_CASE("planner: a small picture still makes work for every slot") {
  auto job = job_of(512, 512, 64);
  REQUIRE(plan_tasks(job, {}, {8, 20e6}, limits::tasks_per_job_max));
  CHECK(render::task_count(job) >= 16);
  auto tiny = job_of(8, 8, 1);
  REQUIRE(plan_tasks(tiny, {}, {200, 20e6}, limits::tasks_per_job_max));
  CHECK(render::task_count(tiny) == 1);
}

TEST_CASE("planner: what the job file fixes stays fixed") {
  SplitSettings split;
  split.tile = {100, 50};
  split.samples_per_task = 7;
  auto job = job_of(640, 480, 64);
  REQUIRE(plan_tasks(job, split, {}, limits::tasks_per_job_max));
  CHECK(job.tile_width == 100);
  CHECK(job.tile_height == 50);
  CHECK(job.samples_per_task == 7);
  split.tile = {1, 1};
  const Status refused = plan_tasks(job, split, {}, limits::tasks_per_job_max);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::invalid_argument);
  CHECK(refused.error().message.find("at most 1000000") != std::string::npos);
}

TEST_CASE("planner: hints come from the workers that render") {
  WorkerInfo cpu, gpu, other;
  cpu.task_types = {"echo", "render"};
  cpu.slots = 2;
  cpu.threads = 8;
  gpu = cpu;
  gpu.slots = 1;
  gpu.devices.push_back({"cuda", "GPU-1", "", "", "", 0, 90, 0, 0});
  other.task_types = {"echo"};
  other.slots = 100;
  CHECK(hints_of({other}).slots == 0);
  CHECK(hints_of({cpu, other}).slots == 2);
  CHECK(hints_of({cpu, gpu}).slots == 3);
  CHECK(hints_of({gpu}).camera_samples_per_s > 10 * hints_of({cpu}).camera_samples_per_s);
}
