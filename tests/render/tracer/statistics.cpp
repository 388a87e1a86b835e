#include "tests/render/tracer/statistics.h"

#include <cmath>

namespace framebus::render::testing {

double chi_square_p(const std::vector<double>& observed, const std::vector<double>& expected) {
  double statistic = 0, pooled_observed = 0, pooled_expected = 0;
  int bins = 0;
  const auto add = [&](double o, double e) {
    statistic += (o - e) * (o - e) / e;
    ++bins;
  };
  for (std::size_t i = 0; i < observed.size(); ++i) {
    if (expected[i] >= 8) {
      add(observed[i], expected[i]);
    } else {
      pooled_observed += observed[i];
      pooled_expected += expected[i];
    }
  }
  if (pooled_expected >= 8) {
    add(pooled_observed, pooled_expected);
  } else if (pooled_observed > pooled_expected + 12 * std::sqrt(pooled_expected + 1)) {
    return 0;  // samples where there should be none
  }
  // Wilson and Hilferty's normal approximation.
  const double k = bins - 1;
  const double z = (std::cbrt(statistic / k) - (1 - 2 / (9 * k))) / std::sqrt(2 / (9 * k));
  return 0.5 * std::erfc(z / std::sqrt(2.0));
}

Mean mean_of_values(const std::vector<double>& values) {
  const double n = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (double v : values) sum += v;
  for (double v : values) squares += (v - sum / n) * (v - sum / n);
  return {sum / n, std::sqrt(squares / (n - 1) / n)};
}

}  // namespace framebus::render::testing
