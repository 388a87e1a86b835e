// Materials and texture slots. Every (texture, colour space) pair that is used becomes one Texture.
//
// occlusionTexture is not read: it darkens what a rasteriser can not see to be shadowed, and the
// tracer finds that out by itself, so applying it would shadow creases twice.
#include <cmath>
#include <map>

#include "worker/executors/render/scene/exact_math.h"
#include "worker/executors/render/scene/gltf_loader.h"

namespace framebus::render {

namespace {

Float3 float3_of(const std::vector<double>& v, double scale = 1.0) {
  return to_float({v[0] * scale, v[1] * scale, v[2] * scale});
}

Result<Wrap> wrap_of(const GltfValue& sampler, const char* key) {
  FRAMEBUS_ASSIGN(const std::uint64_t mode, sampler.integer(key, 10497, 0xFFFF));
  switch (mode) {
    case 10497:
      return Wrap::repeat;
    case 33071:
      return Wrap::clamp;
    case 33648:
      return Wrap::mirror;
    default:
      break;
  }
  return sampler.error(std::string(key) + " " + std::to_string(mode), "10497, 33071, 33648");
}

class MaterialReader {
 public:
  explicit MaterialReader(GltfLoader& loader) : loader_(loader) {}

  Result<Material> read(const GltfValue& value);
  const std::vector<std::uint32_t>& image_of() const { return image_of_; }

 private:
  Result<TextureSlot> slot(const GltfValue& owner, const char* key, TexelFormat format);
  Result<std::uint32_t> texture(std::uint32_t index, TexelFormat format);
  Status transform(const GltfValue& info, TextureSlot& slot);
  Status read_surface(const GltfValue& value, Material& material);
  Status read_alpha(const GltfValue& value, Material& material);
  Status read_emission(const GltfValue& value, Material& material);

  GltfLoader& loader_;
  std::map<std::pair<std::uint32_t, TexelFormat>, std::uint32_t> known_;
  std::vector<std::uint32_t> image_of_;
};

Result<std::uint32_t> MaterialReader::texture(std::uint32_t index, TexelFormat format) {
  if (const auto found = known_.find({index, format}); found != known_.end()) return found->second;
  const GltfDocument& document = loader_.document;
  const GltfValue& value = document.textures[index];
  FRAMEBUS_ASSIGN(const auto source, value.index("source", document.images.size(), "images"));
  FRAMEBUS_ASSIGN(const auto sampler, value.index("sampler", document.samplers.size(), "samplers"));
  if (!source) {
    loader_.scene.warn("texture " + std::to_string(index) +
                       " has no PNG or JPEG image and is ignored");
    return no_index;
  }
  Texture texture{};
  texture.format = format;
  if (sampler) {
    const GltfValue& settings = document.samplers[*sampler];
    FRAMEBUS_ASSIGN(texture.wrap_u, wrap_of(settings, "wrapS"));
    FRAMEBUS_ASSIGN(texture.wrap_v, wrap_of(settings, "wrapT"));
    FRAMEBUS_ASSIGN(const std::uint64_t filter, settings.integer("magFilter", 9729, 0xFFFF));
    if (filter != 9728 && filter != 9729)
      return settings.error("magFilter " + std::to_string(filter), "9728, 9729");
    texture.nearest = filter == 9728 ? 1 : 0;
  }
  auto& textures = loader_.scene.arrays.textures;
  const auto made = static_cast<std::uint32_t>(textures.size());
  textures.push_back(texture);
  image_of_.push_back(*source);
  known_[{index, format}] = made;
  return made;
}

// uv' = offset + rotation * (scale * uv); positive rotation turns the texture coordinates
// counter-clockwise as the picture is seen, where v points down.
Status MaterialReader::transform(const GltfValue& info, TextureSlot& slot) {
  FRAMEBUS_ASSIGN(const auto extension, info.extension("KHR_texture_transform"));
  if (!extension) return {};
  FRAMEBUS_ASSIGN(const auto offset, extension->numbers("offset", {0, 0}));
  FRAMEBUS_ASSIGN(const auto scale, extension->numbers("scale", {1, 1}));
  FRAMEBUS_ASSIGN(const double rotation, extension->number("rotation", 0, -1e5, 1e5));
  const SinCos turn = sin_cos(rotation);
  slot.m00 = static_cast<float>(turn.cos * scale[0]);
  slot.m01 = static_cast<float>(turn.sin * scale[1]);
  slot.m02 = static_cast<float>(offset[0]);
  slot.m10 = static_cast<float>(-turn.sin * scale[0]);
  slot.m11 = static_cast<float>(turn.cos * scale[1]);
  slot.m12 = static_cast<float>(offset[1]);
  FRAMEBUS_ASSIGN(const std::uint64_t uv_set, extension->integer("texCoord", slot.uv_set, 1));
  slot.uv_set = static_cast<std::uint32_t>(uv_set);
  return {};
}

Result<TextureSlot> MaterialReader::slot(const GltfValue& owner, const char* key,
                                         TexelFormat format) {
  TextureSlot slot{no_index, 0, 1, 0, 0, 0, 1, 0};
  FRAMEBUS_ASSIGN(const auto info, owner.member(key, JsonKind::object));
  if (!info) return slot;
  FRAMEBUS_ASSIGN(const std::uint32_t index,
                  info->required_index("index", loader_.document.textures.size(), "textures"));
  FRAMEBUS_ASSIGN(const std::uint64_t uv_set, info->integer("texCoord", 0, 1));
  slot.uv_set = static_cast<std::uint32_t>(uv_set);
  FRAMEBUS_TRY(transform(*info, slot));
  FRAMEBUS_ASSIGN(slot.texture, texture(index, format));
  return slot;
}

Status MaterialReader::read_surface(const GltfValue& value, Material& material) {
  FRAMEBUS_ASSIGN(const auto surface, value.member("pbrMetallicRoughness", JsonKind::object));
  if (!surface) return {};
  FRAMEBUS_ASSIGN(const auto color, surface->numbers("baseColorFactor", {1, 1, 1, 1}));
  const Float3 rgb = float3_of(color);
  material.base_color = {rgb.x, rgb.y, rgb.z, static_cast<float>(color[3])};
  FRAMEBUS_ASSIGN(const double metallic, surface->number("metallicFactor", 1, 0, 1));
  FRAMEBUS_ASSIGN(const double roughness, surface->number("roughnessFactor", 1, 0, 1));
  material.metallic = static_cast<float>(metallic);
  material.roughness = static_cast<float>(roughness);
  FRAMEBUS_ASSIGN(material.base_color_texture,
                  slot(*surface, "baseColorTexture", TexelFormat::rgba8_srgb));
  FRAMEBUS_ASSIGN(material.metallic_roughness_texture,
                  slot(*surface, "metallicRoughnessTexture", TexelFormat::rgba8_linear));
  return {};
}

Status MaterialReader::read_alpha(const GltfValue& value, Material& material) {
  FRAMEBUS_ASSIGN(const std::string mode, value.string("alphaMode", "OPAQUE"));
  if (mode != "OPAQUE" && mode != "MASK" && mode != "BLEND")
    return value.error("alphaMode \"" + mode.substr(0, 40) + "\"", "OPAQUE, MASK, BLEND");
  material.alpha_mode = mode == "MASK"    ? AlphaMode::mask
                        : mode == "BLEND" ? AlphaMode::blend
                                          : AlphaMode::opaque;
  FRAMEBUS_ASSIGN(const double cutoff, value.number("alphaCutoff", 0.5, 0, 1e30));
  material.alpha_cutoff = static_cast<float>(cutoff);
  FRAMEBUS_ASSIGN(const bool is_double_sided, value.boolean("doubleSided", false));
  material.double_sided = is_double_sided ? 1 : 0;
  return {};
}

Status MaterialReader::read_emission(const GltfValue& value, Material& material) {
  FRAMEBUS_ASSIGN(const auto factor, value.numbers("emissiveFactor", {0, 0, 0}));
  double strength = 1;
  FRAMEBUS_ASSIGN(const auto extension, value.extension("KHR_materials_emissive_strength"));
  if (extension) {
    FRAMEBUS_ASSIGN(strength, extension->number("emissiveStrength", 1, 0, 1e9));
  }
  for (double each : factor)
    if (each < 0 || each > 1e9)
      return value.error("emissiveFactor " + std::to_string(each), "0 to 1e9");
  material.emission = float3_of(factor, strength);
  FRAMEBUS_ASSIGN(material.emission_texture,
                  slot(value, "emissiveTexture", TexelFormat::rgba8_srgb));
  return {};
}

Material default_material() {
  const TextureSlot none{no_index, 0, 1, 0, 0, 0, 1, 0};
  Material material{};
  material.base_color = {1, 1, 1, 1};
  material.metallic = 1;
  material.roughness = 1;
  material.normal_scale = 1;
  material.alpha_cutoff = 0.5f;
  material.ior = 1.5f;
  material.base_color_texture = material.metallic_roughness_texture = none;
  material.normal_texture = material.emission_texture = none;
  return material;
}

Result<Material> MaterialReader::read(const GltfValue& value) {
  Material material = default_material();
  FRAMEBUS_TRY(read_surface(value, material));
  FRAMEBUS_TRY(read_alpha(value, material));
  FRAMEBUS_TRY(read_emission(value, material));
  FRAMEBUS_ASSIGN(material.normal_texture, slot(value, "normalTexture", TexelFormat::rgba8_linear));
  FRAMEBUS_ASSIGN(const auto normal, value.member("normalTexture", JsonKind::object));
  if (normal) {
    FRAMEBUS_ASSIGN(const double scale, normal->number("scale", 1, -1000, 1000));
    material.normal_scale = static_cast<float>(scale);
  }
  FRAMEBUS_ASSIGN(const auto ior, value.extension("KHR_materials_ior"));
  if (ior) {
    FRAMEBUS_ASSIGN(const double index, ior->number("ior", 1.5, 0, 100));
    if (index != 0 && index < 1)
      return ior->error("ior " + std::to_string(index), "0, or 1 to 100");
    material.ior = static_cast<float>(index);
  }
  FRAMEBUS_ASSIGN(const auto unlit, value.extension("KHR_materials_unlit"));
  material.unlit = unlit ? 1 : 0;
  return material;
}

}  // namespace

Status GltfLoader::load_materials() {
  MaterialReader reader(*this);
  for (const GltfValue& value : document.materials) {
    FRAMEBUS_ASSIGN(const Material material, reader.read(value));
    scene.arrays.materials.push_back(material);
  }
  // The last one is what primitives without a material get.
  scene.arrays.materials.push_back(default_material());
  return load_images(*this, reader.image_of());
}

}  // namespace framebus::render
