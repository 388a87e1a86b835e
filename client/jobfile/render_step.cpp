#include "client/jobfile/render_step.h"

#include <algorithm>
#include <numbers>
#include <system_error>

#include "client/jobfile/output_check.h"
#include "client/render/collector.h"
#include "worker/executors/render/scene/scene.h"

namespace framebus::client {
namespace {

namespace fs = std::filesystem;

std::string lower_extension(const fs::path& file) {
  std::string extension = file.extension().string();
  for (char& c : extension)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return extension;
}

tl::unexpected<Error> wrong_at(const std::string& where, const std::string& what) {
  return fail(Code::invalid_argument, where + ": " + what);
}

// A pointer below the step's own place.
tl::unexpected<Error> wrong_below(const std::string& where, const std::string& pointer,
                                  const std::string& what) {
  return wrong_at(where + (where.find(": /") == std::string::npos ? ": " : "") + pointer, what);
}

// The file, absolute, with one of the extensions; it exists and is a regular file.
Result<fs::path> find_file(const std::string& written, const fs::path& directory,
                           const std::vector<std::string>& extensions, const std::string& where) {
  const fs::path path = (directory / written).lexically_normal();
  if (std::find(extensions.begin(), extensions.end(), lower_extension(path)) == extensions.end()) {
    std::string allowed;
    for (const std::string& each : extensions) allowed += (allowed.empty() ? "" : " or ") + each;
    return wrong_at(where, "'" + written + "': the name must end in " + allowed);
  }
  std::error_code problem;
  const fs::file_status status = fs::status(path, problem);
  if (status.type() == fs::file_type::not_found)
    return wrong_at(where, path.string() + ": no such file");
  if (problem) return wrong_at(where, path.string() + ": " + problem.message());
  if (!fs::is_regular_file(status))
    return wrong_at(where, path.string() + ": is not a regular file");
  return path;
}

render::RenderJob job_of(RenderDraft& draft) {
  render::RenderJob job = std::move(draft.job);
  job.width = draft.film.width;
  job.height = draft.film.height;
  job.filter = draft.film.filter;
  job.camera.from_gltf = draft.camera.from_gltf;
  job.camera.keys = draft.camera.keys;
  if (draft.camera.override.yfov_degrees > 0)
    job.camera.yfov = draft.camera.override.yfov_degrees * std::numbers::pi / 180.0;
  // Colour is always summed: the preview needs it.
  job.layers = render::layer_rgb;
  for (const OutputDraft& output : draft.outputs) {
    job.layers |= output.settings.layers;
    job.outputs.push_back(output.settings);
  }
  return job;
}

Status check_meaning(const render::RenderJob& job, const std::string& where) {
  for (std::size_t i = 1; i < job.camera.keys.size(); ++i)
    if (!(job.camera.keys[i - 1].frame < job.camera.keys[i].frame))
      return wrong_below(where, "/camera/keys/" + std::to_string(i) + "/frame",
                         "keys stand in ascending order of frames, without two for one frame");
  for (std::size_t i = 0; i < job.camera.keys.size(); ++i)
    if (job.camera.keys[i].position == job.camera.keys[i].look_at)
      return wrong_below(where, "/camera/keys/" + std::to_string(i),
                         "pos and look_at are the same point, so there is no direction to look");
  for (std::size_t i = 0; i < job.lights.size(); ++i)
    if (job.lights[i].inner_angle > job.lights[i].outer_angle)
      return wrong_below(where, "/lights/" + std::to_string(i),
                         "inner_angle is larger than outer_angle");
  return {};
}

// Whether a file that exists lies in the folder when all links have been followed: a scene from
// somebody else must not make us send away files that nobody chose.
bool is_below(const fs::path& folder, const fs::path& file) {
  std::error_code problem;
  const fs::path real_folder = fs::canonical(folder.empty() ? "." : folder, problem);
  if (problem) return false;
  const fs::path real_file = fs::canonical(file, problem);
  if (problem) return false;
  return std::mismatch(real_folder.begin(), real_folder.end(), real_file.begin(), real_file.end())
             .first == real_folder.end();
}

// Where the files of a scene lie on this machine, by the names the job gives them.
class SceneFiles {
 public:
  SceneFiles(const render::RenderJob& job, fs::path scene, fs::path environment)
      : scene_name_(job.scene),
        environment_name_(job.environment.file),
        scene_(std::move(scene)),
        environment_(std::move(environment)) {}

  Result<fs::path> find(const std::string& name) const {
    fs::path path = name == scene_name_         ? scene_
                    : name == environment_name_ ? environment_
                                                : scene_.parent_path() / name;
    std::error_code problem;
    if (!fs::exists(path, problem))
      return fail(Code::invalid_argument,
                  path.string() + ": no such file (the scene refers to it)");
    if (!fs::is_regular_file(path, problem))
      return fail(Code::invalid_argument,
                  path.string() + ": is not a regular file (the scene refers to it)");
    const bool is_named_by_job = name == scene_name_ || name == environment_name_;
    if (!is_named_by_job && !is_below(scene_.parent_path(), path))
      return fail(Code::invalid_argument,
                  path.string() +
                      ": is a link that leads out of the scene's folder (the scene "
                      "refers to it); copy the file there");
    return path;
  }

 private:
  std::string scene_name_, environment_name_;
  fs::path scene_, environment_;
};

Status list_inputs(const SceneFiles& files, const render::FileResolver& resolver,
                   std::uint32_t step_index, render::RenderJob& job, LoadedJob& loaded) {
  FRAMEBUS_ASSIGN(std::vector<std::string> names, render::list_files(job, resolver));
  if (!job.environment.file.empty() &&
      std::find(names.begin(), names.end(), job.environment.file) == names.end())
    names.push_back(job.environment.file);
  if (names.size() > limits::inputs_per_step_max)
    return fail(Code::invalid_argument,
                "the scene consists of " + std::to_string(names.size()) + " files; at most " +
                    std::to_string(limits::inputs_per_step_max) + " are allowed");
  for (const std::string& name : names) {
    FRAMEBUS_ASSIGN(const fs::path path, files.find(name));
    std::error_code problem;
    const std::uint64_t size = fs::file_size(path, problem);
    if (problem) return fail(Code::invalid_argument, path.string() + ": " + problem.message());
    loaded.inputs.push_back({path, step_index, name, size});
    job.files.push_back({{}, size, name});
  }
  return {};
}

Status check_scene(const render::RenderJob& job, const render::FileResolver& resolver,
                   LoadedJob& loaded) {
  FRAMEBUS_ASSIGN(const std::shared_ptr<const render::Scene> scene,
                  render::load_scene(job, resolver));
  for (const std::string& warning : scene->statistics().warnings)
    loaded.warnings.push_back(job.scene + ": " + warning);
  FRAMEBUS_TRY(render::make_frame(*scene, job, job.frames.front()));
  return {};
}

}  // namespace

Status make_render_step(RenderDraft draft, const std::string& where, const LoadOptions& options,
                        std::uint32_t step_index, std::uint64_t tasks_max, StepSpec& step,
                        LoadedJob& loaded) {
  render::RenderJob job = job_of(draft);
  FRAMEBUS_TRY(check_meaning(job, where));
  FRAMEBUS_ASSIGN(const fs::path scene,
                  find_file(draft.scene, loaded.directory, {".gltf", ".glb"}, draft.scene_where));
  job.scene = scene.filename().string();
  fs::path environment;
  if (!job.environment.file.empty()) {
    FRAMEBUS_ASSIGN(environment, find_file(job.environment.file, loaded.directory, {".hdr", ".exr"},
                                           draft.environment_where));
    // A name of its own, whatever folder it lies in: it must not be taken for a file of the scene.
    job.environment.file = "environment/" + environment.filename().string();
  }
  FRAMEBUS_TRY(check_outputs(draft.outputs, job, loaded.directory, false));
  if (const Status planned = plan_tasks(job, draft.split, options.hints, tasks_max); !planned)
    return wrong_at(where, planned.error().message);

  const SceneFiles files(job, scene, environment);
  const render::FileResolver resolver = [&files](const std::string& name) {
    return files.find(name);
  };
  if (const Status listed = list_inputs(files, resolver, step_index, job, loaded); !listed)
    return wrong_at(draft.scene_where, listed.error().message);
  if (options.check_scene)
    if (const Status checked = check_scene(job, resolver, loaded); !checked)
      return wrong_at(draft.scene_where, checked.error().message);

  // Folders are made last, when everything else is known to be right.
  if (options.prepare_outputs)
    FRAMEBUS_TRY(check_outputs(draft.outputs, job, loaded.directory, true));

  const std::string params = render::to_json(job);
  if (params.size() > limits::task_spec_bytes_max)
    return wrong_at(where, "the description of the render with its " +
                               std::to_string(job.files.size()) + " files takes " +
                               std::to_string(params.size()) + " bytes; at most " +
                               std::to_string(limits::task_spec_bytes_max) +
                               " are allowed: use fewer files, or a .glb");
  if (const auto parsed = render::parse_render_job(bytes_of(params)); !parsed)
    return wrong_at(where, parsed.error().message);
  step.params.assign(params.begin(), params.end());
  step.task_count = static_cast<std::uint32_t>(render::task_count(job));
  step.inputs = job.files;
  loaded.renders.push_back({step_index, std::move(job)});
  return {};
}

}  // namespace framebus::client
