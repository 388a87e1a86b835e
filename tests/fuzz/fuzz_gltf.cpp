// Everything the renderer reads from strangers: scene files, pictures, environment maps, packed
// tiles. What loads must have indices in range and frames that can be made; nothing may crash or
// hang.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "libmsg/base/check.h"
#include "tests/fuzz/fuzz_target.h"
#include "worker/executors/render/film/accumulator.h"
#include "worker/executors/render/scene/environment_map.h"
#include "worker/executors/render/scene/image_decode.h"
#include "worker/executors/render/scene/scene.h"

using namespace framebus;
using namespace framebus::render;

namespace {

enum Reached : std::size_t { scene_loads, other_loads };
FuzzMilestone milestones[] = {{"is a scene", 1.2}, {"is a picture, environment or tile", 5}};

// A file in memory with a path, so that the loader's own reading is part of the test.
class MemoryFile {
 public:
  MemoryFile(const std::uint8_t* data, std::size_t size)
      : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    FRAMEBUS_CHECK(fd_ >= 0, "a memory file can be made");
    FRAMEBUS_CHECK(::write(fd_, data, size) == static_cast<ssize_t>(size), "and written");
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

void check_view(const SceneView& view) {
  for (std::uint32_t m = 0; m < view.mesh_count; ++m) {
    const Mesh& mesh = view.meshes[m];
    FRAMEBUS_CHECK(std::uint64_t{mesh.first_vertex} + mesh.vertex_count <= view.vertex_count,
                   "vertices exist");
    FRAMEBUS_CHECK(std::uint64_t{mesh.first_triangle} + mesh.triangle_count <= view.triangle_count,
                   "triangles exist");
    FRAMEBUS_CHECK(mesh.material < view.material_count, "the material exists");
    for (std::uint32_t i = 0; i < mesh.triangle_count; ++i) {
      const Triangle& t = view.triangles[mesh.first_triangle + i];
      FRAMEBUS_CHECK(std::max({t.v0, t.v1, t.v2}) < mesh.vertex_count, "corners exist");
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView bytes(data, size);
  const auto tile = unpack(bytes);
  if (tile) {
    const Bytes packed = pack(*tile);
    const auto again = unpack(packed);
    // Bytes, not numbers: a sum may be no number.
    FRAMEBUS_CHECK(again && pack(*again) == packed, "a tile is packed and unpacked the same");
  }
  if (decode_image(bytes) || read_environment("fuzz", bytes) || tile)
    ++milestones[other_loads].count;
  const MemoryFile file(data, size);
  const FileResolver files = [&](const std::string&) -> Result<std::filesystem::path> {
    return file.path();
  };
  RenderJob job;
  job.scene = "scene";
  (void)list_files(job, files);
  const auto scene = load_scene(job, files);
  if (!scene) return 0;
  ++milestones[scene_loads].count;
  check_view((*scene)->view());
  for (double frame : {1.0, 13.5}) (void)make_frame(**scene, job, frame);
  return 0;
}

std::span<FuzzMilestone> fuzz_milestones() {
  return milestones;
}

std::vector<std::vector<std::uint8_t>> fuzz_seeds() {
  const std::string gltf = R"({"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}],
    "nodes": [{"mesh": 0, "children": [1], "rotation": [0, 0, 0, 1]}, {"camera": 0, "translation": [0, 0, 3]}],
    "cameras": [{"type": "perspective", "perspective": {"yfov": 0.7}}],
    "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1, "material": 0}]}],
    "materials": [{"emissiveFactor": [1, 1, 1], "pbrMetallicRoughness": {"roughnessFactor": 0.5}}],
    "animations": [{"samplers": [{"input": 2, "output": 0}], "channels": [{"sampler": 0, "target": {"node": 0, "path": "scale"}}]}],
    "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"},
      {"bufferView": 0, "byteOffset": 36, "componentType": 5121, "count": 3, "type": "SCALAR"},
      {"bufferView": 0, "byteOffset": 40, "componentType": 5126, "count": 3, "type": "SCALAR"}],
    "bufferViews": [{"buffer": 0, "byteLength": 52}], "buffers": [{"byteLength": 52, "uri":
    "data:;base64,AAAAAAAAAAAAAAAAAACAPwAAAAAAAAAAAAAAAAAAgD8AAAAAAAECAAAAAAAAAIA/AAAAQA=="}]})";
  const std::string hdr = "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 2 +X 8\n" +
                          std::string("\x02\x02\x00\x08\x88\x80\x88\x40\x88\x20\x88\x81", 12) +
                          std::string(32, '\x40');
  PackedTile packed;
  packed.tile = {0, 0, 4, 4, 0, 8};
  packed.sums = Sums::zero(4, 4, layer_rgb | layer_depth);
  const Bytes tile = pack(packed);
  return {{gltf.begin(), gltf.end()}, {hdr.begin(), hdr.end()}, tile};
}
