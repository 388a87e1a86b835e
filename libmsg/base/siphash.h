// SipHash-2-4 with 128 bits of output (Aumasson and Bernstein 2012; the 128-bit variant of their
// reference code). Used for the MAC of tokens and for digests of submits, at both ends. Pure; any
// thread.
#pragma once

#include <array>
#include <cstdint>

#include "libmsg/base/bytes.h"

namespace framebus {

using SipKey = std::array<std::uint8_t, 16>;
using SipHash = std::array<std::uint8_t, 16>;

// Takes its input in pieces; the pieces' boundaries do not matter.
class SipHasher {
 public:
  explicit SipHasher(const SipKey& key);
  void add(BytesView bytes);
  void add_u64(std::uint64_t value);  // 8 bytes, little-endian
  SipHash finish();                   // once

 private:
  void word(std::uint64_t value);
  void rounds(int count);

  std::uint64_t v0_, v1_, v2_, v3_;
  std::uint64_t tail_ = 0;
  std::uint64_t byte_count_ = 0;
};

SipHash siphash128(const SipKey& key, BytesView bytes);

}  // namespace framebus
