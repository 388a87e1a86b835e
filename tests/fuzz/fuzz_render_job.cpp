// The params of a render step, as a worker gets them from anybody: what parses must be within its
// bounds, have a plan that can be walked, and be written and read back the same.
#include "libmsg/base/check.h"
#include "libmsg/base/json_text.h"
#include "libmsg/base/limits.h"
#include "tests/fuzz/fuzz_target.h"
#include "worker/executors/render/job/render_job.h"

using namespace framebus;

namespace {

enum Reached : std::size_t { is_json, is_job };
FuzzMilestone milestones[] = {{"is JSON", 25}, {"is a job with a plan", 7}};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto job = render::parse_render_job({data, size});
  if (!job) {
    // Only to know how far it got: the parser says where the text is no JSON the same way.
    const std::string text(reinterpret_cast<const char*>(data), size);
    if (JsonDocument::parse(text, "fuzz")) ++milestones[is_json].count;
    return 0;
  }
  ++milestones[is_json].count;
  ++milestones[is_job].count;
  const std::uint64_t tasks = render::task_count(*job);
  FRAMEBUS_CHECK(tasks >= 1 && tasks <= limits::tasks_per_job_max, "a plan within the limits");
  for (const std::uint64_t index : {std::uint64_t{0}, tasks / 2, tasks - 1}) {
    const auto task = render::task_at(*job, static_cast<std::uint32_t>(index));
    FRAMEBUS_CHECK(task && task->tile.width >= 1 && task->tile.x + task->tile.width <= job->width,
                   "a tile inside the film");
    FRAMEBUS_CHECK(task->tile.sample_count >= 1, "a task has samples");
  }
  FRAMEBUS_CHECK(!render::task_at(*job, static_cast<std::uint32_t>(tasks)),
                 "no task after the last");
  const std::string text = render::to_json(*job);
  const auto again = render::parse_render_job(bytes_of(text));
  // Escapes may make the text longer than its limit; nothing else may go wrong.
  if (text.size() <= limits::task_spec_bytes_max)
    FRAMEBUS_CHECK(again && *again == *job, "written and read back the same");
  return 0;
}

std::span<FuzzMilestone> fuzz_milestones() {
  return milestones;
}

std::vector<std::vector<std::uint8_t>> fuzz_seeds() {
  render::RenderJob job;
  job.scene = "s.gltf";
  job.files = {{{}, 12, "s.gltf"}, {{}, 99, "textures/a.png"}};
  job.frames = {1, 2, 3, 10, 5};
  job.camera.yfov = 0.5;
  job.camera.keys = {{1, {0, 0, 1}, {0, 0, 0}}, {9, {1, 0, 1}, {0, 0, 0}}};
  job.environment.file = "environment/sky.hdr";
  job.lights = {{"spot", {}, {0, -1, 0}, {1, 1, 1}, 5, 10, 20}};
  job.instances = {{"node", {}, {}, {1, 1, 1}}};
  job.outputs.emplace_back();
  job.outputs[0].file = "out/a.####.exr";
  std::vector<std::vector<std::uint8_t>> seeds;
  const std::string full = render::to_json(job);
  seeds.emplace_back(full.begin(), full.end());
  render::RenderJob plain;
  plain.scene = "s.glb";
  const std::string small = render::to_json(plain);
  seeds.emplace_back(small.begin(), small.end());
  return seeds;
}
