#include "libmsg/base/siphash.h"

#include <bit>

namespace framebus {
namespace {

std::uint64_t load_u64(const std::uint8_t* bytes) {
  std::uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | bytes[i];
  return value;
}

void store_u64(std::uint64_t value, std::uint8_t* bytes) {
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

}  // namespace

SipHasher::SipHasher(const SipKey& key) {
  const std::uint64_t k0 = load_u64(key.data());
  const std::uint64_t k1 = load_u64(key.data() + 8);
  v0_ = k0 ^ 0x736f6d6570736575ULL;
  v1_ = k1 ^ 0x646f72616e646f6dULL ^ 0xee;  // 0xee and 0xdd below: the 128-bit variant
  v2_ = k0 ^ 0x6c7967656e657261ULL;
  v3_ = k1 ^ 0x7465646279746573ULL;
}

void SipHasher::rounds(int count) {
  for (int i = 0; i < count; ++i) {
    v0_ += v1_;
    v1_ = std::rotl(v1_, 13) ^ v0_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v3_;
    v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ += v3_;
    v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ += v1_;
    v1_ = std::rotl(v1_, 17) ^ v2_;
    v2_ = std::rotl(v2_, 32);
  }
}

void SipHasher::word(std::uint64_t value) {
  v3_ ^= value;
  rounds(2);
  v0_ ^= value;
}

void SipHasher::add(BytesView bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (byte_count_ % 8 == 0 && bytes.size() - at >= 8) {
      word(load_u64(bytes.data() + at));
      byte_count_ += 8;
      at += 8;
      continue;
    }
    tail_ |= std::uint64_t{bytes[at++]} << (8 * (byte_count_ % 8));
    if (++byte_count_ % 8 == 0) {
      word(tail_);
      tail_ = 0;
    }
  }
}

void SipHasher::add_u64(std::uint64_t value) {
  std::uint8_t bytes[8];
  store_u64(value, bytes);
  add(BytesView(bytes, 8));
}

SipHash SipHasher::finish() {
  word(tail_ | byte_count_ << 56);
  SipHash hash;
  v2_ ^= 0xee;
  rounds(4);
  store_u64(v0_ ^ v1_ ^ v2_ ^ v3_, hash.data());
  v1_ ^= 0xdd;
  rounds(4);
  store_u64(v0_ ^ v1_ ^ v2_ ^ v3_, hash.data() + 8);
  return hash;
}

SipHash siphash128(const SipKey& key, BytesView bytes) {
  SipHasher hasher(key);
  hasher.add(bytes);
  return hasher.finish();
}

}  // namespace framebus
