// Traversal of wide trees, one ray at a time, on the vector registers of `Isa`.
//
// Isa says which children a ray enters and which triangles of a block it may hit; that may err only
// towards too many. What is hit is decided by core/triangle.h, so every Isa finds the same hits.
// Included only by the kernels, each within its own namespace.
#pragma once

#include "worker/executors/render/core/bvh2.h"
#include "worker/executors/render/cpu/wide_bvh.h"

FB_CORE_BEGIN

inline constexpr int wide_stack_size = 8 * 84;  // depth of the binary tree is at most 80

struct StackEntry {
  ChildRef ref;
  float t_enter;
};

// Puts the entered children on the stack, the nearest on top.
template <int Width>
inline void push_children(const WideNode<Width>& node, unsigned mask, const float* t_enter,
                          StackEntry* stack, int& depth) {
  const int first = depth;
  while (mask != 0) {
    const int i = __builtin_ctz(mask);
    mask &= mask - 1;
    const StackEntry entry = {node.child[i], t_enter[i]};
    int at = depth++;
    while (at > first && stack[at - 1].t_enter < entry.t_enter) {
      stack[at] = stack[at - 1];
      --at;
    }
    stack[at] = entry;
  }
}

// Walks a tree; visit(first, count) for each entered leaf, true to stop. visit may lower t_max.
// `blocks`: where leaves point to, only to be fetched early.
template <class Isa, class Visit>
inline bool walk(const void* nodes_untyped, const TriangleBlock* blocks, ChildRef root,
                 const typename Isa::Slabs& slabs, const float& t_max, Visit&& visit) {
  const auto* nodes = static_cast<const WideNode<Isa::width>*>(nodes_untyped);
  const auto prefetch = [&](ChildRef child) {
    const std::uintptr_t leaf =
        reinterpret_cast<std::uintptr_t>(blocks) + leaf_first(child) * sizeof *blocks;
    const std::uintptr_t inner = reinterpret_cast<std::uintptr_t>(nodes) + child * sizeof *nodes;
    const char* at = reinterpret_cast<const char*>((child & leaf_bit) != 0 ? leaf : inner);
    __builtin_prefetch(at);
    __builtin_prefetch(at + 64);
    __builtin_prefetch(at + 128);
    __builtin_prefetch(at + 192);
  };
  StackEntry stack[wide_stack_size];
  alignas(32) float t_enter[Isa::width];
  int depth = 0;
  ChildRef ref = root;
  for (;;) {
    while ((ref & leaf_bit) == 0) {
      const WideNode<Isa::width>& node = nodes[ref];
      unsigned mask = Isa::enter(node, slabs, t_max, t_enter);
      if (mask == 0) {
        ref = leaf_empty;
        break;
      }
      const int i = __builtin_ctz(mask);
      mask &= mask - 1;
      if (mask == 0) {
        ref = node.child[i];
        continue;
      }
      const int j = __builtin_ctz(mask);
      prefetch(node.child[i]);
      prefetch(node.child[j]);
      if ((mask & (mask - 1)) == 0) {
        const bool is_i_nearer = t_enter[i] <= t_enter[j];
        stack[depth++] = is_i_nearer ? StackEntry{node.child[j], t_enter[j]}
                                     : StackEntry{node.child[i], t_enter[i]};
        ref = is_i_nearer ? node.child[i] : node.child[j];
        continue;
      }
      push_children(node, mask | (1u << i), t_enter, stack, depth);
      ref = stack[--depth].ref;
    }
    const std::uint32_t count = leaf_count(ref);
    if (count != 0 && visit(leaf_first(ref), count)) return true;
    do {
      if (depth == 0) return false;
      --depth;
    } while (stack[depth].t_enter > t_max);
    ref = stack[depth].ref;
  }
}

// One instance. AnyHit: stops at the first hit.
// Kept out of line: the ray then lives in registers while the tree is walked.
template <class Isa, bool AnyHit>
__attribute__((noinline)) bool trace_instance(const RenderParams& p, const WideMesh& mesh,
                                              std::uint32_t instance_index, const Ray& ray,
                                              Hit& best) {
  const Instance& instance = p.frame.instances[instance_index];
  const RaySetup s = setup_ray(transform_point(instance.to_object, ray.origin),
                               transform_vector(instance.to_object, ray.direction), mesh.extent);
  if (!s.is_valid) return false;
  const auto slabs = Isa::make_slabs(s, s.pad * tree_pad_factor);
  const auto shears = Isa::make_shears(s);
  const TriangleBlock* blocks = mesh.blocks;
  return walk<Isa>(
      mesh.nodes, blocks, mesh.root, slabs, best.t, [&](std::uint32_t first, std::uint32_t count) {
        for (std::uint32_t b = first; b < first + count; ++b) {
          const TriangleBlock& block = blocks[b];
          unsigned mask = Isa::may_hit(block, shears, best.t);
          while (mask != 0) {
            const int lane = __builtin_ctz(mask);
            mask &= mask - 1;
            const float v0[3] = {block.v[0][0][lane], block.v[0][1][lane], block.v[0][2][lane]};
            const float v1[3] = {block.v[1][0][lane], block.v[1][1][lane], block.v[1][2][lane]};
            const float v2[3] = {block.v[2][0][lane], block.v[2][1][lane], block.v[2][2][lane]};
            const std::uint32_t primitive = block.primitive[lane];
            TriangleHit hit;
            if (!hit_triangle(s, v0, v1, v2, hit) || hit.t > ray.t_max) continue;
            if (!comes_before(hit.t, instance_index, primitive, best)) continue;
            if (instance_index == ray.skip_instance && primitive == ray.skip_primitive) continue;
            if (mesh.has_alpha != 0 &&
                !is_opaque_to(p, ray.key, instance_index, primitive, hit.u, hit.v))
              continue;
            best = {hit.t, hit.u, hit.v, instance_index, primitive};
            if (AnyHit) return true;
          }
        }
        return false;
      });
}

template <class Isa, bool AnyHit>
inline Hit trace_wide(const RenderParams& p, const WideScene& scene, const Ray& ray) {
  Hit best = {ray.t_max, 0.0f, 0.0f, no_index, no_index};
  if (scene.top_root == leaf_empty) return best;
  const RaySetup s = setup_ray(ray.origin, ray.direction, scene.top_extent);
  if (!s.is_valid) return best;
  const auto slabs = Isa::make_slabs(s, s.pad * scene.top_pad_factor);
  walk<Isa>(scene.top_nodes, nullptr, scene.top_root, slabs, best.t,
            [&](std::uint32_t first, std::uint32_t count) {
              for (std::uint32_t i = first; i < first + count; ++i) {
                const std::uint32_t instance = scene.order[i];
                const WideMesh& mesh = scene.meshes[p.frame.instances[instance].mesh];
                if (trace_instance<Isa, AnyHit>(p, mesh, instance, ray, best)) return true;
              }
              return false;
            });
  return best;
}

FB_CORE_END
