// Where the nodes are at a time: animation channels evaluated, hierarchy composed.
#pragma once

#include <vector>

#include "worker/executors/render/scene/compiled_scene.h"

namespace framebus::render {

// The channel's value at `seconds`: 3 or 4 numbers. Before its first and after its last key it
// stays there.
std::array<double, 4> sample_channel(const AnimationChannel& channel, double seconds);

// World transforms by node index; nodes outside the shown scene keep the identity and are not to be
// used.
std::vector<Transform> node_transforms(const CompiledScene& scene, double seconds);

}  // namespace framebus::render
