// The float primitives against exact arithmetic and double libm.
#include "worker/executors/render/core/elementary.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "tests/render/tracer/statistics.h"

using namespace framebus::render;
using namespace framebus::render::testing;

namespace {

// Distance of x from the true value in units of the true value's last place.
double ulps(float x, double truth) {
  if (std::isnan(truth)) return std::isnan(x) ? 0 : 1e9;
  if (std::isinf(truth) || std::abs(truth) > 3.4028235677973366e38) return std::isinf(x) ? 0 : 1e9;
  int exponent = 0;
  std::frexp(truth, &exponent);
  const double place = std::ldexp(1.0, std::max(exponent - 24, -149));
  return std::abs(static_cast<double>(x) - truth) / place;
}

float random_float(Random& random) {
  // Any bit pattern: all exponents, zeros, infinities and NaNs among them.
  const std::uint32_t high = random.below(65536), low = random.below(65536);
  return float_of((high << 16) | low);
}

}  // namespace

TEST_CASE("software fma equals the correctly rounded one") {
  Random random(1);
  std::uint64_t differing = 0;
  for (int i = 0; i < 2000000; ++i) {
    float a = random_float(random), b = random_float(random), c = random_float(random);
    if (i % 2 == 0) {  // cancellation and halfway cases
      a = random.between(1, 2), b = random.between(1, 2);
      c = -a * b * (1 + static_cast<float>(random.below(5)) * 1.1920929e-7f);
    }
    if (i % 7 == 0) c = std::ldexp(c, -static_cast<int>(random.below(60)));
    const float mine = fma_in_software(a, b, c), truth = std::fma(a, b, c);
    if (std::isnan(truth) ? !std::isnan(mine) : bits_of(mine) != bits_of(truth)) ++differing;
  }
  CHECK(differing == 0);
}

TEST_CASE("minimum, maximum and clamp treat NaN by rule") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(fb_min(nan, 1) == 1);
  CHECK(std::isnan(fb_min(1, nan)));
  CHECK(fb_max(nan, 1) == 1);
  CHECK(fb_clamp(nan, 2, 3) == 2);
  CHECK(fb_clamp(5, 2, 3) == 3);
  CHECK(bits_of(fb_max(-0.0f, 0.0f)) == bits_of(0.0f));
}

TEST_CASE("floor and fraction hold for every kind of number") {
  CHECK(floor_to_int(2.5f) == 2);
  CHECK(floor_to_int(-2.5f) == -3);
  CHECK(floor_to_int(-0.0f) == 0);
  CHECK(floor_to_int(std::numeric_limits<float>::quiet_NaN()) == 0);
  CHECK(floor_to_int(std::numeric_limits<float>::infinity()) == 1073741824);
  CHECK(fraction_of(-0.25f) == 0.75f);
  CHECK(fraction_of(1e30f) == 0.0f);
  CHECK(fraction_of(-1e-12f) < 1.0f);
}

TEST_CASE("fixed point is the nearest integer, halves away from zero") {
  Random random(2);
  for (int i = 0; i < 1000000; ++i) {
    const float x = std::ldexp(random.between(-1, 1), static_cast<int>(random.below(60)) - 43);
    const double scaled = static_cast<double>(x) * 1073741824.0;
    CHECK_EQ(fixed_of(x, 30), static_cast<std::int64_t>(std::round(scaled)));
    if (fixed_of(x, 30) != static_cast<std::int64_t>(std::round(scaled))) break;
  }
  CHECK(fixed_of(131072.0f, 30) == (std::int64_t{1} << 47));
  CHECK(fixed_of(-131072.0f, 30) == -(std::int64_t{1} << 47));
  CHECK(fixed_of(1e-40f, 30) == 0);
}

TEST_CASE("sine, cosine and turns are within 2 ulp of double precision, or exact near zeros") {
  Random random(3);
  double worst = 0, worst_turns = 0;
  for (int i = 0; i < 1000000; ++i) {
    const float x = random.between(-1, 1) * (i % 2 == 0 ? 7.0f : 1e5f);
    worst = std::max({worst, ulps(fb_sin(x), std::sin(static_cast<double>(x))),
                      ulps(fb_cos(x), std::cos(static_cast<double>(x)))});
    const float u = random.between(-1, 1);
    const SinCos t = sincos_turns(u);
    worst_turns = std::max({worst_turns, ulps(t.sin, std::sin(2 * M_PI * static_cast<double>(u))),
                            ulps(t.cos, std::cos(2 * M_PI * static_cast<double>(u)))});
  }
  MESSAGE("worst " << worst << " ulp, turns " << worst_turns << " ulp");
  CHECK(worst <= 2.0);
  CHECK(worst_turns <= 4.0);
}

TEST_CASE("exp, log and pow are within 1 ulp of double precision") {
  Random random(4);
  double worst_exp = 0, worst_log = 0, worst_pow = 0;
  for (int i = 0; i < 1000000; ++i) {
    const float x = random.between(-104, 89);
    worst_exp = std::max(worst_exp, ulps(fb_exp(x), std::exp(static_cast<double>(x))));
    const float y = std::ldexp(random.between(0.5f, 1), static_cast<int>(random.below(250)) - 125);
    worst_log = std::max(worst_log, ulps(fb_log(y), std::log(static_cast<double>(y))));
    const float b = random.between(0, 4), e = random.between(-10, 10);
    worst_pow = std::max(
        worst_pow, ulps(fb_pow(b, e), std::pow(static_cast<double>(b), static_cast<double>(e))));
  }
  MESSAGE("worst: exp " << worst_exp << ", log " << worst_log << ", pow " << worst_pow << " ulp");
  CHECK(worst_exp <= 1.0);
  CHECK(worst_log <= 1.0);
  CHECK(worst_pow <= 1.0);
  CHECK(fb_log(0.0f) == -std::numeric_limits<float>::infinity());
  CHECK(std::isnan(fb_log(-1.0f)));
  CHECK(fb_pow(0.0f, 2.0f) == 0.0f);
  CHECK(fb_pow(3.0f, 0.0f) == 1.0f);
  CHECK(fb_exp(1000.0f) == std::numeric_limits<float>::infinity());
}

TEST_CASE("atan2 and acos are within 4 ulp of double precision") {
  Random random(5);
  double worst_atan = 0, worst_acos = 0;
  for (int i = 0; i < 1000000; ++i) {
    const float x = random.between(-1, 1), y = random.between(-1, 1);
    worst_atan =
        std::max(worst_atan,
                 ulps(fb_atan2(y, x), std::atan2(static_cast<double>(y), static_cast<double>(x))));
    worst_acos = std::max(worst_acos, ulps(fb_acos(x), std::acos(static_cast<double>(x))));
  }
  MESSAGE("worst: atan2 " << worst_atan << ", acos " << worst_acos << " ulp");
  CHECK(worst_atan <= 4.0);
  CHECK(worst_acos <= 4.0);
  CHECK(fb_acos(1.5f) == 0.0f);
  CHECK(fb_atan2(0.0f, 0.0f) == 0.0f);
  CHECK(fb_atan2(0.0f, -1.0f) == doctest::Approx(M_PI));
}
