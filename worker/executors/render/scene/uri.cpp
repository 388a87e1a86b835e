// Percent-decoding, base64, and the rule which names may be opened.
#include "worker/executors/render/scene/uri.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace framebus::render {

namespace {

constexpr std::size_t name_bytes_max = 4096;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0)
      return fail(Code::invalid_argument, "a % that is not followed by two hex digits");
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

std::array<std::int8_t, 256> make_base64_values() {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  std::int8_t next = 0;
  for (char c = 'A'; c <= 'Z'; ++c) values[static_cast<std::uint8_t>(c)] = next++;
  for (char c = 'a'; c <= 'z'; ++c) values[static_cast<std::uint8_t>(c)] = next++;
  for (char c = '0'; c <= '9'; ++c) values[static_cast<std::uint8_t>(c)] = next++;
  values['+'] = next++;
  values['/'] = next;
  return values;
}

Result<Bytes> base64_decode(std::string_view text) {
  static const std::array<std::int8_t, 256> values = make_base64_values();
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  Bytes out;
  out.reserve(text.size() / 4 * 3 + 3);
  std::uint32_t bits = 0;
  int bit_count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int value = values[static_cast<std::uint8_t>(text[i])];
    if (value < 0)
      return fail(Code::invalid_argument,
                  "character " + std::to_string(i) + " of its data is not base64");
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    bit_count += 6;
    if (bit_count < 8) continue;
    bit_count -= 8;
    out.push_back(static_cast<std::uint8_t>(bits >> bit_count));
  }
  if (bit_count >= 6) return fail(Code::invalid_argument, "its base64 data ends within a byte");
  return out;
}

std::string quoted(std::string_view uri) {
  std::string out = "\"";
  out.append(uri.substr(0, 80));
  out.push_back('"');
  return out;
}

// True when a path element is "..".
bool climbs(std::string_view name) {
  std::size_t begin = 0;
  while (begin <= name.size()) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    if (name.substr(begin, end - begin) == "..") return true;
    begin = end + 1;
  }
  return false;
}

bool has_scheme(std::string_view uri) {
  const std::size_t colon = uri.find(':');
  return colon != std::string_view::npos &&
         uri.substr(0, colon).find_first_of("/%") == std::string_view::npos;
}

}  // namespace

bool is_data_uri(std::string_view uri) {
  return uri.starts_with("data:");
}

Result<Bytes> decode_data_uri(std::string_view uri) {
  const std::size_t comma = uri.find(',');
  if (comma == std::string_view::npos || !uri.substr(0, comma).ends_with(";base64"))
    return fail(Code::invalid_argument, "a data: URI without \";base64,\"");
  return base64_decode(uri.substr(comma + 1));
}

Result<std::string> file_name_of_uri(std::string_view uri) {
  if (uri.empty()) return fail(Code::invalid_argument, "an empty URI");
  if (uri.size() > name_bytes_max)
    return fail(Code::invalid_argument, "a URI of " + std::to_string(uri.size()) +
                                            " bytes; at most " + std::to_string(name_bytes_max) +
                                            " are allowed");
  if (has_scheme(uri))
    return fail(Code::invalid_argument,
                quoted(uri) + "; allowed are data: URIs and relative file names");
  FRAMEBUS_ASSIGN(std::string name, percent_decode(uri));
  const bool has_control = std::any_of(name.begin(), name.end(),
                                       [](char c) { return static_cast<unsigned char>(c) < 32; });
  if (has_control || climbs(name) || name.front() == '/' || name.find('\\') != std::string::npos)
    return fail(
        Code::invalid_argument,
        quoted(uri) + "; allowed are relative names without \"..\", \"\\\" or control characters");
  while (name.starts_with("./")) name.erase(0, 2);
  if (name.empty()) return fail(Code::invalid_argument, "an empty URI");
  return name;
}

}  // namespace framebus::render
