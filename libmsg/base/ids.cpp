#include "libmsg/base/ids.h"

namespace framebus {
namespace {

int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

}  // namespace

std::string to_hex(const std::uint8_t* bytes, std::size_t byte_count) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text(byte_count * 2, '0');
  for (std::size_t i = 0; i < byte_count; ++i) {
    text[2 * i] = digits[bytes[i] >> 4];
    text[2 * i + 1] = digits[bytes[i] & 15];
  }
  return text;
}

Result<void> from_hex(std::string_view text, std::uint8_t* bytes, std::size_t byte_count) {
  if (text.size() != byte_count * 2) {
    return fail(Code::invalid_argument, "expected " + std::to_string(byte_count * 2) +
                                            " hex digits, found " + std::to_string(text.size()) +
                                            " characters");
  }
  for (std::size_t i = 0; i < byte_count; ++i) {
    const int high = hex_value(text[2 * i]);
    const int low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) {
      return fail(Code::invalid_argument, "not a hex digit at character " + std::to_string(2 * i));
    }
    bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return {};
}

}  // namespace framebus
