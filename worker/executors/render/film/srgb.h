// The sRGB curve (IEC 61966-2-1) and powers of two, in double precision with +, *, / and sqrt only.
//
// libm's pow differs between machines in the last bit; compiled scenes and PNG files must not.
// Everything here gives the same bits everywhere. Not for device code: the tracer has its own in
// core/.
#pragma once

#include <array>
#include <cstdint>

namespace framebus::render {

// Encoded value 0..1 to linear; outside it is clamped.
double linear_of_srgb(double encoded);
// Linear value to the nearest 8-bit code; below 0 and NaN give 0, above 1 gives 255.
std::uint8_t srgb8_of_linear(double linear);
// The linear values of the 256 codes.
const std::array<float, 256>& linear_of_srgb8();
// 2^x for |x| <= 126, relative error below 1e-7; x is clamped to that range.
double exact_exp2(double x);

}  // namespace framebus::render
