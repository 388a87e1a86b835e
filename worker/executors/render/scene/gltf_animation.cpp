// Animation channels of translation, rotation and scale. All animations of a file play together.
#include "worker/executors/render/scene/gltf_loader.h"
#include "worker/executors/render/scene/scene_limits.h"

namespace framebus::render {

namespace {

Result<Interpolation> interpolation_of(const GltfValue& sampler) {
  FRAMEBUS_ASSIGN(const std::string name, sampler.string("interpolation", "LINEAR"));
  if (name == "LINEAR") return Interpolation::linear;
  if (name == "STEP") return Interpolation::step;
  if (name == "CUBICSPLINE") return Interpolation::cubic_spline;
  return sampler.error("interpolation \"" + name.substr(0, 40) + "\"", "LINEAR, STEP, CUBICSPLINE");
}

Status read_sampler(GltfLoader& loader, const GltfValue& sampler, AnimationChannel& channel) {
  const std::size_t accessors = loader.document.accessors.size();
  FRAMEBUS_ASSIGN(const std::uint32_t input,
                  sampler.required_index("input", accessors, "accessors"));
  FRAMEBUS_ASSIGN(const std::uint32_t output,
                  sampler.required_index("output", accessors, "accessors"));
  FRAMEBUS_ASSIGN(channel.interpolation, interpolation_of(sampler));
  FRAMEBUS_ASSIGN(channel.times,
                  loader.buffers.floats(input, {1}, scene_limits::animation_values_max));
  for (std::size_t i = 1; i < channel.times.size(); ++i)
    if (!(channel.times[i] > channel.times[i - 1]))
      return loader.document.accessors[input].error(
          "key " + std::to_string(i) + " at " + std::to_string(channel.times[i]) + " s",
          "times that grow");
  const std::uint32_t components = channel.path == AnimatedPath::rotation ? 4 : 3;
  FRAMEBUS_ASSIGN(channel.values,
                  loader.buffers.floats(output, {components}, scene_limits::animation_values_max));
  const std::size_t parts = channel.interpolation == Interpolation::cubic_spline ? 3 : 1;
  if (channel.values.size() != channel.times.size() * parts * components)
    return loader.document.accessors[output].error(
        std::to_string(channel.values.size() / components) + " elements",
        std::to_string(channel.times.size() * parts) + ", for the sampler's " +
            std::to_string(channel.times.size()) + " times");
  return {};
}

Status read_channel(GltfLoader& loader, const GltfValue& value,
                    const std::vector<GltfValue>& samplers) {
  FRAMEBUS_ASSIGN(const std::uint32_t sampler,
                  value.required_index("sampler", samplers.size(), "samplers of this animation"));
  FRAMEBUS_ASSIGN(const GltfValue target, value.required("target", JsonKind::object));
  FRAMEBUS_ASSIGN(const auto node, target.index("node", loader.scene.nodes.size(), "nodes"));
  FRAMEBUS_ASSIGN(const std::string path, target.string("path", ""));
  if (path == "weights" || path == "pointer" || !node) {
    loader.scene.warn("animation of " + path + " is ignored");
    return {};
  }
  AnimationChannel channel;
  channel.node = *node;
  if (path == "translation")
    channel.path = AnimatedPath::translation;
  else if (path == "rotation")
    channel.path = AnimatedPath::rotation;
  else if (path == "scale")
    channel.path = AnimatedPath::scale;
  else
    return target.error("path \"" + path.substr(0, 40) + "\"",
                        "translation, rotation, scale, weights");
  if (loader.scene.nodes[*node].matrix)
    return target.error("node " + std::to_string(*node) + ", which has a matrix",
                        "a node with translation, rotation, scale");
  FRAMEBUS_TRY(read_sampler(loader, samplers[sampler], channel));
  loader.scene.channels.push_back(std::move(channel));
  return {};
}

}  // namespace

Status GltfLoader::load_animations() {
  std::size_t values = 0;
  for (const GltfValue& animation : document.animations) {
    FRAMEBUS_ASSIGN(const auto samplers, animation.elements("samplers", JsonKind::object));
    FRAMEBUS_ASSIGN(const auto channels, animation.elements("channels", JsonKind::object));
    for (const GltfValue& channel : channels) {
      FRAMEBUS_TRY(read_channel(*this, channel, samplers));
      if (!scene.channels.empty()) values += scene.channels.back().values.size();
      if (values > scene_limits::animation_values_max)
        return animation.error(
            "more than " + std::to_string(scene_limits::animation_values_max) + " animation values",
            "at most that many");
    }
  }
  return {};
}

}  // namespace framebus::render
