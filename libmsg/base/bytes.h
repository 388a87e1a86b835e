// Byte strings: owned and viewed. One spelling for the whole project.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace framebus {

using Bytes = std::vector<std::uint8_t>;
using BytesView = std::span<const std::uint8_t>;

// The bytes of a text, without a copy. The view lives as long as the text.
inline BytesView bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// A text view over bytes, without a copy and without any check of its encoding.
inline std::string_view text_of(BytesView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace framebus
