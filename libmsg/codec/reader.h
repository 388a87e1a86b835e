// Reads msgpack values one by one from hostile bytes: the parsing half of the codec.
//
// The caller says which type must come next; anything else is an error with the offset and what was
// found. A failed read makes the whole reader fail: callers return false up to the top, adding the
// path
// ("job.steps[3].name"). No recursion, no allocation beyond the value read, no exceptions.
// Thread rule: one thread each.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libmsg/base/bytes.h"
#include "libmsg/base/limits.h"
#include "libmsg/base/result.h"

namespace framebus::codec {

class Reader {
 public:
  // `bytes` must outlive the reader.
  explicit Reader(BytesView bytes)
      : begin_(bytes.data()), cursor_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  std::size_t left() const { return static_cast<std::size_t>(end_ - cursor_); }
  std::size_t offset() const { return static_cast<std::size_t>(cursor_ - begin_); }

  // Any msgpack integer form is taken, as long as the value is in range.
  bool read_uint(std::uint64_t& value, std::uint64_t max) {
    if (cursor_ != end_ && *cursor_ < 0x80 && *cursor_ <= max) [[likely]] {
      value = *cursor_++;
      return true;
    }
    return read_uint_long(value, max);
  }
  bool read_sint(std::int64_t& value);
  bool read_bool(bool& value);
  // Malformed UTF-8 is replaced by U+FFFD, so that text from a peer is always valid inside the
  // program.
  bool read_text(std::string& value, std::size_t bytes_max);
  bool read_bin(Bytes& value, std::size_t bytes_max);
  bool read_bin_exactly(std::uint8_t* value, std::size_t byte_count);
  // The count is checked against `max` and against the bytes left (an element has at least one
  // byte).
  bool read_array(std::uint32_t& count, std::size_t max);
  bool read_map(std::uint32_t& count, std::size_t max);
  bool read_nil();
  bool next_is_nil() const { return cursor_ != end_ && *cursor_ == 0xc0; }
  // Steps over one value of any type, at most `depth_left` containers deep.
  bool skip(int depth_left);
  bool expect_end();

  // Accounts for memory that a list is about to take; false when the message would take too much.
  bool charge(std::size_t bytes);

  // Makes the reader fail; always false, so that `return reader.refuse(...)` reads well.
  bool refuse(std::string what);
  // Called on the way out of a failed read, innermost first.
  void add_path(std::string_view name);
  void add_path(std::size_t index);
  // "job.steps[3].name: expected a text, found a map (offset 41)". Meaningful after a failure.
  std::string error() const;

 private:
  bool read_uint_long(std::uint64_t& value, std::uint64_t max);
  bool read_length(const char* wanted, std::uint8_t fix_mask, std::uint8_t fix_value,
                   std::uint8_t code8, std::uint8_t code16, std::uint32_t& length);
  bool take(std::size_t byte_count, std::uint64_t& big_endian);
  bool refuse_type(const char* wanted);

  const std::uint8_t* begin_;
  const std::uint8_t* cursor_;
  const std::uint8_t* end_;
  std::size_t memory_left_ = limits::decoded_bytes_max;
  std::size_t failed_at_ = 0;
  std::string what_;
  std::string path_;
};

// Replaces each malformed UTF-8 sequence (overlong, surrogate, beyond U+10FFFF, cut) by U+FFFD.
// Cost: one pass; no copy when the text is valid.
void repair_utf8(std::string& text);

}  // namespace framebus::codec
