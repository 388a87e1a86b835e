#include "libmsg/codec/reader.h"

#include <cstring>

namespace framebus::codec {
namespace {

const char* type_name(std::uint8_t byte) {
  if (byte < 0x80 || byte >= 0xe0) return "an integer";
  if (byte < 0x90) return "a map";
  if (byte < 0xa0) return "an array";
  if (byte < 0xc0) return "a text";
  switch (byte) {
    case 0xc0:
      return "nil";
    case 0xc2:
    case 0xc3:
      return "a boolean";
    case 0xc4:
    case 0xc5:
    case 0xc6:
      return "a byte string";
    case 0xca:
    case 0xcb:
      return "a float";
    case 0xd9:
    case 0xda:
    case 0xdb:
      return "a text";
    case 0xdc:
    case 0xdd:
      return "an array";
    case 0xde:
    case 0xdf:
      return "a map";
    default:
      break;
  }
  if (byte >= 0xcc && byte <= 0xd3) return "an integer";
  return byte == 0xc1 ? "the reserved byte 0xc1" : "an extension";
}

bool is_continuation(unsigned char byte) {
  return (byte & 0xc0) == 0x80;
}

// Length of the well-formed sequence at the front of `text`, or 0.
std::size_t sequence_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return text.size() >= 2 && is_continuation(at(1)) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if (text.size() < 3 || !is_continuation(at(1)) || !is_continuation(at(2))) return 0;
    if (first == 0xe0 && at(1) < 0xa0) return 0;   // overlong
    if (first == 0xed && at(1) >= 0xa0) return 0;  // surrogate
    return 3;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if (text.size() < 4 || !is_continuation(at(1)) || !is_continuation(at(2)) ||
        !is_continuation(at(3)))
      return 0;
    if (first == 0xf0 && at(1) < 0x90) return 0;   // overlong
    if (first == 0xf4 && at(1) >= 0x90) return 0;  // beyond U+10FFFF
    return 4;
  }
  return 0;
}

bool is_ascii(const std::uint8_t* data, std::size_t size) {
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    std::uint64_t word;
    std::memcpy(&word, data + i, 8);
    if (word & 0x8080808080808080u) return false;
  }
  for (; i < size; ++i) {
    if (data[i] & 0x80) return false;
  }
  return true;
}

}  // namespace

void repair_utf8(std::string& text) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t length = sequence_length(rest);
    if (length == 0) break;
    rest.remove_prefix(length);
  }
  if (rest.empty()) return;
  std::string repaired(text, 0, text.size() - rest.size());
  while (!rest.empty()) {
    const std::size_t length = sequence_length(rest);
    if (length == 0) {
      repaired += "\xef\xbf\xbd";
      rest.remove_prefix(1);
    } else {
      repaired += rest.substr(0, length);
      rest.remove_prefix(length);
    }
  }
  text = std::move(repaired);
}

bool Reader::refuse(std::string what) {
  if (what_.empty()) {
    what_ = std::move(what);
    failed_at_ = offset();
  }
  return false;
}

bool Reader::refuse_type(const char* wanted) {
  if (cursor_ == end_)
    return refuse(std::string("expected ") + wanted + ", found the end of the bytes");
  return refuse(std::string("expected ") + wanted + ", found " + type_name(*cursor_));
}

void Reader::add_path(std::string_view name) {
  const bool joins = path_.empty() || path_.front() == '[';
  std::string front(name);
  if (!joins) front += '.';
  path_.insert(0, front);
}

void Reader::add_path(std::size_t index) {
  std::string front(1, '[');
  front += std::to_string(index);
  add_path(front += ']');
}

std::string Reader::error() const {
  return (path_.empty() ? "" : path_ + ": ") + what_ + " (offset " + std::to_string(failed_at_) +
         ")";
}

bool Reader::charge(std::size_t bytes) {
  if (bytes > memory_left_) {
    return refuse("the decoded message would take more than " +
                  std::to_string(limits::decoded_bytes_max) +
                  " bytes of memory; send shorter lists");
  }
  memory_left_ -= bytes;
  return true;
}

bool Reader::take(std::size_t byte_count, std::uint64_t& big_endian) {
  if (left() < byte_count) return refuse("a value is cut short by the end of the bytes");
  big_endian = 0;
  for (std::size_t i = 0; i < byte_count; ++i) big_endian = big_endian << 8 | *cursor_++;
  return true;
}

bool Reader::read_uint_long(std::uint64_t& value, std::uint64_t max) {
  if (cursor_ == end_) return refuse_type("an unsigned integer");
  const std::uint8_t code = *cursor_;
  std::uint64_t raw = code;
  if (code >= 0xcc && code <= 0xd3) {
    const std::size_t byte_count = std::size_t{1} << ((code - 0xcc) & 3);
    ++cursor_;
    if (!take(byte_count, raw)) return false;
    const bool is_signed_form = code >= 0xd0;
    if (is_signed_form && (raw >> (8 * byte_count - 1)) != 0)
      return refuse("expected an unsigned integer, found a negative one");
  } else if (code >= 0xe0) {
    return refuse("expected an unsigned integer, found a negative one");
  } else if (code >= 0x80) {
    return refuse_type("an unsigned integer");
  } else {
    ++cursor_;
  }
  if (raw > max)
    return refuse("found " + std::to_string(raw) + ", at most " + std::to_string(max) +
                  " is allowed");
  value = raw;
  return true;
}

bool Reader::read_sint(std::int64_t& value) {
  if (cursor_ == end_) return refuse_type("an integer");
  const std::uint8_t code = *cursor_;
  if (code < 0x80 || code >= 0xe0) {
    value = static_cast<std::int8_t>(code);
    ++cursor_;
    return true;
  }
  if (code < 0xcc || code > 0xd3) return refuse_type("an integer");
  const std::size_t byte_count = std::size_t{1} << ((code - 0xcc) & 3);
  std::uint64_t raw = 0;
  ++cursor_;
  if (!take(byte_count, raw)) return false;
  if (code >= 0xd0) {
    const unsigned shift = static_cast<unsigned>(64 - 8 * byte_count);
    value = static_cast<std::int64_t>(raw << shift) >> shift;  // extends the sign
  } else if (raw > static_cast<std::uint64_t>(INT64_MAX)) {
    return refuse("found " + std::to_string(raw) + ", which does not fit a signed 64-bit integer");
  } else {
    value = static_cast<std::int64_t>(raw);
  }
  return true;
}

bool Reader::read_bool(bool& value) {
  if (cursor_ == end_ || (*cursor_ & 0xfe) != 0xc2) return refuse_type("a boolean");
  value = *cursor_++ == 0xc3;
  return true;
}

bool Reader::read_nil() {
  if (!next_is_nil()) return refuse_type("nil");
  ++cursor_;
  return true;
}

// The head of a text, byte string, array or map. `code8` is 0 when the type has no 8-bit form;
// `fix_mask` is 0 when it has no form inside the first byte.
bool Reader::read_length(const char* wanted, std::uint8_t fix_mask, std::uint8_t fix_value,
                         std::uint8_t code8, std::uint8_t code16, std::uint32_t& length) {
  if (cursor_ == end_) return refuse_type(wanted);
  const std::uint8_t code = *cursor_;
  if (fix_mask != 0 && (code & fix_mask) == fix_value) {
    length = code & static_cast<std::uint8_t>(~fix_mask);
    ++cursor_;
    return true;
  }
  std::size_t byte_count = 0;
  if (code8 != 0 && code == code8) byte_count = 1;
  if (code == code16) byte_count = 2;
  if (code == code16 + 1) byte_count = 4;
  if (byte_count == 0) return refuse_type(wanted);
  ++cursor_;
  std::uint64_t raw = 0;
  if (!take(byte_count, raw)) return false;
  length = static_cast<std::uint32_t>(raw);
  return true;
}

bool Reader::read_text(std::string& value, std::size_t bytes_max) {
  std::uint32_t length = 0;
  if (!read_length("a text", 0xe0, 0xa0, 0xd9, 0xda, length)) return false;
  if (length > left()) return refuse("a text is cut short by the end of the bytes");
  if (length > bytes_max) {
    return refuse("a text of " + std::to_string(length) + " bytes; at most " +
                  std::to_string(bytes_max) + " are allowed");
  }
  value.assign(reinterpret_cast<const char*>(cursor_), length);
  if (!is_ascii(cursor_, length)) repair_utf8(value);
  // U+FFFD is longer than what it stands for; what was taken must also be readable when it comes back
  // from a journal.
  if (value.size() > bytes_max) {
    return refuse("a text that is malformed, and longer than " + std::to_string(bytes_max) +
                  " bytes when it is repaired");
  }
  cursor_ += length;
  return true;
}

bool Reader::read_bin(Bytes& value, std::size_t bytes_max) {
  std::uint32_t length = 0;
  if (!read_length("a byte string", 0, 0, 0xc4, 0xc5, length)) return false;
  if (length > left()) return refuse("a byte string is cut short by the end of the bytes");
  if (length > bytes_max) {
    return refuse("a byte string of " + std::to_string(length) + " bytes; at most " +
                  std::to_string(bytes_max) + " are allowed");
  }
  value.assign(cursor_, cursor_ + length);
  cursor_ += length;
  return true;
}

bool Reader::read_bin_exactly(std::uint8_t* value, std::size_t byte_count) {
  std::uint32_t length = 0;
  if (!read_length("a byte string", 0, 0, 0xc4, 0xc5, length)) return false;
  if (length != byte_count || length > left()) {
    return refuse("a byte string of " + std::to_string(length) + " bytes; exactly " +
                  std::to_string(byte_count) + " are needed");
  }
  std::memcpy(value, cursor_, byte_count);
  cursor_ += byte_count;
  return true;
}

bool Reader::read_array(std::uint32_t& count, std::size_t max) {
  if (!read_length("an array", 0xf0, 0x90, 0, 0xdc, count)) return false;
  if (count > max) {
    return refuse("an array of " + std::to_string(count) + " elements; at most " +
                  std::to_string(max) + " are allowed");
  }
  if (count > left()) {
    return refuse("an array declares " + std::to_string(count) + " elements but only " +
                  std::to_string(left()) + " bytes follow");
  }
  return true;
}

bool Reader::read_map(std::uint32_t& count, std::size_t max) {
  if (!read_length("a map", 0xf0, 0x80, 0, 0xde, count)) return false;
  if (count > max) {
    return refuse("a map of " + std::to_string(count) + " entries; at most " + std::to_string(max) +
                  " are allowed");
  }
  if (2 * std::uint64_t{count} > left()) {
    return refuse("a map declares " + std::to_string(count) + " entries but only " +
                  std::to_string(left()) + " bytes follow");
  }
  return true;
}

bool Reader::expect_end() {
  if (cursor_ == end_) return true;
  return refuse(std::to_string(left()) + " bytes follow after the end of the value");
}

}  // namespace framebus::codec
