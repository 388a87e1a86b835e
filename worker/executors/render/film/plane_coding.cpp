// Difference, zig-zag, byte planes; and back.
#include "worker/executors/render/film/plane_coding.h"

#include <type_traits>

namespace framebus::render {

namespace {

template <class Unsigned>
Unsigned zigzag(Unsigned difference) {
  const Unsigned sign = static_cast<Unsigned>(0) - (difference >> (sizeof(Unsigned) * 8 - 1));
  return static_cast<Unsigned>(difference << 1) ^ sign;
}

template <class Unsigned>
Unsigned unzigzag(Unsigned code) {
  return (code >> 1) ^ (static_cast<Unsigned>(0) - (code & 1));
}

template <class T>
void encode(std::span<const T> plane, std::uint8_t* out) {
  using Unsigned = std::make_unsigned_t<T>;
  Unsigned previous = 0;
  for (std::size_t i = 0; i < plane.size(); ++i) {
    const Unsigned value = static_cast<Unsigned>(plane[i]);
    const Unsigned code = zigzag<Unsigned>(value - previous);
    previous = value;
    for (std::size_t byte = 0; byte < sizeof(T); ++byte)
      out[byte * plane.size() + i] = static_cast<std::uint8_t>(code >> (8 * byte));
  }
}

template <class T>
void decode(const std::uint8_t* in, std::span<T> plane) {
  using Unsigned = std::make_unsigned_t<T>;
  Unsigned previous = 0;
  for (std::size_t i = 0; i < plane.size(); ++i) {
    Unsigned code = 0;
    for (std::size_t byte = 0; byte < sizeof(T); ++byte)
      code |= static_cast<Unsigned>(in[byte * plane.size() + i]) << (8 * byte);
    previous += unzigzag<Unsigned>(code);
    plane[i] = static_cast<T>(previous);
  }
}

}  // namespace

void encode_plane(std::span<const std::int64_t> plane, std::uint8_t* out) {
  encode(plane, out);
}
void encode_plane(std::span<const std::uint32_t> plane, std::uint8_t* out) {
  encode(plane, out);
}
void decode_plane(const std::uint8_t* in, std::span<std::int64_t> plane) {
  decode(in, plane);
}
void decode_plane(const std::uint8_t* in, std::span<std::uint32_t> plane) {
  decode(in, plane);
}

}  // namespace framebus::render
