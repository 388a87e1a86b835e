#include "bench/rays/embree_peer.h"

#if defined(FRAMEBUS_HAVE_EMBREE)

#include <embree3/rtcore.h>
#include <xmmintrin.h>

#include <chrono>
#include <limits>
#include <string>

#include "worker/executors/render/core/vector.h"

namespace framebus::bench {
namespace {

using namespace render;

class Embree3 final : public EmbreePeer {
 public:
  Embree3(const RenderParams& p, unsigned threads) {
    device_ = rtcNewDevice(("threads=" + std::to_string(threads)).c_str());
    scene_ = rtcNewScene(device_);
    rtcSetSceneBuildQuality(scene_, RTC_BUILD_QUALITY_MEDIUM);
    const auto start = std::chrono::steady_clock::now();
    for (std::uint32_t i = 0; i < p.frame.instance_count; ++i) attach(p, p.frame.instances[i]);
    rtcCommitScene(scene_);
    build_seconds_ =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  ~Embree3() override {
    rtcReleaseScene(scene_);
    rtcReleaseDevice(device_);
  }
  Embree3(const Embree3&) = delete;
  Embree3& operator=(const Embree3&) = delete;

  void intersect(const Ray* rays, float* t, std::size_t count) const override {
    const unsigned saved = recommended_mode();
    RTCIntersectContext context;
    rtcInitIntersectContext(&context);
    for (std::size_t i = 0; i < count; ++i) {
      RTCRayHit query;
      fill(rays[i], query.ray);
      query.hit.geomID = RTC_INVALID_GEOMETRY_ID;
      query.hit.instID[0] = RTC_INVALID_GEOMETRY_ID;
      rtcIntersect1(scene_, &context, &query);
      t[i] = query.hit.geomID == RTC_INVALID_GEOMETRY_ID ? -1.0f : query.ray.tfar;
    }
    _mm_setcsr(saved);
  }

  void occlude(const Ray* rays, std::uint8_t* is_hit, std::size_t count) const override {
    const unsigned saved = recommended_mode();
    RTCIntersectContext context;
    rtcInitIntersectContext(&context);
    for (std::size_t i = 0; i < count; ++i) {
      RTCRay ray;
      fill(rays[i], ray);
      rtcOccluded1(scene_, &context, &ray);
      is_hit[i] = ray.tfar < 0.0f ? 1 : 0;
    }
    _mm_setcsr(saved);
  }

  double build_seconds() const override { return build_seconds_; }

 private:
  // Flush-to-zero and denormals-are-zero, as Embree's manual recommends for speed.
  static unsigned recommended_mode() {
    const unsigned saved = _mm_getcsr();
    _mm_setcsr(saved | 0x8040u);
    return saved;
  }

  static void fill(const Ray& from, RTCRay& to) {
    to.org_x = from.origin.x, to.org_y = from.origin.y, to.org_z = from.origin.z;
    to.dir_x = from.direction.x, to.dir_y = from.direction.y, to.dir_z = from.direction.z;
    to.tnear = 0.0f;
    to.tfar = from.t_max < float_max ? from.t_max : std::numeric_limits<float>::infinity();
    to.time = 0.0f;
    to.mask = 0xFFFFFFFFu;
    to.id = 0;
    to.flags = 0;
  }

  void attach(const RenderParams& p, const Instance& instance) {
    const Mesh& mesh = p.scene.meshes[instance.mesh];
    RTCGeometry geometry = rtcNewGeometry(device_, RTC_GEOMETRY_TYPE_TRIANGLE);
    auto* vertices = static_cast<float*>(rtcSetNewGeometryBuffer(
        geometry, RTC_BUFFER_TYPE_VERTEX, 0, RTC_FORMAT_FLOAT3, 12, mesh.vertex_count));
    for (std::uint32_t i = 0; i < mesh.vertex_count; ++i) {
      const Float3 v = transform_point(instance.to_world, p.scene.positions[mesh.first_vertex + i]);
      vertices[3 * i] = v.x, vertices[3 * i + 1] = v.y, vertices[3 * i + 2] = v.z;
    }
    auto* indices = static_cast<std::uint32_t*>(rtcSetNewGeometryBuffer(
        geometry, RTC_BUFFER_TYPE_INDEX, 0, RTC_FORMAT_UINT3, 12, mesh.triangle_count));
    for (std::uint32_t i = 0; i < mesh.triangle_count; ++i) {
      const Triangle& t = p.scene.triangles[mesh.first_triangle + i];
      indices[3 * i] = t.v0, indices[3 * i + 1] = t.v1, indices[3 * i + 2] = t.v2;
    }
    rtcCommitGeometry(geometry);
    rtcAttachGeometry(scene_, geometry);
    rtcReleaseGeometry(geometry);
  }

  RTCDevice device_ = nullptr;
  RTCScene scene_ = nullptr;
  double build_seconds_ = 0;
};

}  // namespace

std::unique_ptr<EmbreePeer> EmbreePeer::make(const RenderParams& p, unsigned threads) {
  return std::make_unique<Embree3>(p, threads);
}

}  // namespace framebus::bench

#else

namespace framebus::bench {
std::unique_ptr<EmbreePeer> EmbreePeer::make(const render::RenderParams&, unsigned) {
  return nullptr;
}
}  // namespace framebus::bench

#endif
