// sin, cos, exp, log, pow, atan2 and acos of our own: the same bits on every machine.
//
// libm differs from machine to machine and from the device's library, so the core calls none of it.
// Accuracy against the correctly rounded result: at most 2 ulp for sine and cosine (|x| up to 1e5),
// exp, log and pow; at most 4 ulp for atan2, asin and acos. Coefficients: own Chebyshev fits.
// tests/render/tracer/elementary_test.cpp measures all of it.
#pragma once

#include "worker/executors/render/core/exact.h"

FB_CORE_BEGIN

// Sine and cosine of x in [-pi/4, pi/4].
FB_FN float sin_kernel(float x) {
  const float z = x * x;
  const float p =
      -0.166666672f + z * (0.00833333191f + z * (-0.00019840087f + z * 2.72499256e-06f));
  return x + x * (z * p);
}
FB_FN float cos_kernel(float x) {
  const float z = x * x;
  const float p =
      0.0416666679f + z * (-0.00138888881f + z * (2.48005999e-05f + z * -2.7300959e-07f));
  return 1.0f - (0.5f * z - z * z * p);
}

struct SinCos {
  float sin, cos;
};

FB_FN SinCos sincos_of_quadrant(float r, std::int32_t quadrant) {
  const float s = sin_kernel(r), c = cos_kernel(r);
  switch (quadrant & 3) {
    case 0:
      return {s, c};
    case 1:
      return {c, -s};
    case 2:
      return {-s, -c};
    default:
      return {-c, s};
  }
}

// Of 2 pi u. The reduction is exact.
FB_FN SinCos sincos_turns(float u) {
  const std::int32_t quarter = floor_to_int(4.0f * u + 0.5f);
  const float r = u - 0.25f * static_cast<float>(quarter);
  return sincos_of_quadrant(r * 6.28318530717959f, quarter);
}

// Radians, |x| up to 1e5; beyond 1e9 and for NaN the result is that of 0.
FB_FN SinCos sincos_radians(float x) {
  const double wide = fb_abs(x) <= 1e9f ? static_cast<double>(x) : 0.0;
  const double turns = wide * 0.63661977236758134308;
  const std::int64_t quadrant = static_cast<std::int64_t>(turns + (turns < 0.0 ? -0.5 : 0.5));
  const double q = static_cast<double>(quadrant);
  const double r = (wide - q * 1.57079632673412561417) - q * 6.07710050650619224932e-11;
  return sincos_of_quadrant(static_cast<float>(r), static_cast<std::int32_t>(quadrant & 3));
}
FB_FN float fb_sin(float x) {
  return sincos_radians(x).sin;
}
FB_FN float fb_cos(float x) {
  return sincos_radians(x).cos;
}

// Natural logarithm in double, relative error below 1e-12, of a positive finite normal double.
FB_FN double log_wide(double x) {
  std::uint64_t bits = bits_of(x);
  std::int32_t exponent = static_cast<std::int32_t>(bits >> 52) - 1023;
  double m = double_of((bits & 0x000FFFFFFFFFFFFFull) | 0x3FF0000000000000ull);
  if (m > 1.41421356237309504880) {
    m *= 0.5;
    ++exponent;
  }
  const double s = (m - 1.0) / (m + 1.0), z = s * s;
  double p = 1.0 / 17.0;
  p = 1.0 / 15.0 + z * p;
  p = 1.0 / 13.0 + z * p;
  p = 1.0 / 11.0 + z * p;
  p = 1.0 / 9.0 + z * p;
  p = 1.0 / 7.0 + z * p;
  p = 1.0 / 5.0 + z * p;
  p = 1.0 / 3.0 + z * p;
  return static_cast<double>(exponent) * 0.69314718055994530942 + (2.0 * s + 2.0 * s * z * p);
}

// e^x in double, relative error below 1e-12; clamped to what a float can hold, and a little more.
FB_FN double exp_wide(double x) {
  const double bounded = x > -200.0 ? (x < 200.0 ? x : 200.0) : -200.0;
  const double n_wide = bounded * 1.44269504088896340736;
  const std::int32_t n = static_cast<std::int32_t>(n_wide + (n_wide < 0.0 ? -0.5 : 0.5));
  const double r = bounded - static_cast<double>(n) * 0.69314718055994530942;
  double p = 1.0;
  for (int k = 12; k >= 1; --k) p = 1.0 + p * r * (1.0 / static_cast<double>(k));
  return p * double_of(static_cast<std::uint64_t>(n + 1023) << 52);
}

// -inf at 0, NaN below.
FB_FN float fb_log(float x) {
  if (!(x > 0.0f)) return x == 0.0f ? float_of(0xFF800000u) : float_of(0x7FC00000u);
  if (!is_finite(x)) return x;
  return static_cast<float>(log_wide(static_cast<double>(x)));
}
FB_FN float fb_exp(float x) {
  if (is_nan(x)) return x;
  return static_cast<float>(exp_wide(static_cast<double>(x)));
}
// x^y for x >= 0; NaN for a negative x. 0^y is 0 for y > 0, 1 for y = 0.
FB_FN float fb_pow(float x, float y) {
  if (y == 0.0f || x == 1.0f) return 1.0f;
  if (!(x > 0.0f)) {
    if (x == 0.0f) return y > 0.0f ? 0.0f : float_of(0x7F800000u);
    return float_of(0x7FC00000u);
  }
  if (!is_finite(x)) return y > 0.0f ? x : 0.0f;
  return static_cast<float>(exp_wide(static_cast<double>(y) * log_wide(static_cast<double>(x))));
}

// Arc tangent of a in [0, 1].
FB_FN float atan_unit(float a) {
  const bool is_upper = a > 0.414213562f;
  const float x = is_upper ? (a - 1.0f) / (a + 1.0f) : a;
  const float z = x * x;
  const float p =
      -0.333333313f +
      z * (0.199995235f + z * (-0.142633662f + z * (0.107373968f + z * -0.0643103868f)));
  const float r = x + x * (z * p);
  return is_upper ? 0.785398163f + r : r;
}

// Angle of (x, y) in [-pi, pi]; 0 for (0, 0) and NaN.
FB_FN float fb_atan2(float y, float x) {
  const float ax = fb_abs(x), ay = fb_abs(y);
  const float high = ax > ay ? ax : ay, low = ax > ay ? ay : ax;
  if (!(high > 0.0f)) return 0.0f;
  const float ratio = is_finite(high) ? low / high : (is_finite(low) ? 0.0f : 1.0f);
  float angle = atan_unit(ratio);
  if (ay > ax) angle = 1.57079637f - angle;
  if ((bits_of(x) >> 31) != 0) angle = 3.14159274f - angle;
  return (bits_of(y) >> 31) != 0 ? -angle : angle;
}

// Arc sine of x in [0, 1/2].
FB_FN float asin_kernel(float x) {
  const float z = x * x;
  const float p =
      0.166666731f +
      z * (0.0749885291f + z * (0.0450018942f + z * (0.0265506636f + z * 0.0380939618f)));
  return x + x * (z * p);
}
// Arguments outside [-1, 1] are clamped; NaN gives acos(-1).
FB_FN float fb_acos(float x) {
  const float c = fb_clamp(x, -1.0f, 1.0f);
  const float a = fb_abs(c);
  if (a <= 0.5f) {
    const float s = asin_kernel(a);
    return c < 0.0f ? 1.57079637f + s : 1.57079637f - s;
  }
  const float half = 2.0f * asin_kernel(fb_sqrt((1.0f - a) * 0.5f));
  return c < 0.0f ? 3.14159274f - half : half;
}

FB_CORE_END
