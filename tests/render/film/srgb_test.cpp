// The sRGB curve against libm, and its own inverse.
#include "worker/executors/render/film/srgb.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

namespace framebus::render {
namespace {

TEST_CASE("srgb: the curve agrees with libm to 1e-12") {
  for (int i = 0; i <= 1000; ++i) {
    const double x = i / 1000.0;
    const double expected = x <= 0.04045 ? x / 12.92 : std::pow((x + 0.055) / 1.055, 2.4);
    CHECK(linear_of_srgb(x) == doctest::Approx(expected).epsilon(1e-12));
  }
  CHECK(linear_of_srgb(-1) == 0);
  CHECK(linear_of_srgb(2) == 1);
}

TEST_CASE("srgb: each code decodes to a value that encodes to the same code") {
  for (int code = 0; code < 256; ++code)
    CHECK(srgb8_of_linear(static_cast<double>(linear_of_srgb8()[static_cast<std::size_t>(code)])) ==
          code);
  CHECK(srgb8_of_linear(std::nan("")) == 0);
  CHECK(srgb8_of_linear(-3) == 0);
  CHECK(srgb8_of_linear(std::numeric_limits<double>::infinity()) == 255);
}

TEST_CASE("exp2: within 1e-7 of libm") {
  for (int i = -500; i <= 500; ++i) {
    const double x = i / 37.0;
    CHECK(exact_exp2(x) == doctest::Approx(std::exp2(x)).epsilon(1e-7));
  }
  CHECK(exact_exp2(3) == 8);
  CHECK(exact_exp2(0) == 1);
}

}  // namespace
}  // namespace framebus::render
