// Materials, texture slots and samplers.
#include <doctest/doctest.h>

#include <cmath>

#include "small_gltf.h"

namespace framebus::render {
namespace {

std::string with_material(const std::string& members, const std::string& top = "") {
  const std::string png =
      "data:image/png;base64," + base64(png_of(2, 2, std::vector<std::uint8_t>(16, 188)));
  return replaced(
      quad_gltf_with("\"samplers\": [{\"wrapS\": 33071, \"wrapT\": 33648, \"magFilter\": 9728}], "
                     "\"textures\": [{\"source\": 0, \"sampler\": 0}, {\"source\": 0}],"
                     "\"images\": [{\"uri\": \"" +
                     png + "\"}]" + top),
      "\"name\": \"paint\"", members);
}

TEST_CASE("material: factors and extensions") {
  const auto scene = load_text(with_material(
      R"("alphaMode": "MASK", "alphaCutoff": 0.25, "doubleSided": true, "emissiveFactor": [0.5, 1, 0],
         "extensions": {"KHR_materials_ior": {"ior": 1.33}, "KHR_materials_emissive_strength": {"emissiveStrength": 8}})"));
  REQUIRE(scene.has_value());
  const Material& m = (*scene)->view().materials[0];
  CHECK(m.alpha_mode == AlphaMode::mask);
  CHECK(m.alpha_cutoff == 0.25f);
  CHECK(m.double_sided == 1);
  CHECK(m.ior == 1.33f);
  CHECK(m.emission.x == 4.0f);
  CHECK(m.roughness == 0.7f);
  CHECK(m.base_color_texture.texture == no_index);
  CHECK((*scene)->view().material_count == 2);
}

TEST_CASE(
    "material: a picture used for colour and for numbers is two textures over one set of texels") {
  const auto scene = load_text(with_material(
      R"("normalTexture": {"index": 0, "scale": 0.5}, "emissiveTexture": {"index": 1}, "occlusionTexture": {"index": 1})"));
  REQUIRE(scene.has_value());
  const SceneView& view = (*scene)->view();
  REQUIRE(view.texture_count == 2);
  CHECK(view.texel_bytes == 16);
  const Texture& emission = view.textures[view.materials[0].emission_texture.texture];
  const Texture& normal = view.textures[view.materials[0].normal_texture.texture];
  CHECK(normal.format == TexelFormat::rgba8_linear);
  CHECK(emission.format == TexelFormat::rgba8_srgb);
  CHECK(normal.wrap_u == Wrap::clamp);
  CHECK(normal.wrap_v == Wrap::mirror);
  CHECK(normal.nearest == 1);
  CHECK(emission.wrap_u == Wrap::repeat);
  CHECK(emission.nearest == 0);
  CHECK(normal.first_byte == emission.first_byte);
  CHECK(view.materials[0].normal_scale == 0.5f);
}

TEST_CASE("material: KHR_texture_transform turns, scales and moves") {
  const auto scene = load_text(with_material(
      R"("emissiveTexture": {"index": 0, "texCoord": 0, "extensions": {"KHR_texture_transform":
         {"offset": [0.5, 0.25], "rotation": 1.5707963267948966, "scale": [2, 3], "texCoord": 1}}})"));
  REQUIRE(scene.has_value());
  const TextureSlot& slot = (*scene)->view().materials[0].emission_texture;
  CHECK(slot.uv_set == 1);
  CHECK(std::abs(slot.m00) < 1e-6f);
  CHECK(slot.m01 == doctest::Approx(3.0));
  CHECK(slot.m02 == 0.5f);
  CHECK(slot.m10 == doctest::Approx(-2.0));
  CHECK(slot.m12 == 0.25f);
}

TEST_CASE("material: values out of range are refused where they stand") {
  CHECK(contains(
      load_error(replaced(quad_gltf(), "\"metallicFactor\": 0", "\"metallicFactor\": 1.5")),
      "/metallicFactor: found 1.5"));
  CHECK(contains(load_error(with_material(R"("alphaMode": "GLASS")")), "OPAQUE, MASK, BLEND"));
  CHECK(contains(load_error(with_material(R"("emissiveFactor": [-1, 0, 0])")), "emissiveFactor"));
  CHECK(contains(load_error(with_material(R"("normalTexture": {"index": 0, "texCoord": 2})")),
                 "/texCoord"));
  CHECK(contains(load_error(with_material(R"("extensions": {"KHR_materials_ior": {"ior": 0.5}})")),
                 "ior"));
  CHECK(contains(
      load_error(replaced(with_material(R"("emissiveTexture": {"index": 0})"), "33071", "1")),
      "/samplers/0"));
}

}  // namespace
}  // namespace framebus::render
