// BLAKE2b-256 over pieces: the hash of pictures and of compiled scenes, without one large buffer.
//
// Equal to hash_bytes() of the pieces' concatenation. Integers are fed little endian by the
// callers, so that the digest does not depend on the machine. One thread at a time.
#pragma once

#include <cstdint>
#include <string_view>

#include "libmsg/base/bytes.h"
#include "libmsg/base/ids.h"

namespace framebus::render {

class Digest {
 public:
  Digest();
  void add(BytesView bytes);
  void add(std::string_view text);  // length first, so that "ab","c" and "a","bc" differ
  void add_u32(std::uint32_t value);
  void add_u64(std::uint64_t value);
  // The digest of everything added so far; call once.
  BlobHash finish();

 private:
  alignas(64) unsigned char state_[384];
};

}  // namespace framebus::render
