// Statistics for the tests: chi-square, and means with their standard errors. Seeds are fixed, so
// results are too.
#pragma once

#include <cstdint>
#include <vector>

#include "worker/executors/render/core/hash.h"

namespace framebus::render::testing {

// Uniform numbers for tests, four at a time.
class Random {
 public:
  explicit Random(std::uint32_t seed) : seed_(seed) {}
  float unit() {
    if (left_ == 0) {
      bits_ = philox({{counter_++, 0, 0, 0}}, seed_, 77);
      left_ = 4;
    }
    return unit_float(bits_.v[--left_]);
  }
  float between(float low, float high) { return low + (high - low) * unit(); }
  std::uint32_t below(std::uint32_t n) {
    return static_cast<std::uint32_t>(unit() * static_cast<float>(n)) % n;
  }

 private:
  std::uint32_t seed_, counter_ = 0;
  int left_ = 0;
  Bits4 bits_{};
};

// Probability that chance alone gives a chi-square at least as large. Bins expecting fewer than 8
// are pooled.
double chi_square_p(const std::vector<double>& observed, const std::vector<double>& expected);

struct Mean {
  double value = 0, standard_error = 0;
};
Mean mean_of_values(const std::vector<double>& values);

}  // namespace framebus::render::testing
