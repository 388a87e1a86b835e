// Which bytes of a blob its receiver asks for next, and whether what arrives was asked for.
//
// The receiver of a blob pulls, in both directions, so server and client share this. At most a
// window of chunks is asked for and not yet written: that is the flow control. Thread rule: one
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <set>

#include "libmsg/base/result.h"

namespace framebus {

struct ChunkRange {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

class ChunkPlan {
 public:
  explicit ChunkPlan(std::uint64_t blob_bytes) : blob_bytes_(blob_bytes) {}

  // The next chunk to ask for, unless `window` chunks are under way or everything was asked for.
  std::optional<ChunkRange> ask(std::uint32_t window);
  // A chunk has come. invalid_argument: nobody asked for it, it came before, or it has the wrong
  // length.
  Status arrived(std::uint64_t offset, std::uint64_t length);
  // One of the chunks that arrived has been written.
  void written(std::uint64_t length);
  bool is_complete() const { return written_bytes_ == blob_bytes_; }
  // Whether the other side owes a chunk; false while all that came is being written.
  bool is_waiting() const { return !asked_.empty(); }
  std::uint64_t written_bytes() const { return written_bytes_; }

 private:
  std::uint64_t length_at(std::uint64_t offset) const;

  std::uint64_t blob_bytes_;
  std::uint64_t next_offset_ = 0;
  std::uint64_t written_bytes_ = 0;
  std::uint32_t unwritten_count_ = 0;
  std::set<std::uint64_t> asked_;  // offsets
};

}  // namespace framebus
