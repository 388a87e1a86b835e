// Closest hit and occlusion over binary trees: the device's traversal, and the plainest one on the
// host.
//
// Two levels: a tree over instances, and for each mesh one over its triangles. Boxes are padded for
// each ray (triangle.h says why), and a child is dropped only when it surely begins behind the best
// hit.
#pragma once

#include "worker/executors/render/core/surface.h"
#include "worker/executors/render/core/triangle.h"

namespace framebus::render {

// 32 bytes. count == 0: inner, children `first` and `first + 1`. Else `count` entries from `first`
// of the order array: triangles of the mesh, or instances.
struct Bvh2Node {
  float low[3];
  std::uint32_t first;
  float high[3];
  std::uint32_t count;
};

// Offsets into Bvh2Scene's arrays. node_count == 0: nothing to hit.
struct Bvh2Mesh {
  std::uint32_t first_node, node_count, first_order;
  float extent;  // largest absolute coordinate
};

struct Bvh2Scene {
  const Bvh2Node* nodes;
  const std::uint32_t* order;
  const Bvh2Mesh* meshes;
  const Bvh2Node* top_nodes;  // over instances
  std::uint32_t top_node_count;
  const std::uint32_t* top_order;
  float top_extent;  // includes the slack for the instances' rounding
  float top_slack;   // >= 1: how much transforms amplify rounding errors
};

}  // namespace framebus::render

FB_CORE_BEGIN

// A tree's pads exceed a triangle's own by this factor.
inline constexpr float tree_pad_factor = 2.0f;

FB_FN bool enter_box(const RaySetup& s, float pad, const Bvh2Node& node, float t_max,
                     float& t_enter) {
  float enter = 0.0f, leave = t_max;
  for (int axis = 0; axis < 3; ++axis) {
    const bool is_negative = s.inverse[axis] < 0.0f;
    const float near_gap = is_negative ? (node.high[axis] - s.origin[axis]) + pad
                                       : (node.low[axis] - s.origin[axis]) - pad;
    const float far_gap = is_negative ? (node.low[axis] - s.origin[axis]) - pad
                                      : (node.high[axis] - s.origin[axis]) + pad;
    enter = fb_max(near_gap * s.inverse[axis] * (1.0f - 16.0f * unit_roundoff), enter);
    leave = fb_min(far_gap * s.inverse[axis] * (1.0f + 16.0f * unit_roundoff), leave);
  }
  t_enter = enter;
  return enter <= leave;
}

inline constexpr int bvh2_stack_size = 96;

// Calls visit(entry) for every leaf entry that may matter, nearer boxes first; visit may lower
// t_max.
template <class Visit>
FB_FN void walk_bvh2(const Bvh2Node* nodes, const std::uint32_t* order, const RaySetup& s,
                     float pad, float& t_max, Visit&& visit) {
  struct Entry {
    std::uint32_t node;
    float t_enter;
  };
  Entry stack[bvh2_stack_size];
  int depth = 0;
  float t_root;
  if (!enter_box(s, pad, nodes[0], t_max, t_root)) return;
  stack[depth++] = {0, t_root};
  while (depth > 0) {
    const Entry top = stack[--depth];
    if (top.t_enter > t_max) continue;
    const Bvh2Node& node = nodes[top.node];
    if (node.count != 0) {
      for (std::uint32_t i = 0; i < node.count; ++i) visit(order[node.first + i]);
      continue;
    }
    float t0, t1;
    const bool enters_0 = enter_box(s, pad, nodes[node.first], t_max, t0);
    const bool enters_1 = enter_box(s, pad, nodes[node.first + 1], t_max, t1);
    const bool is_0_first = t0 <= t1;
    if (enters_0 && enters_1) {
      stack[depth++] = is_0_first ? Entry{node.first + 1, t1} : Entry{node.first, t0};
      stack[depth++] = is_0_first ? Entry{node.first, t0} : Entry{node.first + 1, t1};
    } else if (enters_0 || enters_1) {
      stack[depth++] = enters_0 ? Entry{node.first, t0} : Entry{node.first + 1, t1};
    }
  }
}

// One triangle of an instance against the best hit so far.
FB_FN void try_triangle(const RenderParams& p, const Ray& ray, const RaySetup& s,
                        std::uint32_t instance, const Mesh& mesh, std::uint32_t primitive,
                        Hit& best) {
  const Triangle& t = p.scene.triangles[mesh.first_triangle + primitive];
  const Float3* positions = p.scene.positions + mesh.first_vertex;
  const Float3 a = positions[t.v0], b = positions[t.v1], c = positions[t.v2];
  const float v0[3] = {a.x, a.y, a.z}, v1[3] = {b.x, b.y, b.z}, v2[3] = {c.x, c.y, c.z};
  TriangleHit hit;
  if (!hit_triangle(s, v0, v1, v2, hit)) return;
  if (hit.t > ray.t_max || !comes_before(hit.t, instance, primitive, best)) return;
  if (instance == ray.skip_instance && primitive == ray.skip_primitive) return;
  if (!is_opaque_to(p, ray.key, instance, primitive, hit.u, hit.v)) return;
  best = {hit.t, hit.u, hit.v, instance, primitive};
}

// The best hit with t <= ray.t_max; instance no_index when there is none.
FB_FN Hit trace_bvh2(const RenderParams& p, const Bvh2Scene& bvh, const Ray& ray) {
  Hit best = {ray.t_max, 0.0f, 0.0f, no_index, no_index};
  if (bvh.top_node_count == 0) return best;
  const RaySetup world = setup_ray(ray.origin, ray.direction, bvh.top_extent);
  if (!world.is_valid) return best;
  walk_bvh2(bvh.top_nodes, bvh.top_order, world, world.pad * bvh.top_slack, best.t,
            [&](std::uint32_t i) {
              const Instance& instance = p.frame.instances[i];
              const Bvh2Mesh& tree = bvh.meshes[instance.mesh];
              const Mesh& mesh = p.scene.meshes[instance.mesh];
              const RaySetup local =
                  setup_ray(transform_point(instance.to_object, ray.origin),
                            transform_vector(instance.to_object, ray.direction), tree.extent);
              if (!local.is_valid || tree.node_count == 0) return;
              walk_bvh2(bvh.nodes + tree.first_node, bvh.order + tree.first_order, local,
                        local.pad * tree_pad_factor, best.t, [&](std::uint32_t primitive) {
                          try_triangle(p, ray, local, i, mesh, primitive, best);
                        });
            });
  return best;
}

// Whether anything lies at t <= ray.t_max. It looks for the nearest hit, which is all the device
// needs for now.
FB_FN bool is_occluded_bvh2(const RenderParams& p, const Bvh2Scene& bvh, const Ray& ray) {
  return trace_bvh2(p, bvh, ray).instance != no_index;
}

FB_CORE_END
