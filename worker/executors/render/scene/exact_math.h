// Sine, cosine, tangent and arc cosine in double precision, the same bits on every machine.
//
// libm's differ between versions and processors in the last bit, and compiled scenes must not. Only
// +, -, *, /, sqrt and floor are used. Errors stay below 1e-14 for angles below 1e6 radians.
#pragma once

namespace framebus::render {

inline constexpr double pi = 3.14159265358979323846;

struct SinCos {
  double sin, cos;
};

SinCos sin_cos(double radians);
double exact_tan(double radians);
// 0..pi; the argument is clamped to -1..1.
double exact_acos(double cosine);
inline constexpr double radians_of_degrees(double degrees) {
  return degrees * (pi / 180.0);
}

}  // namespace framebus::render
