#include "client/output/text.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace framebus::client {
namespace {

constexpr char32_t invalid = 0xFFFFFFFF;

// Decodes one code point and moves `at` past it; `invalid` (and one byte on) when it is malformed.
char32_t next(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte(at);
  if (first < 0x80) return ++at, first;
  const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  static constexpr char32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (first < 0xC2 || first > 0xF4 || at + length > text.size()) return ++at, invalid;
  char32_t code = first & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return ++at, invalid;
    code = code << 6 | (byte(at + i) & 0x3Fu);
  }
  if (code < smallest[length] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
    return ++at, invalid;
  at += length;
  return code;
}

bool is_hidden(char32_t c) {
  return (c >= 0x80 && c <= 0x9F) || c == 0xAD || (c >= 0x200B && c <= 0x200F) ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
         (c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE0FFF);
}

struct Range {
  char32_t first, last;
};
// Combining marks of the scripts in common use; the rest of Unicode's are rare in names.
constexpr Range zero_width[] = {
    {0x300, 0x36F},   {0x483, 0x489},   {0x591, 0x5BD},    {0x610, 0x61A},   {0x64B, 0x65F},
    {0x6D6, 0x6DC},   {0x93C, 0x93C},   {0x941, 0x948},    {0xE31, 0xE31},   {0xE34, 0xE3A},
    {0xE47, 0xE4E},   {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF},  {0x20D0, 0x20FF}, {0x3099, 0x309A},
    {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0x1F3FB, 0x1F3FF}};
constexpr Range double_width[] = {
    {0x1100, 0x115F},   {0x231A, 0x231B},  {0x23E9, 0x23EC}, {0x2614, 0x2615},   {0x2648, 0x2653},
    {0x26A1, 0x26A1},   {0x2705, 0x2705},  {0x274C, 0x274C}, {0x2E80, 0x303E},   {0x3041, 0x33FF},
    {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},  {0xA000, 0xA4CF}, {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},
    {0xFE30, 0xFE4F},   {0xFF00, 0xFF60},  {0xFFE0, 0xFFE6}, {0x1F300, 0x1F64F}, {0x1F680, 0x1F6FF},
    {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};

template <std::size_t N>
bool is_in(const Range (&ranges)[N], char32_t c) {
  const auto after =
      std::upper_bound(std::begin(ranges), std::end(ranges), c,
                       [](char32_t value, const Range& range) { return value < range.first; });
  return after != std::begin(ranges) && c <= std::prev(after)->last;
}

std::size_t width_of(char32_t c) {
  return is_in(zero_width, c) ? 0 : is_in(double_width, c) ? 2 : 1;
}

// Moves past an escape sequence that begins at text[at] == ESC: CSI ... final, OSC ... BEL or ST,
// or two bytes.
void skip_escape(std::string_view text, std::size_t& at) {
  if (++at >= text.size()) return;
  const char kind = text[at++];
  if (kind == '[') {
    while (at < text.size() && text[at] >= 0x20 && text[at] <= 0x3F) ++at;
    if (at < text.size() && text[at] >= 0x40 && text[at] <= 0x7E) ++at;
  } else if (kind == ']' || kind == 'P' || kind == '_' || kind == '^' || kind == 'X') {
    const std::size_t bell = text.find('\a', at), end = text.find("\x1b\\", at);
    if (bell == end) return;  // neither: what follows is ordinary text
    at = std::min(bell, end) + (bell < end ? 1 : 2);
  } else if (static_cast<unsigned char>(kind) >= 0x80) {
    --at;  // not a sequence after all
  }
}

std::string safe(std::string_view text, bool keep_lines) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '\x1b') {
      skip_escape(text, at);
      continue;
    }
    const std::size_t begin = at;
    const char32_t c = next(text, at);
    if (c == invalid) {
      out += "\xEF\xBF\xBD";
    } else if (c == '\n' && keep_lines) {
      out += '\n';
    } else if (c == '\n' || c == '\t') {
      out += ' ';
    } else if (c >= 0x20 && c != 0x7F && !is_hidden(c)) {
      out.append(text.substr(begin, at - begin));
    }
  }
  return out;
}

}  // namespace

std::string one_line(std::string_view text) {
  return safe(text, false);
}
std::string many_lines(std::string_view text) {
  return safe(text, true);
}

std::size_t column_count(std::string_view text) {
  std::size_t columns = 0;
  for (std::size_t at = 0; at < text.size();) columns += width_of(next(text, at));
  return columns;
}

std::string clipped(std::string_view text, std::size_t columns) {
  if (column_count(text) <= columns) return std::string(text);
  if (columns == 0) return {};
  std::size_t used = 0, at = 0, end = 0;
  while (at < text.size()) {
    const std::size_t width = width_of(next(text, at));
    if (used + width > columns - 1) break;
    used += width;
    end = at;
  }
  return std::string(text.substr(0, end)) + "…";
}

std::string left(std::string_view text, std::size_t columns) {
  const std::size_t used = column_count(text);
  return std::string(text) + std::string(columns > used ? columns - used : 0, ' ');
}

std::string right(std::string_view text, std::size_t columns) {
  const std::size_t used = column_count(text);
  return std::string(columns > used ? columns - used : 0, ' ') + std::string(text);
}

bool is_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();)
    if (next(text, at) == invalid) return false;
  return true;
}

}  // namespace framebus::client
