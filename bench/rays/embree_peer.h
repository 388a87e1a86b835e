// Embree with the same triangles and the same rays, one ray at a time: what our rates are measured
// against.
//
// Instances are flattened into one mesh of world triangles, which is the best case for Embree.
// Alpha is not looked at. Where Embree is not installed, make() gives nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "worker/executors/render/core/path_state.h"

namespace framebus::bench {

class EmbreePeer {
 public:
  virtual ~EmbreePeer() = default;
  // Nearest hit distance, or a negative number.
  virtual void intersect(const render::Ray* rays, float* t, std::size_t count) const = 0;
  virtual void occlude(const render::Ray* rays, std::uint8_t* is_hit, std::size_t count) const = 0;
  virtual double build_seconds() const = 0;

  static std::unique_ptr<EmbreePeer> make(const render::RenderParams& p, unsigned threads);
};

}  // namespace framebus::bench
