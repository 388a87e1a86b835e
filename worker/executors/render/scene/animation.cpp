// Keyframes as the glTF specification's appendix on interpolation describes them.
#include "worker/executors/render/scene/animation.h"

#include <algorithm>

namespace framebus::render {

namespace {

std::size_t components_of(const AnimationChannel& channel) {
  return channel.path == AnimatedPath::rotation ? 4 : 3;
}

// Key `key`, part `part` of 3 for cubic splines (in-tangent, value, out-tangent).
std::array<double, 4> key_values(const AnimationChannel& channel, std::size_t key,
                                 std::size_t part) {
  const std::size_t n = components_of(channel);
  const bool is_cubic = channel.interpolation == Interpolation::cubic_spline;
  const std::size_t first = (is_cubic ? 3 * key + part : key) * n;
  std::array<double, 4> out{};
  for (std::size_t c = 0; c < n; ++c) out[c] = static_cast<double>(channel.values[first + c]);
  return out;
}

std::array<double, 4> cubic(const AnimationChannel& channel, std::size_t key, double t,
                            double duration) {
  const auto v0 = key_values(channel, key, 1), b0 = key_values(channel, key, 2);
  const auto a1 = key_values(channel, key + 1, 0), v1 = key_values(channel, key + 1, 1);
  const double t2 = t * t, t3 = t2 * t;
  std::array<double, 4> out{};
  for (std::size_t c = 0; c < out.size(); ++c)
    out[c] = (2 * t3 - 3 * t2 + 1) * v0[c] + duration * (t3 - 2 * t2 + t) * b0[c] +
             (-2 * t3 + 3 * t2) * v1[c] + duration * (t3 - t2) * a1[c];
  return out;
}

std::array<double, 4> linear(const AnimationChannel& channel, std::size_t key, double t) {
  const auto a = key_values(channel, key, 1), b = key_values(channel, key + 1, 1);
  if (channel.path == AnimatedPath::rotation) {
    const Quaternion q = slerp({a[0], a[1], a[2], a[3]}, {b[0], b[1], b[2], b[3]}, t);
    return {q.x, q.y, q.z, q.w};
  }
  std::array<double, 4> out{};
  for (std::size_t c = 0; c < out.size(); ++c) out[c] = a[c] + (b[c] - a[c]) * t;
  return out;
}

Transform local_transform(const NodeModel& node) {
  return node.matrix ? *node.matrix : compose(node.translation, node.rotation, node.scale);
}

}  // namespace

std::array<double, 4> sample_channel(const AnimationChannel& channel, double seconds) {
  const std::vector<float>& times = channel.times;
  const auto after =
      std::upper_bound(times.begin(), times.end(), seconds,
                       [](double at, float time) { return at < static_cast<double>(time); });
  if (after == times.begin()) return key_values(channel, 0, 1);
  const auto key = static_cast<std::size_t>(after - times.begin()) - 1;
  if (after == times.end()) return key_values(channel, key, 1);
  const double start = static_cast<double>(times[key]);
  const double duration = static_cast<double>(*after) - start;
  const double t = (seconds - start) / duration;
  switch (channel.interpolation) {
    case Interpolation::step:
      return key_values(channel, key, 1);
    case Interpolation::cubic_spline:
      return cubic(channel, key, t, duration);
    case Interpolation::linear:
      break;
  }
  return linear(channel, key, t);
}

std::vector<Transform> node_transforms(const CompiledScene& scene, double seconds) {
  std::vector<Transform> local(scene.nodes.size());
  for (std::uint32_t i : scene.node_order) local[i] = local_transform(scene.nodes[i]);
  if (!scene.channels.empty()) {
    std::vector<NodeModel> posed = scene.nodes;
    std::vector<bool> is_posed(posed.size(), false);
    for (const AnimationChannel& channel : scene.channels) {
      const auto v = sample_channel(channel, seconds);
      NodeModel& node = posed[channel.node];
      is_posed[channel.node] = true;
      if (channel.path == AnimatedPath::translation) node.translation = {v[0], v[1], v[2]};
      if (channel.path == AnimatedPath::scale) node.scale = {v[0], v[1], v[2]};
      if (channel.path == AnimatedPath::rotation)
        node.rotation = normalized({v[0], v[1], v[2], v[3]});
    }
    for (std::size_t i = 0; i < posed.size(); ++i)
      if (is_posed[i]) local[i] = local_transform(posed[i]);
  }
  std::vector<Transform> world(scene.nodes.size());
  for (std::uint32_t i : scene.node_order) {
    const std::uint32_t parent = scene.nodes[i].parent;
    world[i] = parent == no_index ? local[i] : world[parent] * local[i];
  }
  return world;
}

}  // namespace framebus::render
