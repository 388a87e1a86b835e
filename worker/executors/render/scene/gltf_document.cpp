// The .glb container, the asset version, extensions, and the top-level arrays.
#include "worker/executors/render/scene/gltf_document.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "worker/executors/render/scene/file_bytes.h"
#include "worker/executors/render/scene/scene_limits.h"

namespace framebus::render {

namespace {

constexpr std::array known_extensions = {
    std::string_view("EXT_mesh_gpu_instancing"),
    std::string_view("KHR_lights_punctual"),
    std::string_view("KHR_materials_emissive_strength"),
    std::string_view("KHR_materials_ior"),
    std::string_view("KHR_materials_unlit"),
    std::string_view("KHR_mesh_quantization"),
    std::string_view("KHR_texture_transform"),
};

bool is_known_extension(const std::string& name) {
  return std::find(known_extensions.begin(), known_extensions.end(), name) !=
         known_extensions.end();
}

std::uint32_t u32_at(BytesView bytes, std::size_t at) {
  std::uint32_t v = 0;
  for (std::size_t i = 0; i < 4; ++i) v |= std::uint32_t{bytes[at + i]} << (8 * i);
  return v;
}

constexpr std::uint32_t glb_magic = 0x46546C67;   // "glTF"
constexpr std::uint32_t chunk_json = 0x4E4F534A;  // "JSON"
constexpr std::uint32_t chunk_binary = 0x004E4942;

struct Container {
  std::string json;
  Bytes binary;
  bool has_binary = false;
};

Result<Container> split_glb(const std::string& name, BytesView bytes) {
  const auto broken = [&](std::size_t at, const std::string& what) {
    return fail(Code::invalid_argument, name + ": byte " + std::to_string(at) + ": " + what);
  };
  if (bytes.size() < 20) return broken(bytes.size(), "the file ends; a .glb has at least 20 bytes");
  if (u32_at(bytes, 4) != 2)
    return broken(4,
                  "found container version " + std::to_string(u32_at(bytes, 4)) + "; allowed: 2");
  const std::uint64_t declared = u32_at(bytes, 8);
  if (declared < 20 || declared > bytes.size())
    return broken(8, "the header declares " + std::to_string(declared) + " bytes; the file has " +
                         std::to_string(bytes.size()));
  bytes = bytes.first(declared);
  Container out;
  std::size_t at = 12;
  for (int chunk = 0; at + 8 <= bytes.size(); ++chunk) {
    const std::uint64_t size = u32_at(bytes, at);
    const std::uint32_t type = u32_at(bytes, at + 4);
    if (size > bytes.size() - at - 8)
      return broken(at, "a chunk declares " + std::to_string(size) + " bytes; " +
                            std::to_string(bytes.size() - at - 8) + " are left");
    const BytesView content = bytes.subspan(at + 8, size);
    if (chunk == 0 && type != chunk_json) return broken(at + 4, "the first chunk is not JSON");
    if (chunk == 0) out.json = std::string(text_of(content));
    if (chunk == 1 && type == chunk_binary) {
      out.binary.assign(content.begin(), content.end());
      out.has_binary = true;
    }
    at += 8 + size;
  }
  return out;
}

Status check_asset(const GltfValue& root) {
  FRAMEBUS_ASSIGN(const GltfValue asset, root.required("asset", JsonKind::object));
  FRAMEBUS_ASSIGN(const std::string version, asset.string("version", ""));
  FRAMEBUS_ASSIGN(const std::string min_version, asset.string("minVersion", "2.0"));
  if (!version.starts_with("2."))
    return asset.error("version \"" + version.substr(0, 40) + "\"", "2.x");
  if (min_version != "2.0")
    return asset.error("minVersion \"" + min_version.substr(0, 40) + "\"", "2.0");
  return {};
}

Status check_extensions(const GltfValue& root, std::vector<std::string>& warnings) {
  FRAMEBUS_ASSIGN(const auto required, root.elements("extensionsRequired", JsonKind::string));
  for (const GltfValue& each : required)
    if (!is_known_extension(each.value.string())) {
      std::string known;
      for (std::string_view name : known_extensions)
        known += (known.empty() ? "" : ", ") + std::string(name);
      return each.error("the required extension " + each.value.excerpt(), known);
    }
  FRAMEBUS_ASSIGN(const auto used, root.elements("extensionsUsed", JsonKind::string));
  for (const GltfValue& each : used)
    if (const std::string name = each.value.string(); !is_known_extension(name))
      warnings.push_back("extension " + name.substr(0, 80) + " is ignored");
  return {};
}

Status list_arrays(GltfDocument& document) {
  const GltfValue root = document.root();
  const std::pair<const char*, std::vector<GltfValue>*> lists[] = {
      {"accessors", &document.accessors}, {"bufferViews", &document.buffer_views},
      {"buffers", &document.buffers},     {"images", &document.images},
      {"samplers", &document.samplers},   {"textures", &document.textures},
      {"materials", &document.materials}, {"meshes", &document.meshes},
      {"nodes", &document.nodes},         {"scenes", &document.scenes},
      {"cameras", &document.cameras},     {"animations", &document.animations},
  };
  for (const auto& [key, list] : lists) {
    FRAMEBUS_ASSIGN(*list, root.elements(key, JsonKind::object));
  }
  FRAMEBUS_ASSIGN(const auto punctual, root.extension("KHR_lights_punctual"));
  if (punctual) {
    FRAMEBUS_ASSIGN(document.lights, punctual->elements("lights", JsonKind::object));
  }
  if (document.nodes.size() > scene_limits::nodes_max)
    return root.error(std::to_string(document.nodes.size()) + " nodes",
                      "at most " + std::to_string(scene_limits::nodes_max));
  return {};
}

}  // namespace

Result<GltfDocument> open_gltf(const std::string& name, const FileResolver& files,
                               std::vector<std::string>& warnings) {
  FRAMEBUS_ASSIGN(const std::filesystem::path path, files(name));
  FRAMEBUS_ASSIGN(Bytes bytes, read_file_bytes(path, name, scene_limits::file_bytes_max));
  GltfDocument document;
  document.name = name;
  Container container;
  if (bytes.size() >= 4 && u32_at(bytes, 0) == glb_magic) {
    FRAMEBUS_ASSIGN(container, split_glb(name, bytes));
  } else {
    container.json = std::string(text_of(bytes));
  }
  bytes = Bytes();
  document.glb_binary = std::move(container.binary);
  document.has_glb_binary = container.has_binary;
  // A .glb pads its JSON with spaces; some writers pad with zeros.
  while (!container.json.empty() && container.json.back() == '\0') container.json.pop_back();
  JsonLimits limits;
  limits.bytes_max = scene_limits::json_bytes_max;
  limits.depth_max = scene_limits::json_depth_max;
  limits.comments = false;
  FRAMEBUS_ASSIGN(JsonDocument json, JsonDocument::parse(std::move(container.json), name, limits));
  document.json = std::make_unique<JsonDocument>(std::move(json));
  if (!document.json->root().is(JsonKind::object))
    return document.root().error(name_of(document.json->root().kind()), "a glTF 2.0 object");
  FRAMEBUS_TRY(check_asset(document.root()));
  FRAMEBUS_TRY(check_extensions(document.root(), warnings));
  FRAMEBUS_TRY(list_arrays(document));
  return document;
}

}  // namespace framebus::render
