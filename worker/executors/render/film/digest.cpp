// Digest over libsodium's streaming BLAKE2b.
#include "worker/executors/render/film/digest.h"

#include <sodium.h>

#include <array>
#include <new>

#include "libmsg/base/check.h"

namespace framebus::render {

namespace {

crypto_generichash_state* state_of(unsigned char* storage) {
  return std::launder(reinterpret_cast<crypto_generichash_state*>(storage));
}

}  // namespace

Digest::Digest() {
  static_assert(sizeof(crypto_generichash_state) <= sizeof(state_));
  auto* state = new (state_) crypto_generichash_state;
  FRAMEBUS_CHECK(crypto_generichash_init(state, nullptr, 0, 32) == 0,
                 "BLAKE2b has no failing inputs");
}

void Digest::add(BytesView bytes) {
  crypto_generichash_update(state_of(state_), bytes.data(), bytes.size());
}

void Digest::add(std::string_view text) {
  add_u64(text.size());
  add(bytes_of(text));
}

void Digest::add_u32(std::uint32_t value) {
  std::array<std::uint8_t, 4> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
  add(BytesView(bytes));
}

void Digest::add_u64(std::uint64_t value) {
  std::array<std::uint8_t, 8> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
  add(BytesView(bytes));
}

BlobHash Digest::finish() {
  BlobHash hash;
  crypto_generichash_final(state_of(state_), hash.bytes.data(), hash.bytes.size());
  return hash;
}

}  // namespace framebus::render
