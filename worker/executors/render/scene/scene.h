// glTF 2.0 to the tracer's arrays. The scene compiler: deterministic, bounds-checked, never trusts
// a file.
//
// Same files and settings give the same bytes on every machine; their hash travels with every
// result. Own bounds-checked reader: the packaged glTF readers have open heap overflows.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libmsg/base/ids.h"
#include "libmsg/base/result.h"
#include "worker/executors/render/core/scene_view.h"
#include "worker/executors/render/job/render_job.h"

namespace framebus::render {

// Finds a file by the relative name the scene refers to it with (percent-decoded, '/' separated, no
// ".."). On the client: beside the scene file. On a worker: a cached blob.
using FileResolver = std::function<Result<std::filesystem::path>(const std::string& name)>;

struct SceneStatistics {
  std::uint64_t meshes = 0, triangles = 0, instances = 0, instanced_triangles = 0, textures = 0,
                texel_bytes = 0, lights = 0;
  std::vector<std::string> warnings;  // features of the file that are ignored, each once
};

// The frame-independent part and what animation needs. Immutable after load; shared between
// threads.
class Scene {
 public:
  virtual ~Scene() = default;
  virtual const SceneView& view() const = 0;
  virtual const SceneStatistics& statistics() const = 0;
  // BLAKE2b-256 over the compiled arrays: the same on every machine.
  virtual const BlobHash& hash() const = 0;
};

// A frame's instances, lights and camera. Owns its arrays; refers to the Scene's environment.
class Frame {
 public:
  virtual ~Frame() = default;
  virtual const FrameView& view() const = 0;
};

// Reads and compiles what does not change from frame to frame. Errors (all invalid_argument unless
// the system failed) name the file, the JSON pointer or byte offset, what was found and what is
// allowed.
Result<std::shared_ptr<const Scene>> load_scene(const RenderJob& job, const FileResolver& files);

// Node animation at (frame - 1) / fps, camera keys, job lights and instances, light distribution.
// `aspect` = width / height of the film.
Result<std::unique_ptr<const Frame>> make_frame(const Scene& scene, const RenderJob& job,
                                                double frame);

// Names of all files the scene refers to (buffers, images, environment), main file first; no
// duplicates. Reads only the JSON. Used by the client to upload and by workers to stage.
Result<std::vector<std::string>> list_files(const RenderJob& job, const FileResolver& files);

}  // namespace framebus::render
