// See crc32c.h.
#include "broker/store/journal/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace framebus::broker::journal {
namespace {

constexpr std::uint32_t polynomial = 0x82f63b78;  // reflected

using Table = std::array<std::array<std::uint32_t, 256>, 8>;

// table[k][b]: the CRC of byte b followed by k zero bytes.
constexpr Table make_table() {
  Table table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? polynomial : 0);
    table[0][byte] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t shorter = table[k - 1][byte];
      table[k][byte] = (shorter >> 8) ^ table[0][shorter & 0xff];
    }
  }
  return table;
}

constexpr Table table = make_table();

std::uint64_t load_64(const std::uint8_t* at) {
  std::uint64_t value = 0;
  for (int i = 7; i >= 0; --i) value = value << 8 | at[i];
  return value;
}

}  // namespace

std::uint32_t crc32c_by_table(BytesView bytes, std::uint32_t before) {
  std::uint32_t crc = ~before;
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    const std::uint64_t word = load_64(at) ^ crc;
    crc = 0;
    for (std::size_t i = 0; i < 8; ++i) crc ^= table[7 - i][(word >> (8 * i)) & 0xff];
  }
  for (; left > 0; ++at, --left) crc = (crc >> 8) ^ table[0][(crc ^ *at) & 0xff];
  return ~crc;
}

#if defined(__x86_64__)

bool has_crc32c_instruction() {
  return __builtin_cpu_supports("sse4.2") != 0;
}

__attribute__((target("sse4.2"))) std::uint32_t crc32c_by_instruction(BytesView bytes,
                                                                      std::uint32_t before) {
  std::uint64_t crc = ~before;
  const std::uint8_t* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    crc = _mm_crc32_u64(crc, word);
  }
  auto narrow = static_cast<std::uint32_t>(crc);
  for (; left > 0; ++at, --left) narrow = _mm_crc32_u8(narrow, *at);
  return ~narrow;
}

#else

bool has_crc32c_instruction() {
  return false;
}

std::uint32_t crc32c_by_instruction(BytesView bytes, std::uint32_t before) {
  return crc32c_by_table(bytes, before);
}

#endif

std::uint32_t crc32c(BytesView bytes, std::uint32_t before) {
  static const bool by_instruction = has_crc32c_instruction();
  return by_instruction ? crc32c_by_instruction(bytes, before) : crc32c_by_table(bytes, before);
}

}  // namespace framebus::broker::journal
