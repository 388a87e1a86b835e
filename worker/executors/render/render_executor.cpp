// See render_executor.h for the manual.
#include "worker/executors/render/render_executor.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "worker/executors/render/cpu/tracer.h"
#include "worker/executors/render/film/accumulator.h"
#include "worker/executors/render/job/render_job.h"
#include "worker/executors/render/resident.h"
#include "worker/executors/render/scene/scene.h"

namespace framebus::worker {
namespace {

// Frames of an animation follow each other, and two slots may be one frame apart.
constexpr std::size_t frames_resident = 4;

struct ResidentScene {
  std::shared_ptr<const render::Scene> scene;
  std::shared_ptr<const render::MeshBvhs> bvhs;
};

struct ResidentFrame {
  std::unique_ptr<render::FrameTracer> tracer;
  BlobHash scene_hash;
};

tl::unexpected<TaskError> permanent(Error error) {
  return tl::unexpected<TaskError>(TaskError{std::move(error), true});
}

tl::unexpected<TaskError> by_code(Error error) {
  // Bad content stays bad; a fetch that failed or a cancelled task may go well another time.
  const bool is_bad_input =
      error.code == Code::invalid_argument || error.code == Code::malformed_message;
  return tl::unexpected<TaskError>(TaskError{std::move(error), is_bad_input});
}

// What of a job decides the compiled scene: its files and what is added to them, not how it is
// sampled.
std::string scene_key(const render::RenderJob& job) {
  render::RenderJob key;
  key.scene = job.scene;
  key.files = job.files;
  key.environment = job.environment;
  key.lights = job.lights;
  key.instances = job.instances;
  return render::to_json(key);
}

// What decides a frame's tracer: all but the plan (which tiles, how many samples at once) and the
// other frames.
std::string frame_key(render::RenderJob job, std::int32_t frame) {
  job.frames = {frame};
  job.tile_width = job.tile_height = job.samples_per_task = 1;
  return render::to_json(job);
}

class RenderExecutor final : public Executor {
 public:
  explicit RenderExecutor(std::size_t scenes_resident)
      : scenes_(scenes_resident), frames_(frames_resident) {}

  std::string_view type() const override { return "render"; }

  TaskOutcome run(const TaskInput& input, TaskContext& context) override {
    auto job = render::parse_render_job(input.step_params);
    if (!job) return permanent(job.error().context("step params"));
    auto task = render::task_at(*job, input.index);
    if (!task) return permanent(task.error());

    auto frame = frames_.get(frame_key(*job, task->frame),
                             [&] { return make_frame(*job, task->frame, context); });
    if (!frame) return by_code(std::move(frame).error());

    auto sums = (*frame)->tracer->render(
        task->tile, context.threads(), [&] { return context.cancelled(); },
        [&](double done) {
          context.progress(static_cast<std::uint32_t>(std::clamp(done, 0.0, 1.0) * 1000.0),
                           "tracing");
        });
    if (!sums) return by_code(std::move(sums).error());

    render::PackedTile packed{task->tile, (*frame)->scene_hash,
                              static_cast<std::uint32_t>(task->frame), std::move(*sums)};
    TaskOutput output;
    output.result = render::pack(packed);
    return output;
  }

  void drop_caches() override {
    frames_.clear();
    scenes_.clear();
  }

 private:
  Result<std::shared_ptr<ResidentFrame>> make_frame(const render::RenderJob& job,
                                                    std::int32_t number, TaskContext& context) {
    FRAMEBUS_ASSIGN(auto scene,
                    scenes_.get(scene_key(job), [&] { return make_scene(job, context); }));
    FRAMEBUS_ASSIGN(auto frame, render::make_frame(*scene->scene, job, number));
    auto resident = std::make_shared<ResidentFrame>();
    resident->scene_hash = scene->scene->hash();
    resident->tracer = render::make_frame_tracer(scene->scene, scene->bvhs, std::move(frame), job);
    return resident;
  }

  Result<std::shared_ptr<ResidentScene>> make_scene(const render::RenderJob& job,
                                                    TaskContext& context) {
    context.progress(0, "fetching the scene");
    std::map<std::string, std::filesystem::path> staged;
    // Twice: while the last files of a large scene came, the cache may have been cut back and the
    // first ones gone. What is there costs nothing and counts as used from now on.
    for (int pass = 0; pass < 2; ++pass) {
      for (const BlobRef& file : job.files) {
        if (context.cancelled()) return fail(Code::cancelled, "cancelled while fetching the scene");
        auto path = context.input(file);
        if (!path) return fail(path.error().context("fetch \"" + file.name + "\""));
        staged[file.name] = std::move(*path);
      }
    }
    const render::FileResolver resolver =
        [&staged](const std::string& name) -> Result<std::filesystem::path> {
      const auto found = staged.find(name);
      if (found == staged.end()) {
        return fail(Code::invalid_argument,
                    "the scene refers to \"" + name + "\", which is not among the job's files");
      }
      return found->second;
    };
    context.progress(0, "loading the scene");
    FRAMEBUS_ASSIGN(auto scene, render::load_scene(job, resolver));
    for (const std::string& warning : scene->statistics().warnings)
      context.log("scene: " + warning);
    auto resident = std::make_shared<ResidentScene>();
    resident->bvhs = render::build_mesh_bvhs(*scene, context.threads());
    resident->scene = std::move(scene);
    return resident;
  }

  render::Resident<ResidentScene> scenes_;
  render::Resident<ResidentFrame> frames_;
};

}  // namespace

std::unique_ptr<Executor> make_render_executor(std::size_t scenes_resident) {
  return std::make_unique<RenderExecutor>(scenes_resident);
}

}  // namespace framebus::worker
