// See gltf_json.h.
#include "worker/executors/render/scene/gltf_json.h"

namespace framebus::render {

namespace {

std::string text_of_number(double number) {
  const auto whole = static_cast<std::int64_t>(number);
  return static_cast<double>(whole) == number ? std::to_string(whole) : std::to_string(number);
}

}  // namespace

tl::unexpected<Error> bad_value(const JsonDocument& json, JsonValue at, std::string_view found,
                                std::string_view allowed) {
  return fail(Code::invalid_argument, json.where(at) + ": found " + std::string(found) +
                                          "; allowed: " + std::string(allowed));
}

Result<std::optional<GltfValue>> GltfValue::member(std::string_view key, JsonKind kind) const {
  const std::optional<JsonValue> found = value.find(key);
  if (!found) return std::optional<GltfValue>{};
  if (!found->is(kind)) return bad_value(*json, *found, name_of(found->kind()), name_of(kind));
  return std::optional<GltfValue>{GltfValue{json, *found}};
}

Result<GltfValue> GltfValue::required(std::string_view key, JsonKind kind) const {
  FRAMEBUS_ASSIGN(auto found, member(key, kind));
  if (!found) return error("no \"" + std::string(key) + "\"", "an object that has one");
  return *found;
}

Result<std::vector<GltfValue>> GltfValue::elements(std::string_view key, JsonKind kind) const {
  std::vector<GltfValue> out;
  FRAMEBUS_ASSIGN(auto found, member(key, JsonKind::array));
  if (!found) return out;
  const std::vector<JsonValue> items = found->value.items();
  out.reserve(items.size());
  for (const JsonValue& item : items) {
    if (!item.is(kind)) return bad_value(*json, item, name_of(item.kind()), name_of(kind));
    out.push_back({json, item});
  }
  return out;
}

Result<double> GltfValue::number(std::string_view key, double missing, double min,
                                 double max) const {
  FRAMEBUS_ASSIGN(auto found, member(key, JsonKind::number));
  if (!found) return missing;
  const double number = found->value.number();
  if (!(number >= min && number <= max))
    return found->error(found->value.excerpt(),
                        "a number from " + text_of_number(min) + " to " + text_of_number(max));
  return number;
}

Result<std::uint64_t> GltfValue::integer(std::string_view key, std::uint64_t missing,
                                         std::uint64_t max) const {
  FRAMEBUS_ASSIGN(auto found, member(key, JsonKind::number));
  if (!found) return missing;
  const std::optional<std::int64_t> number = found->value.integer();
  if (!number || *number < 0 || static_cast<std::uint64_t>(*number) > max)
    return found->error(found->value.excerpt(), "an integer from 0 to " + std::to_string(max));
  return static_cast<std::uint64_t>(*number);
}

Result<bool> GltfValue::boolean(std::string_view key, bool missing) const {
  FRAMEBUS_ASSIGN(auto found, member(key, JsonKind::boolean));
  return found ? found->value.boolean() : missing;
}

Result<std::string> GltfValue::string(std::string_view key, std::string_view missing) const {
  FRAMEBUS_ASSIGN(auto found, member(key, JsonKind::string));
  return found ? found->value.string() : std::string(missing);
}

Result<std::optional<std::uint32_t>> GltfValue::index(std::string_view key, std::size_t count,
                                                      std::string_view what) const {
  FRAMEBUS_ASSIGN(auto found, member(key, JsonKind::number));
  if (!found) return std::optional<std::uint32_t>{};
  const std::optional<std::int64_t> number = found->value.integer();
  if (!number || *number < 0 || static_cast<std::uint64_t>(*number) >= count) {
    const std::string listed = std::to_string(count) + " " + std::string(what);
    return found->error(found->value.excerpt(),
                        count == 0 ? "nothing: the file has no " + std::string(what)
                                   : "an index from 0 to " + std::to_string(count - 1) +
                                         " (the file has " + listed + ")");
  }
  return std::optional<std::uint32_t>{static_cast<std::uint32_t>(*number)};
}

Result<std::uint32_t> GltfValue::required_index(std::string_view key, std::size_t count,
                                                std::string_view what) const {
  FRAMEBUS_ASSIGN(auto found, index(key, count, what));
  if (!found) return error("no \"" + std::string(key) + "\"", "an object that has one");
  return *found;
}

Result<std::vector<double>> GltfValue::numbers(std::string_view key,
                                               std::vector<double> missing) const {
  FRAMEBUS_ASSIGN(auto found, member(key, JsonKind::array));
  if (!found) return missing;
  if (found->value.size() != missing.size())
    return found->error(std::to_string(found->value.size()) + " elements",
                        "exactly " + std::to_string(missing.size()) + " numbers");
  std::vector<double> out;
  for (const JsonValue& item : found->value.items()) {
    if (!item.is(JsonKind::number)) return bad_value(*json, item, name_of(item.kind()), "a number");
    if (!(item.number() >= -1e30 && item.number() <= 1e30))
      return bad_value(*json, item, item.excerpt(), "a number from -1e30 to 1e30");
    out.push_back(item.number());
  }
  return out;
}

Result<std::optional<GltfValue>> GltfValue::extension(std::string_view name) const {
  FRAMEBUS_ASSIGN(auto extensions, member("extensions", JsonKind::object));
  if (!extensions) return std::optional<GltfValue>{};
  return extensions->member(name, JsonKind::object);
}

}  // namespace framebus::render
