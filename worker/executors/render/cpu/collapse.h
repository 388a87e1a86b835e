// Binary tree to wide tree: a node takes in its largest inner children until it is full.
#pragma once

#include "worker/executors/render/cpu/mesh_bvhs.h"

namespace framebus::render {

// One collapse in progress; Leaf maps a binary leaf (first, count) to a child reference.
template <int Width, class Leaf>
class Collapse {
 public:
  Collapse(const BinaryTree& tree,
           std::vector<WideNode<Width>, HugePageAllocator<WideNode<Width>>>& nodes, Leaf& leaf)
      : tree_(tree), nodes_(nodes), leaf_(leaf) {}

  ChildRef make(std::uint32_t index) {
    const Bvh2Node& node = tree_.nodes[index];
    if (node.count != 0) return leaf_(node.first, node.count);
    std::uint32_t children[Width];
    int count = gather_children(node, children);
    const std::size_t at = nodes_.size();
    nodes_.emplace_back();
    for (int i = 0; i < Width; ++i) {
      for (int axis = 0; axis < 3; ++axis) {
        nodes_[at].bounds[axis][i] = i < count ? tree_.nodes[children[i]].low[axis] : 3e38f;
        nodes_[at].bounds[axis + 3][i] = i < count ? tree_.nodes[children[i]].high[axis] : -3e38f;
      }
      nodes_[at].child[i] = leaf_empty;
    }
    for (int i = 0; i < count; ++i) {
      const ChildRef ref = make(children[i]);  // may move nodes_
      nodes_[at].child[i] = ref;
    }
    return static_cast<ChildRef>(at);
  }

 private:
  int gather_children(const Bvh2Node& node, std::uint32_t* children) const {
    children[0] = node.first;
    children[1] = node.first + 1;
    int count = 2;
    while (count < Width) {
      int largest = -1;
      float largest_area = -1.0f;
      for (int i = 0; i < count; ++i) {
        const Bvh2Node& child = tree_.nodes[children[i]];
        if (child.count == 0 && half_area(child) > largest_area) {
          largest = i;
          largest_area = half_area(child);
        }
      }
      if (largest < 0) break;
      const std::uint32_t opened = tree_.nodes[children[largest]].first;
      children[largest] = opened;
      children[count++] = opened + 1;
    }
    return count;
  }

  static float half_area(const Bvh2Node& n) {
    const float x = n.high[0] - n.low[0], y = n.high[1] - n.low[1], z = n.high[2] - n.low[2];
    return x * y + y * z + z * x;
  }

  const BinaryTree& tree_;
  std::vector<WideNode<Width>, HugePageAllocator<WideNode<Width>>>& nodes_;
  Leaf& leaf_;
};

// `width`: 4 or 8. `leaf` maps a binary leaf (first, count) to a child reference. Returns the
// root's.
template <class Leaf>
ChildRef collapse(const BinaryTree& tree, int width, Leaf&& leaf, WideNodes& nodes) {
  if (tree.nodes.empty()) return leaf_empty;
  if (width == 8) return Collapse<8, Leaf>(tree, nodes.of_8, leaf).make(0);
  return Collapse<4, Leaf>(tree, nodes.of_4, leaf).make(0);
}

}  // namespace framebus::render
