// BLAKE2b-256 in pieces: the name of a blob is made while its bytes move, never in a second pass.
// Thread rule: a BlobHasher belongs to one thread.
#pragma once

#include <array>
#include <cstdint>

#include "libmsg/base/bytes.h"
#include "libmsg/base/ids.h"

namespace framebus {

class BlobHasher {
 public:
  BlobHasher();
  // About 1 GB/s a core.
  void update(BytesView bytes);
  // Once, at the end.
  BlobHash finish();

 private:
  // Room for libsodium's state, whose header stays in the .cpp (size and alignment asserted there).
  alignas(64) std::array<std::uint8_t, 384> state_;
};

}  // namespace framebus
