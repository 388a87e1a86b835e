// The Tungsten side: JSON to primitives and camera.
#include <map>

#include "examples/cornell/cornell_scene.h"
#include "libmsg/base/json_text.h"
#include "worker/executors/render/scene/exact_math.h"

namespace framebus::cornell {

namespace {

using render::Quaternion;
using render::Transform;
using render::Vec3;
using Triple = std::array<double, 3>;

struct Source {
  const JsonDocument& json;

  tl::unexpected<Error> error(JsonValue at, const std::string& allowed) const {
    return fail(Code::invalid_argument,
                json.where(at) + ": found " + at.excerpt() + "; allowed: " + allowed);
  }
  Result<JsonValue> member(JsonValue object, const char* key, JsonKind kind) const {
    const auto found = object.is(JsonKind::object) ? object.find(key) : std::nullopt;
    if (!found || !found->is(kind))
      return error(object,
                   std::string("an object with \"") + key + "\", " + std::string(name_of(kind)));
    return *found;
  }
  // Three numbers, or one that stands for three.
  Result<Triple> triple(JsonValue object, const char* key, Triple missing) const {
    const auto found = object.find(key);
    if (!found) return missing;
    if (found->is(JsonKind::number))
      return Triple{found->number(), found->number(), found->number()};
    if (!found->is(JsonKind::array) || found->size() != 3)
      return error(*found, "a number or three");
    Triple out{};
    const auto items = found->items();
    for (std::size_t i = 0; i < 3; ++i) {
      if (!items[i].is(JsonKind::number)) return error(items[i], "a number");
      out[i] = items[i].number();
    }
    return out;
  }
};

Vec3 vec(const Triple& t) {
  return {t[0], t[1], t[2]};
}

// Tungsten's order: rotations about z, then x, then y, all after the scale.
Transform transform_of(const Triple& position, const Triple& degrees, const Triple& scale) {
  const auto about = [](Vec3 euler) {
    return compose({}, render::quaternion_of_euler(euler), {1, 1, 1});
  };
  const Transform turn =
      about({0, degrees[1], 0}) * about({degrees[0], 0, 0}) * about({0, 0, degrees[2]});
  Transform out = turn * compose({}, Quaternion{}, vec(scale));
  for (std::size_t row = 0; row < 3; ++row) out.m[row][3] = position[row];
  return out;
}

Result<std::map<std::string, Triple>> read_albedos(const Source& source, JsonValue root) {
  std::map<std::string, Triple> out;
  FRAMEBUS_ASSIGN(const JsonValue list, source.member(root, "bsdfs", JsonKind::array));
  for (const JsonValue& bsdf : list.items()) {
    FRAMEBUS_ASSIGN(const JsonValue name, source.member(bsdf, "name", JsonKind::string));
    FRAMEBUS_ASSIGN(const JsonValue type, source.member(bsdf, "type", JsonKind::string));
    if (type.string() != "lambert" && type.string() != "null")
      return source.error(type, "lambert, null");
    FRAMEBUS_ASSIGN(Triple albedo, source.triple(bsdf, "albedo", {1, 1, 1}));
    if (type.string() == "null") albedo = {0, 0, 0};
    out[name.string()] = albedo;
  }
  return out;
}

Result<Primitive> read_primitive(const Source& source, JsonValue value,
                                 const std::map<std::string, Triple>& albedos) {
  Primitive out;
  FRAMEBUS_ASSIGN(const JsonValue name, source.member(value, "name", JsonKind::string));
  FRAMEBUS_ASSIGN(const JsonValue type, source.member(value, "type", JsonKind::string));
  FRAMEBUS_ASSIGN(const JsonValue bsdf, source.member(value, "bsdf", JsonKind::string));
  FRAMEBUS_ASSIGN(const JsonValue transform, source.member(value, "transform", JsonKind::object));
  out.name = name.string();
  if (type.string() != "quad" && type.string() != "cube") return source.error(type, "quad, cube");
  out.is_cube = type.string() == "cube";
  FRAMEBUS_ASSIGN(const Triple position, source.triple(transform, "position", {0, 0, 0}));
  FRAMEBUS_ASSIGN(const Triple scale, source.triple(transform, "scale", {1, 1, 1}));
  FRAMEBUS_ASSIGN(const Triple rotation, source.triple(transform, "rotation", {0, 0, 0}));
  out.to_world = transform_of(position, rotation, scale);
  const auto albedo = albedos.find(bsdf.string());
  if (albedo == albedos.end()) return source.error(bsdf, "the name of a bsdf");
  out.albedo = albedo->second;
  FRAMEBUS_ASSIGN(out.emission, source.triple(value, "emission", {0, 0, 0}));
  return out;
}

}  // namespace

Result<CornellScene> read_tungsten(const std::filesystem::path& path) {
  FRAMEBUS_ASSIGN(const JsonDocument json, read_json_file(path));
  const Source source{json};
  CornellScene scene;
  FRAMEBUS_ASSIGN(const auto albedos, read_albedos(source, json.root()));
  FRAMEBUS_ASSIGN(const JsonValue primitives,
                  source.member(json.root(), "primitives", JsonKind::array));
  for (const JsonValue& value : primitives.items()) {
    FRAMEBUS_ASSIGN(Primitive primitive, read_primitive(source, value, albedos));
    scene.primitives.push_back(std::move(primitive));
  }
  FRAMEBUS_ASSIGN(const JsonValue camera, source.member(json.root(), "camera", JsonKind::object));
  FRAMEBUS_ASSIGN(const JsonValue view, source.member(camera, "transform", JsonKind::object));
  FRAMEBUS_ASSIGN(scene.camera_position, source.triple(view, "position", {0, 0, 0}));
  FRAMEBUS_ASSIGN(scene.camera_look_at, source.triple(view, "look_at", {0, 0, -1}));
  FRAMEBUS_ASSIGN(const JsonValue fov, source.member(camera, "fov", JsonKind::number));
  if (!(fov.number() > 0.1 && fov.number() < 179))
    return source.error(fov, "degrees from 0.1 to 179");
  scene.horizontal_fov = render::radians_of_degrees(fov.number());
  FRAMEBUS_ASSIGN(const JsonValue size, source.member(camera, "resolution", JsonKind::array));
  const auto sides = size.items();
  if (sides.size() != 2 || !sides[0].integer() || !sides[1].integer() || *sides[0].integer() < 1 ||
      *sides[1].integer() < 1 || *sides[0].integer() > 65536 || *sides[1].integer() > 65536)
    return source.error(size, "two integers from 1 to 65536");
  scene.width = static_cast<std::uint32_t>(*sides[0].integer());
  scene.height = static_cast<std::uint32_t>(*sides[1].integer());
  return scene;
}

}  // namespace framebus::cornell
