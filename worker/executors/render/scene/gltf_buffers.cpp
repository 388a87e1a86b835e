// Bounds before bytes: see gltf_buffers.h.
#include "worker/executors/render/scene/gltf_buffers.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "worker/executors/render/scene/file_bytes.h"
#include "worker/executors/render/scene/scene_limits.h"
#include "worker/executors/render/scene/uri.h"

namespace framebus::render {

namespace {

constexpr std::uint64_t any_u64 = 0x7FFFFFFFFFFFFFFF;  // what JSON integers can hold

std::uint32_t bytes_of_component(std::uint64_t type) {
  switch (type) {
    case 5120:
    case 5121:
      return 1;
    case 5122:
    case 5123:
      return 2;
    case 5125:
    case 5126:
      return 4;
    default:
      return 0;
  }
}

std::uint32_t components_of_type(std::string_view type) {
  constexpr std::pair<std::string_view, std::uint32_t> types[] = {
      {"SCALAR", 1}, {"VEC2", 2}, {"VEC3", 3}, {"VEC4", 4}, {"MAT2", 4}, {"MAT3", 9}, {"MAT4", 16}};
  for (const auto& [name, components] : types)
    if (name == type) return components;
  return 0;
}

template <class T>
T load(const std::uint8_t* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

float float_of_component(const std::uint8_t* at, std::uint32_t type, bool is_normalized) {
  float scale = 1.0f, raw = 0.0f;
  switch (type) {
    case 5120:
      raw = load<std::int8_t>(at);
      scale = 127.0f;
      break;
    case 5121:
      raw = load<std::uint8_t>(at);
      scale = 255.0f;
      break;
    case 5122:
      raw = load<std::int16_t>(at);
      scale = 32767.0f;
      break;
    case 5123:
      raw = load<std::uint16_t>(at);
      scale = 65535.0f;
      break;
    case 5125:
      raw = static_cast<float>(load<std::uint32_t>(at));
      scale = 4294967295.0f;
      break;
    default:
      return load<float>(at);
  }
  return is_normalized ? std::max(raw / scale, -1.0f) : raw;
}

std::uint32_t integer_of_component(const std::uint8_t* at, std::uint32_t type) {
  if (type == 5121) return load<std::uint8_t>(at);
  if (type == 5123) return load<std::uint16_t>(at);
  return load<std::uint32_t>(at);
}

// True when `count` elements of `element` bytes, `stride` apart, fit into `available` bytes.
bool fits(std::uint64_t count, std::uint64_t stride, std::uint64_t element,
          std::uint64_t available) {
  if (count == 0) return true;
  if (element > available) return false;
  return (count - 1) <= (available - element) / stride;
}

}  // namespace

static_assert(std::endian::native == std::endian::little,
              "glTF data is read as it lies in the file");

Result<BytesView> GltfBuffers::buffer_bytes(std::uint32_t buffer) {
  const GltfValue& value = document_.buffers[buffer];
  FRAMEBUS_ASSIGN(const std::uint64_t length, value.integer("byteLength", 0, any_u64));
  FRAMEBUS_ASSIGN(const auto uri, value.member("uri", JsonKind::string));
  BytesView bytes;
  if (!uri) {
    if (buffer != 0 || !document_.has_glb_binary)
      return value.error("no uri", "a uri, or in a .glb with a BIN chunk, buffer 0 without one");
    bytes = document_.glb_binary;
  } else if (!loaded_[buffer]) {
    const std::string text = uri->value.string();
    if (is_data_uri(text)) {
      auto decoded = decode_data_uri(text);
      if (!decoded) return fail(decoded.error().context(uri->where()));
      loaded_[buffer] = std::move(*decoded);
    } else {
      auto name = file_name_of_uri(text);
      if (!name) return fail(name.error().context(uri->where()));
      auto path = files_(*name);
      if (!path) return fail(path.error().context(uri->where()));
      auto content = read_file_bytes(*path, *name, scene_limits::file_bytes_max);
      if (!content) return fail(content.error().context(uri->where()));
      loaded_[buffer] = std::move(*content);
    }
  }
  if (uri) bytes = *loaded_[buffer];
  if (length > bytes.size())
    return value.error("a byteLength of " + std::to_string(length),
                       "at most the " + std::to_string(bytes.size()) +
                           " bytes that are there (is the file cut off?)");
  return bytes.first(length);
}

Result<BytesView> GltfBuffers::view_bytes(std::uint32_t view) {
  const GltfValue& value = document_.buffer_views[view];
  FRAMEBUS_ASSIGN(const std::uint32_t buffer,
                  value.required_index("buffer", document_.buffers.size(), "buffers"));
  FRAMEBUS_ASSIGN(const std::uint64_t offset, value.integer("byteOffset", 0, any_u64));
  FRAMEBUS_ASSIGN(const std::uint64_t length, value.integer("byteLength", 0, any_u64));
  FRAMEBUS_ASSIGN(const BytesView bytes, buffer_bytes(buffer));
  if (offset > bytes.size() || length > bytes.size() - offset)
    return value.error("bytes " + std::to_string(offset) + " to " + std::to_string(offset) + " + " +
                           std::to_string(length),
                       "bytes within buffer " + std::to_string(buffer) + ", which has " +
                           std::to_string(bytes.size()));
  return bytes.subspan(offset, length);
}

Result<AccessorInfo> GltfBuffers::info(std::uint32_t accessor) const {
  const GltfValue& value = document_.accessors[accessor];
  AccessorInfo info;
  FRAMEBUS_ASSIGN(info.count, value.integer("count", 0, any_u64));
  FRAMEBUS_ASSIGN(const std::uint64_t component_type, value.integer("componentType", 0, 0xFFFF));
  if (bytes_of_component(component_type) == 0)
    return value.error("componentType " + std::to_string(component_type),
                       "5120, 5121, 5122, 5123, 5125, 5126");
  info.component_type = static_cast<std::uint32_t>(component_type);
  FRAMEBUS_ASSIGN(const std::string type, value.string("type", ""));
  info.components = components_of_type(type);
  if (info.components == 0)
    return value.error("type \"" + type.substr(0, 40) + "\"",
                       "SCALAR, VEC2, VEC3, VEC4, MAT2, MAT3, MAT4");
  FRAMEBUS_ASSIGN(info.is_normalized, value.boolean("normalized", false));
  return info;
}

Result<GltfBuffers::Layout> GltfBuffers::layout(std::uint32_t accessor, std::uint64_t count_max) {
  const GltfValue& value = document_.accessors[accessor];
  Layout out;
  FRAMEBUS_ASSIGN(out.info, info(accessor));
  if (out.info.count == 0 || out.info.count > count_max)
    return value.error("a count of " + std::to_string(out.info.count),
                       "1 to " + std::to_string(count_max));
  out.component_bytes = bytes_of_component(out.info.component_type);
  out.element_bytes = std::uint64_t{out.component_bytes} * out.info.components;
  out.stride = out.element_bytes;
  FRAMEBUS_ASSIGN(const auto view,
                  value.index("bufferView", document_.buffer_views.size(), "bufferViews"));
  if (!view) {
    // No bytes stand behind these elements, so a tiny file could ask for all of memory.
    if (out.info.count > scene_limits::implied_elements_max)
      return value.error(std::to_string(out.info.count) + " elements without a bufferView",
                         "at most " + std::to_string(scene_limits::implied_elements_max));
    return out;
  }
  const GltfValue& view_value = document_.buffer_views[*view];
  FRAMEBUS_ASSIGN(const std::uint64_t stride,
                  view_value.integer("byteStride", out.element_bytes, 65535));
  if (stride < out.element_bytes)
    return view_value.error(
        "a byteStride of " + std::to_string(stride),
        "at least the " + std::to_string(out.element_bytes) + " bytes of an element");
  out.stride = stride;
  FRAMEBUS_ASSIGN(const std::uint64_t offset, value.integer("byteOffset", 0, any_u64));
  FRAMEBUS_ASSIGN(const BytesView bytes, view_bytes(*view));
  if (offset > bytes.size() ||
      !fits(out.info.count, out.stride, out.element_bytes, bytes.size() - offset))
    return value.error(
        std::to_string(out.info.count) + " elements of " + std::to_string(out.element_bytes) +
            " bytes, " + std::to_string(out.stride) + " apart, from byte " + std::to_string(offset),
        "what fits into buffer view " + std::to_string(*view) + " of " +
            std::to_string(bytes.size()) + " bytes");
  out.data = bytes.subspan(offset);
  out.has_data = true;
  return out;
}

template <class T, class Convert>
Result<std::vector<T>> GltfBuffers::read(std::uint32_t accessor, const Layout& layout,
                                         Convert convert) {
  const std::uint32_t components = layout.info.components;
  std::vector<T> out(layout.info.count * components, T{});
  if (layout.has_data)
    for (std::uint64_t i = 0; i < layout.info.count; ++i)
      for (std::uint32_t c = 0; c < components; ++c)
        out[i * components + c] =
            convert(layout.data.data() + i * layout.stride + c * layout.component_bytes);
  FRAMEBUS_TRY(read_sparse(document_.accessors[accessor], layout, convert, out));
  return out;
}

template <class T, class Convert>
Status GltfBuffers::read_sparse(const GltfValue& accessor, const Layout& layout, Convert convert,
                                std::vector<T>& out) {
  FRAMEBUS_ASSIGN(const auto sparse, accessor.member("sparse", JsonKind::object));
  if (!sparse) return {};
  FRAMEBUS_ASSIGN(const std::uint64_t count, sparse->integer("count", 0, layout.info.count));
  FRAMEBUS_ASSIGN(const GltfValue indices, sparse->required("indices", JsonKind::object));
  FRAMEBUS_ASSIGN(const GltfValue values, sparse->required("values", JsonKind::object));
  FRAMEBUS_ASSIGN(const std::uint64_t index_type, indices.integer("componentType", 0, 0xFFFF));
  if (index_type != 5121 && index_type != 5123 && index_type != 5125)
    return indices.error("componentType " + std::to_string(index_type), "5121, 5123, 5125");
  const std::uint64_t index_bytes = bytes_of_component(index_type);
  const auto part = [&](const GltfValue& of, std::uint64_t element) -> Result<BytesView> {
    FRAMEBUS_ASSIGN(const std::uint32_t view,
                    of.required_index("bufferView", document_.buffer_views.size(), "bufferViews"));
    FRAMEBUS_ASSIGN(const std::uint64_t offset, of.integer("byteOffset", 0, any_u64));
    FRAMEBUS_ASSIGN(const BytesView bytes, view_bytes(view));
    if (offset > bytes.size() || !fits(count, element, element, bytes.size() - offset))
      return of.error(
          std::to_string(count) + " sparse elements from byte " + std::to_string(offset),
          "what fits into " + std::to_string(bytes.size()) + " bytes");
    return bytes.subspan(offset);
  };
  FRAMEBUS_ASSIGN(const BytesView index_data, part(indices, index_bytes));
  FRAMEBUS_ASSIGN(const BytesView value_data, part(values, layout.element_bytes));
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint32_t to = integer_of_component(index_data.data() + i * index_bytes,
                                                  static_cast<std::uint32_t>(index_type));
    if (to >= layout.info.count)
      return indices.error("sparse index " + std::to_string(to),
                           "0 to " + std::to_string(layout.info.count - 1));
    for (std::uint32_t c = 0; c < layout.info.components; ++c)
      out[std::uint64_t{to} * layout.info.components + c] =
          convert(value_data.data() + i * layout.element_bytes + c * layout.component_bytes);
  }
  return {};
}

Result<std::vector<float>> GltfBuffers::floats(std::uint32_t accessor,
                                               std::vector<std::uint32_t> components,
                                               std::uint64_t count_max) {
  const GltfValue& value = document_.accessors[accessor];
  FRAMEBUS_ASSIGN(const Layout at, layout(accessor, count_max));
  if (std::find(components.begin(), components.end(), at.info.components) == components.end()) {
    std::string allowed;
    for (std::uint32_t n : components)
      allowed += (allowed.empty() ? "" : " or ") + std::to_string(n);
    return value.error(std::to_string(at.info.components) + " components",
                       allowed + " for this use");
  }
  FRAMEBUS_ASSIGN(auto out, read<float>(accessor, at, [&](const std::uint8_t* bytes) {
                    return float_of_component(bytes, at.info.component_type, at.info.is_normalized);
                  }));
  for (std::size_t i = 0; i < out.size(); ++i)
    if (!(std::fabs(out[i]) <= 1e30f))
      return value.error(
          "element " + std::to_string(i / at.info.components) + " is " + std::to_string(out[i]),
          "finite numbers within +-1e30");
  return out;
}

Result<std::vector<std::uint32_t>> GltfBuffers::indices(std::uint32_t accessor,
                                                        std::uint64_t count_max) {
  const GltfValue& value = document_.accessors[accessor];
  FRAMEBUS_ASSIGN(const Layout at, layout(accessor, count_max));
  const std::uint32_t type = at.info.component_type;
  if (at.info.components != 1 || (type != 5121 && type != 5123 && type != 5125))
    return value.error("componentType " + std::to_string(type) + " with " +
                           std::to_string(at.info.components) + " components",
                       "SCALAR of 5121, 5123 or 5125 for indices");
  return read<std::uint32_t>(
      accessor, at, [&](const std::uint8_t* bytes) { return integer_of_component(bytes, type); });
}

}  // namespace framebus::render
