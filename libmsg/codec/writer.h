// Appends msgpack values to a byte string: the packing half of the codec, without msgpack.hpp.
//
// Integers take their shortest form, so equal values have equal bytes (golden vectors rely on it).
// Never fails; nothing is checked: what this program builds is valid. Thread rule: one thread each.
#pragma once

#include <cstdint>
#include <string_view>

#include "libmsg/base/bytes.h"

namespace framebus::codec {

class Writer {
 public:
  explicit Writer(Bytes& out) : out_(out) {}

  void map(std::uint32_t pair_count);  // 2 * pair_count values follow: key, value, key, value ...
  void array(std::uint32_t element_count);  // element_count values follow
  void uint(std::uint64_t value);
  void sint(std::int64_t value);
  void boolean(bool value);
  void text(std::string_view value);
  void bin(BytesView value);
  void nil();
  void uint64_full(std::uint64_t value);  // always the 9-byte form: the Checksum frame

 private:
  Bytes& out_;
};

}  // namespace framebus::codec
