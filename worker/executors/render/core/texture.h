// Texture lookup in our own arithmetic: hardware filters round as they like.
//
// Wrapping, bilinear interpolation between texel centres, sRGB decoding by table. Rows run from the
// top.
#pragma once

#include "worker/executors/render/core/path_state.h"
#include "worker/executors/render/core/vector.h"

FB_CORE_BEGIN

// Texel index of any integer coordinate, in [0, size).
FB_FN std::uint32_t wrap_texel(std::int32_t i, std::uint32_t size, Wrap wrap) {
  const std::int32_t n = static_cast<std::int32_t>(size);
  if (wrap == Wrap::clamp) return static_cast<std::uint32_t>(i < 0 ? 0 : (i >= n ? n - 1 : i));
  if (wrap == Wrap::mirror) {
    std::int32_t j = i % (2 * n);
    if (j < 0) j += 2 * n;
    return static_cast<std::uint32_t>(j < n ? j : 2 * n - 1 - j);
  }
  const std::int32_t j = i % n;
  return static_cast<std::uint32_t>(j < 0 ? j + n : j);
}

FB_FN Float4 texel_at(const RenderParams& p, const Texture& texture, std::uint32_t x,
                      std::uint32_t y) {
  const std::uint64_t index = std::uint64_t{y} * texture.width + x;
  const std::uint8_t* bytes = p.scene.texels + texture.first_byte;
  if (texture.format == TexelFormat::rgba32f) {
    const Float4* wide = reinterpret_cast<const Float4*>(bytes);
    return wide[index];
  }
  const std::uint8_t* t = bytes + 4 * index;
  const float scale = 1.0f / 255.0f;
  const float alpha = static_cast<float>(t[3]) * scale;
  if (texture.format == TexelFormat::rgba8_srgb) {
    const float* table = p.tables->srgb_to_linear;
    return {table[t[0]], table[t[1]], table[t[2]], alpha};
  }
  return {static_cast<float>(t[0]) * scale, static_cast<float>(t[1]) * scale,
          static_cast<float>(t[2]) * scale, alpha};
}

FB_FN Float4 mix_texels(Float4 a, Float4 b, float t) {
  const float s = 1.0f - t;
  return {a.x * s + b.x * t, a.y * s + b.y * t, a.z * s + b.z * t, a.w * s + b.w * t};
}

// Coordinates are first brought near [0, 2), so that texel numbers fit an int.
FB_FN float bounded_coordinate(float u, Wrap wrap) {
  if (wrap == Wrap::repeat) return fraction_of(u);
  if (wrap == Wrap::mirror) return 2.0f * fraction_of(0.5f * u);
  return fb_clamp(u, -1.0f, 2.0f);
}

FB_FN Float4 sample_texture(const RenderParams& p, const Texture& texture, Float2 uv) {
  const float u = bounded_coordinate(uv.x, texture.wrap_u),
              v = bounded_coordinate(uv.y, texture.wrap_v);
  const float x = u * static_cast<float>(texture.width), y = v * static_cast<float>(texture.height);
  if (texture.nearest != 0)
    return texel_at(p, texture, wrap_texel(floor_to_int(x), texture.width, texture.wrap_u),
                    wrap_texel(floor_to_int(y), texture.height, texture.wrap_v));
  const std::int32_t ix = floor_to_int(x - 0.5f), iy = floor_to_int(y - 0.5f);
  const float tx = (x - 0.5f) - static_cast<float>(ix), ty = (y - 0.5f) - static_cast<float>(iy);
  const std::uint32_t x0 = wrap_texel(ix, texture.width, texture.wrap_u);
  const std::uint32_t x1 = wrap_texel(ix + 1, texture.width, texture.wrap_u);
  const std::uint32_t y0 = wrap_texel(iy, texture.height, texture.wrap_v);
  const std::uint32_t y1 = wrap_texel(iy + 1, texture.height, texture.wrap_v);
  const Float4 above = mix_texels(texel_at(p, texture, x0, y0), texel_at(p, texture, x1, y0), tx);
  const Float4 below = mix_texels(texel_at(p, texture, x0, y1), texel_at(p, texture, x1, y1), tx);
  return mix_texels(above, below, ty);
}

// The texture of a material's slot at the mesh's two uv sets; (1, 1, 1, 1) when there is none.
FB_FN Float4 sample_slot(const RenderParams& p, const TextureSlot& slot, Float2 uv0, Float2 uv1) {
  if (slot.texture >= p.scene.texture_count) return {1.0f, 1.0f, 1.0f, 1.0f};
  const Texture& texture = p.scene.textures[slot.texture];
  if (texture.width == 0 || texture.height == 0) return {1.0f, 1.0f, 1.0f, 1.0f};
  const Float2 uv = slot.uv_set == 1 ? uv1 : uv0;
  return sample_texture(
      p, texture,
      {slot.m00 * uv.x + slot.m01 * uv.y + slot.m02, slot.m10 * uv.x + slot.m11 * uv.y + slot.m12});
}

FB_CORE_END
