// load_scene and list_files: the two entries of the scene compiler.
#include <algorithm>
#include <memory>

#include "worker/executors/render/scene/animation.h"
#include "worker/executors/render/scene/file_bytes.h"
#include "worker/executors/render/scene/frame_build.h"
#include "worker/executors/render/scene/gltf_loader.h"
#include "worker/executors/render/scene/scene_limits.h"
#include "worker/executors/render/scene/uri.h"

namespace framebus::render {

namespace {

Status load_environment(const RenderJob& job, const FileResolver& files, CompiledScene& scene) {
  const std::string& name = job.environment.file;
  if (name.empty()) return {};
  FRAMEBUS_ASSIGN(const std::filesystem::path path, files(name));
  FRAMEBUS_ASSIGN(const Bytes bytes, read_file_bytes(path, name, scene_limits::file_bytes_max));
  FRAMEBUS_ASSIGN(scene.environment, read_environment(name, bytes));
  if (scene.environment.repaired_pixels > 0)
    scene.warn(name + ": " + std::to_string(scene.environment.repaired_pixels) +
               " pixels with negative, infinite or undefined values were repaired");
  return {};
}

Status check_lights(const RenderJob& job) {
  for (std::size_t i = 0; i < job.lights.size(); ++i) {
    const std::string& kind = job.lights[i].kind;
    if (kind != "point" && kind != "spot" && kind != "directional")
      return fail(Code::invalid_argument, "/lights/" + std::to_string(i) + "/kind: found \"" +
                                              kind.substr(0, 40) +
                                              "\"; allowed: point, spot, directional");
  }
  return {};
}

// Instances and lights of the first frame: what `validate` shows, and an early look at what can go
// wrong.
Status count_frame(const RenderJob& job, CompiledScene& scene) {
  CompiledFrame frame;
  const double first = job.frames.empty() ? 1.0 : static_cast<double>(job.frames.front());
  const auto world = node_transforms(scene, seconds_of(job, first));
  FRAMEBUS_TRY(add_instances(scene, job, world, frame));
  FRAMEBUS_TRY(add_lights(scene, job, world, frame));
  scene.statistics_.instances = frame.instances.size();
  scene.statistics_.lights = frame.lights.size();
  for (const Instance& instance : frame.instances)
    scene.statistics_.instanced_triangles += scene.arrays.meshes[instance.mesh].triangle_count;
  if (frame.instances.empty())
    scene.warn("nothing is shown: the scene has no mesh with triangles in it");
  if (frame.lights.empty())
    scene.warn("nothing is lit: the scene has no light, no emission and no environment");
  return {};
}

void add_name(std::vector<std::string>& names, std::string name) {
  if (!name.empty() && std::find(names.begin(), names.end(), name) == names.end())
    names.push_back(std::move(name));
}

Status add_uris(const std::vector<GltfValue>& values, std::vector<std::string>& names) {
  for (const GltfValue& value : values) {
    FRAMEBUS_ASSIGN(const auto uri, value.member("uri", JsonKind::string));
    if (!uri) continue;
    const std::string text = uri->value.string();
    if (is_data_uri(text)) continue;
    auto name = file_name_of_uri(text);
    if (!name) return fail(name.error().context(uri->where()));
    add_name(names, std::move(*name));
  }
  return {};
}

}  // namespace

Result<std::shared_ptr<const Scene>> load_scene(const RenderJob& job, const FileResolver& files) {
  auto scene = std::make_shared<CompiledScene>();
  FRAMEBUS_TRY(check_lights(job));
  FRAMEBUS_ASSIGN(const GltfDocument document,
                  open_gltf(job.scene, files, scene->statistics_.warnings));
  GltfBuffers buffers(document, files);
  GltfLoader loader{document, files, buffers, *scene};
  FRAMEBUS_TRY(loader.load_materials());
  FRAMEBUS_TRY(loader.load_meshes());
  FRAMEBUS_TRY(loader.load_nodes());
  FRAMEBUS_TRY(loader.load_animations());
  FRAMEBUS_TRY(load_environment(job, files, *scene));
  scene->finish();
  FRAMEBUS_TRY(count_frame(job, *scene));
  return scene;
}

Result<std::vector<std::string>> list_files(const RenderJob& job, const FileResolver& files) {
  std::vector<std::string> warnings;
  FRAMEBUS_ASSIGN(const GltfDocument document, open_gltf(job.scene, files, warnings));
  std::vector<std::string> names{job.scene};
  FRAMEBUS_TRY(add_uris(document.buffers, names));
  FRAMEBUS_TRY(add_uris(document.images, names));
  add_name(names, job.environment.file);
  return names;
}

}  // namespace framebus::render
