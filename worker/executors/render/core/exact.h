// Arithmetic that gives the same bits on every machine: the only float primitives the core uses.
//
// Plain + - * / are IEEE everywhere (the build forbids contraction, flush-to-zero and
// approximations), so they need no wrapper. Here is what differs between machines otherwise:
// minimum and maximum of NaN and -0, fused multiply-add, square root, and conversions to integers.
// No libm function is called.
#pragma once

#include <cstdint>

#include "worker/executors/render/core/fb_hd.h"

FB_CORE_BEGIN

inline constexpr float pi = 3.14159265358979f;
inline constexpr float inv_pi = 0.318309886183791f;
inline constexpr float float_max = 3.402823466e38f;
inline constexpr float unit_roundoff = 5.9604644775390625e-8f;  // 2^-24

// The second operand wins when one is NaN, and among zeros: what minss/maxss do.
FB_FN float fb_min(float a, float b) {
  return a < b ? a : b;
}
FB_FN float fb_max(float a, float b) {
  return a > b ? a : b;
}
// NaN gives `low`.
FB_FN float fb_clamp(float x, float low, float high) {
  return x > low ? (x < high ? x : high) : low;
}

FB_FN std::uint32_t bits_of(float x) {
#if defined(__CUDA_ARCH__)
  return __float_as_uint(x);
#else
  return __builtin_bit_cast(std::uint32_t, x);
#endif
}
FB_FN float float_of(std::uint32_t bits) {
#if defined(__CUDA_ARCH__)
  return __uint_as_float(bits);
#else
  return __builtin_bit_cast(float, bits);
#endif
}
FB_FN std::uint64_t bits_of(double x) {
#if defined(__CUDA_ARCH__)
  return static_cast<std::uint64_t>(__double_as_longlong(x));
#else
  return __builtin_bit_cast(std::uint64_t, x);
#endif
}
FB_FN double double_of(std::uint64_t bits) {
#if defined(__CUDA_ARCH__)
  return __longlong_as_double(static_cast<long long>(bits));
#else
  return __builtin_bit_cast(double, bits);
#endif
}

FB_FN float fb_abs(float x) {
  return float_of(bits_of(x) & 0x7FFFFFFFu);
}
FB_FN bool is_nan(float x) {
  return (bits_of(x) & 0x7FFFFFFFu) > 0x7F800000u;
}
FB_FN bool is_finite(float x) {
  return (bits_of(x) & 0x7F800000u) != 0x7F800000u;
}

// Correctly rounded; NaN below zero.
FB_FN float fb_sqrt(float x) {
#if defined(__CUDA_ARCH__)
  return __fsqrt_rn(x);
#else
  return __builtin_sqrtf(x);  // one instruction: the build says that errno is not wanted
#endif
}

// a * b + c rounded once, for machines without the instruction: the product is exact in double; the
// sum is rounded to odd, so that rounding it again to float can not round twice (Boldo and
// Melquiond, 2008).
FB_FN float fma_in_software(float a, float b, float c) {
  const double product = static_cast<double>(a) * static_cast<double>(b);
  const double addend = static_cast<double>(c);
  const double sum = product + addend;
  const double of_addend = sum - product;
  const double rest = (product - (sum - of_addend)) + (addend - of_addend);
  std::uint64_t bits = bits_of(sum);
  if (rest != 0.0 && rest - rest == 0.0 && (bits & 1u) == 0) {
    const bool toward_zero = (rest > 0.0) != (sum > 0.0);
    bits = toward_zero ? bits - 1 : bits + 1;
  }
  return static_cast<float>(double_of(bits));
}

FB_FN float fb_fma(float a, float b, float c) {
#if defined(__CUDA_ARCH__)
  return __fmaf_rn(a, b, c);
#elif defined(__FMA__) || defined(__aarch64__)
  return __builtin_fmaf(a, b, c);
#else
  return fma_in_software(a, b, c);
#endif
}

// Largest integer not above x, clamped to +-2^30; NaN gives 0.
FB_FN std::int32_t floor_to_int(float x) {
  if (is_nan(x)) return 0;
  const float bounded = fb_clamp(x, -1073741824.0f, 1073741824.0f);
  const std::int32_t truncated = static_cast<std::int32_t>(bounded);
  return truncated - (static_cast<float>(truncated) > bounded ? 1 : 0);
}

// x - floor(x) in [0, 1); 0 for what has no fraction or is not finite.
FB_FN float fraction_of(float x) {
  if (!(fb_abs(x) < 8388608.0f)) return 0.0f;
  const float f = x - static_cast<float>(floor_to_int(x));
  return f < 1.0f ? f : 0.0f;
}

// x * 2^scale_bits to the nearest integer, halves away from zero. |x| * 2^scale_bits must be below
// 2^62.
FB_FN std::int64_t fixed_of(float x, int scale_bits) {
  const std::uint32_t bits = bits_of(x);
  const int exponent = static_cast<int>((bits >> 23) & 0xFFu);
  if (exponent == 0) return 0;  // below 2^-126
  const std::int64_t mantissa = static_cast<std::int64_t>((bits & 0x7FFFFFu) | 0x800000u);
  const int shift = exponent - 150 + scale_bits;
  std::int64_t magnitude = 0;
  if (shift >= 0) {
    magnitude = mantissa << shift;
  } else if (shift >= -24) {
    magnitude = (mantissa + (std::int64_t{1} << (-shift - 1))) >> -shift;
  }
  return (bits >> 31) != 0 ? -magnitude : magnitude;
}

// Uniform in [0, 1) from the upper 24 bits.
FB_FN float unit_float(std::uint32_t bits) {
  return static_cast<float>(bits >> 8) * 5.9604644775390625e-8f;
}

FB_CORE_END
