// Wide trees in the layout that the CPU traverses: plain data, no owner.
//
// A node's boxes stand axis by axis, so that one vector instruction tests all its children; a leaf
// is a block of four triangles, vertex by vertex. Widths: 4 for 128-bit registers, 8 for 256-bit
// ones.
#pragma once

#include <cstdint>

#include "worker/executors/render/core/path_state.h"

namespace framebus::render {

// A child: an inner node's index, or with leaf_bit a count (bits 27 to 30) and the index of the
// first entry.
using ChildRef = std::uint32_t;
inline constexpr ChildRef leaf_bit = 0x80000000u;
inline constexpr ChildRef leaf_empty = leaf_bit;
inline constexpr std::uint32_t leaf_first_max = 0x07FFFFFFu;
inline constexpr ChildRef leaf_ref(std::uint32_t first, std::uint32_t count) {
  return leaf_bit | (count << 27) | first;
}
inline constexpr std::uint32_t leaf_first(ChildRef ref) {
  return ref & leaf_first_max;
}
inline constexpr std::uint32_t leaf_count(ChildRef ref) {
  return (ref >> 27) & 15u;
}

// Absent children have an empty box and leaf_empty.
template <int Width>
struct alignas(64) WideNode {
  float bounds[6][Width];  // low x, y, z, high x, y, z
  ChildRef child[Width];
};

// Unused lanes hold NaN and are never hit.
struct alignas(16) TriangleBlock {
  float v[3][3][4];  // [vertex][axis][lane]
  std::uint32_t primitive[4];
};

struct WideMesh {
  const void* nodes;  // WideNode<width>
  const TriangleBlock* blocks;
  ChildRef root;  // leaf_empty: nothing to hit
  float extent;   // largest absolute coordinate
  float low[3], high[3];
  std::uint32_t has_alpha;  // its material may let rays through
};

// A frame: a tree over instances. Leaf entries index `order`, which holds instance numbers.
struct WideScene {
  const WideMesh* meshes;
  const void* top_nodes;
  const std::uint32_t* order;
  ChildRef top_root;
  float top_extent;      // of the instances, and of what their transforms add to rounding errors
  float top_pad_factor;  // how much transforms amplify rounding errors
};

}  // namespace framebus::render
