// Bytes for tests: different for every size, the same in every run.
#pragma once

#include <cstdint>

#include "libmsg/base/bytes.h"

namespace framebus::test {

inline Bytes sample_bytes(std::size_t size) {
  Bytes bytes(size);
  std::uint64_t state = 0x9e3779b97f4a7c15ull ^ size;
  for (std::uint8_t& byte : bytes) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    byte = static_cast<std::uint8_t>(state);
  }
  return bytes;
}

}  // namespace framebus::test
