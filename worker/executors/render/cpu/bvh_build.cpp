#include "worker/executors/render/cpu/bvh_build.h"

#include <algorithm>
#include <atomic>
#include <thread>

namespace framebus::render {
namespace {

// Four lanes in one register on every architecture (a language extension of GCC and Clang, no
// intrinsic).
using Lanes = float __attribute__((vector_size(16)));

Lanes lower_of(Lanes a, Lanes b) {
  return a < b ? a : b;
}
Lanes higher_of(Lanes a, Lanes b) {
  return a > b ? a : b;
}

struct Box {
  Lanes low{3e38f, 3e38f, 3e38f, 3e38f};
  Lanes high{-3e38f, -3e38f, -3e38f, -3e38f};
  void grow(const Box& other) {
    low = lower_of(low, other.low);
    high = higher_of(high, other.high);
  }
  void grow(Lanes point) {
    low = lower_of(low, point);
    high = higher_of(high, point);
  }
  float half_area() const {
    const Lanes d = high - low;
    return d[0] * d[1] + d[1] * d[2] + d[2] * d[0];
  }
};

Lanes centre_of(const Box& box) {
  return (box.low + box.high) * 0.5f;
}

struct Item {
  Box box;  // the fourth lane of box.low carries nothing
  std::uint32_t id = 0;
};

struct Range {
  std::uint32_t begin, end, node;
  int depth;
};

constexpr int bin_count = 16;
constexpr int depth_of_median_splits = 48;  // beyond it ranges are halved, so 80 levels always do

struct Split {
  int axis = -1;
  int bin = 0;
  float cost = 3e38f;
};

class Builder {
 public:
  Builder(std::vector<Item>& items, std::vector<Bvh2Node>& nodes, unsigned leaf_count_max)
      : items_(items), nodes_(nodes), leaf_count_max_(leaf_count_max) {}

  void build(unsigned threads) {
    const std::uint32_t count = static_cast<std::uint32_t>(items_.size());
    next_node_ = 1;
    std::vector<Range> ready;
    const std::uint32_t serial_above =
        threads <= 1 ? 0 : std::max<std::uint32_t>(4096, count / (8 * threads));
    split_top({0, count, 0, 0}, serial_above, ready);
    std::atomic<std::size_t> next{0};
    const auto work = [&] {
      for (std::size_t i = next++; i < ready.size(); i = next++) build_below(ready[i]);
    };
    std::vector<std::thread> helpers;
    for (unsigned i = 1; i < threads && i < ready.size(); ++i) helpers.emplace_back(work);
    work();
    for (std::thread& helper : helpers) helper.join();
    nodes_.resize(next_node_);
  }

 private:
  // Splits ranges larger than `serial_above` here; the rest goes to `ready`.
  void split_top(const Range& range, std::uint32_t serial_above, std::vector<Range>& ready) {
    std::vector<Range> stack{range};
    while (!stack.empty()) {
      const Range top = stack.back();
      stack.pop_back();
      Range left, right;
      if (serial_above == 0 || top.end - top.begin <= serial_above) {
        ready.push_back(top);
      } else if (split(top, left, right)) {
        stack.push_back(left);
        stack.push_back(right);
      }
    }
  }

  void build_below(const Range& range) {
    Range left, right;
    if (!split(range, left, right)) return;
    build_below(left);
    build_below(right);
  }

  // Writes the node; false when it is a leaf.
  bool split(const Range& range, Range& left, Range& right) {
    Box bounds, centres;
    for (std::uint32_t i = range.begin; i < range.end; ++i) {
      bounds.grow(items_[i].box);
      centres.grow(centre_of(items_[i].box));
    }
    Bvh2Node& node = nodes_[range.node];
    for (int axis = 0; axis < 3; ++axis) {
      node.low[axis] = bounds.low[axis];
      node.high[axis] = bounds.high[axis];
    }
    const std::uint32_t count = range.end - range.begin;
    if (count <= leaf_count_max_) {
      node.first = range.begin;
      node.count = count;
      return false;
    }
    const std::uint32_t middle = partition(range, centres);
    node.first = next_node_.fetch_add(2);
    node.count = 0;
    left = {range.begin, middle, node.first, range.depth + 1};
    right = {middle, range.end, node.first + 1, range.depth + 1};
    return true;
  }

  std::uint32_t partition(const Range& range, const Box& centres) {
    const std::uint32_t halfway = range.begin + (range.end - range.begin) / 2;
    const Lanes size = centres.high - centres.low;
    Lanes scale;
    for (int axis = 0; axis < 3; ++axis)
      scale[axis] = size[axis] > 1e-30f ? bin_count * 0.9999f / size[axis] : 0.0f;
    scale[3] = 0.0f;
    if (range.depth < depth_of_median_splits) {
      const Split best = best_split(range, centres.low, scale);
      if (best.axis >= 0) {
        const float low = centres.low[best.axis], s = scale[best.axis];
        const auto middle = std::partition(
            items_.begin() + range.begin, items_.begin() + range.end, [&](const Item& item) {
              return static_cast<int>((centre_of(item.box)[best.axis] - low) * s) < best.bin;
            });
        const auto index = static_cast<std::uint32_t>(middle - items_.begin());
        if (index != range.begin && index != range.end) return index;
      }
    }
    int axis = 0;
    if (size[1] > size[axis]) axis = 1;
    if (size[2] > size[axis]) axis = 2;
    std::nth_element(items_.begin() + range.begin, items_.begin() + halfway,
                     items_.begin() + range.end, [axis](const Item& a, const Item& b) {
                       const float ca = centre_of(a.box)[axis], cb = centre_of(b.box)[axis];
                       return ca != cb ? ca < cb : a.id < b.id;
                     });
    return halfway;
  }

  Split best_split(const Range& range, Lanes low, Lanes scale) const {
    Box boxes[3][bin_count];
    std::uint32_t counts[3][bin_count] = {};
    for (std::uint32_t i = range.begin; i < range.end; ++i) {
      const Lanes position = (centre_of(items_[i].box) - low) * scale;
      for (int axis = 0; axis < 3; ++axis) {
        const int bin = static_cast<int>(position[axis]);
        boxes[axis][bin].grow(items_[i].box);
        ++counts[axis][bin];
      }
    }
    Split best;
    for (int axis = 0; axis < 3; ++axis)
      if (scale[axis] > 0.0f) sweep(boxes[axis], counts[axis], axis, best);
    return best;
  }

  // Cost of a side: area x number of full leaves, as leaves are intersected in packets.
  float cost_of(const Box& box, std::uint32_t count) const {
    return box.half_area() * static_cast<float>((count + leaf_count_max_ - 1) / leaf_count_max_);
  }

  void sweep(const Box* boxes, const std::uint32_t* counts, int axis, Split& best) const {
    float right_costs[bin_count];
    Box right;
    std::uint32_t right_count = 0;
    for (int bin = bin_count - 1; bin > 0; --bin) {
      right.grow(boxes[bin]);
      right_count += counts[bin];
      right_costs[bin] = right_count > 0 ? cost_of(right, right_count) : 3e38f;
    }
    Box left;
    std::uint32_t left_count = 0;
    for (int bin = 1; bin < bin_count; ++bin) {
      left.grow(boxes[bin - 1]);
      left_count += counts[bin - 1];
      if (left_count == 0) continue;
      const float cost = cost_of(left, left_count) + right_costs[bin];
      if (cost < best.cost) best = {axis, bin, cost};
    }
  }

  std::vector<Item>& items_;
  std::vector<Bvh2Node>& nodes_;
  const unsigned leaf_count_max_;
  std::atomic<std::uint32_t> next_node_{1};
};

}  // namespace

BinaryTree build_binary_tree(std::vector<BuildBox>& boxes, unsigned leaf_count_max,
                             unsigned threads) {
  BinaryTree tree;
  if (boxes.empty()) return tree;
  std::vector<Item> items(boxes.size());
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const BuildBox& b = boxes[i];
    items[i].box.low = Lanes{b.low[0], b.low[1], b.low[2], 0.0f};
    items[i].box.high = Lanes{b.high[0], b.high[1], b.high[2], 0.0f};
    items[i].id = b.id;
  }
  tree.nodes.resize(2 * boxes.size());
  Builder(items, tree.nodes, leaf_count_max).build(threads);
  tree.order.resize(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) tree.order[i] = items[i].id;
  return tree;
}

}  // namespace framebus::render
