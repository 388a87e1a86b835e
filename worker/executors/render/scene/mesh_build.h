// One primitive's vertices and triangles while it is being read, and the tangents that are made for
// it.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/executors/render/core/scene_view.h"

namespace framebus::render {

// Attribute arrays have the length of `positions` or none.
struct MeshBuild {
  std::vector<Float3> positions, normals;
  std::vector<Float4> tangents, colors;
  std::vector<Float2> uv0, uv1;
  std::vector<Triangle> triangles;
};

// Tangents along the direction in which u grows, averaged over the triangles around a vertex by
// area and made orthogonal to the normal. A vertex where mirrored and unmirrored texture meets is
// doubled, so that each copy has one bitangent sign. Deterministic: sums run in triangle order.
// Cost: linear.
void generate_tangents(MeshBuild& mesh, const std::vector<Float2>& uv);

// Replaces normals without length by that of a triangle at the vertex.
void repair_normals(MeshBuild& mesh);

}  // namespace framebus::render
