// See chunk_plan.h.
#include "libmsg/blob/chunk_plan.h"

#include <algorithm>

#include "libmsg/base/limits.h"

namespace framebus {

std::uint64_t ChunkPlan::length_at(std::uint64_t offset) const {
  return std::min<std::uint64_t>(limits::blob_chunk_bytes, blob_bytes_ - offset);
}

std::optional<ChunkRange> ChunkPlan::ask(std::uint32_t window) {
  if (next_offset_ >= blob_bytes_ || asked_.size() + unwritten_count_ >= window)
    return std::nullopt;
  const ChunkRange range{next_offset_, length_at(next_offset_)};
  asked_.insert(range.offset);
  next_offset_ += range.length;
  return range;
}

Status ChunkPlan::arrived(std::uint64_t offset, std::uint64_t length) {
  const auto found = asked_.find(offset);
  if (found == asked_.end()) {
    return fail(Code::invalid_argument, "a chunk at offset " + std::to_string(offset) +
                                            " arrived that was not asked for, or arrived twice");
  }
  if (length != length_at(offset)) {
    return fail(Code::invalid_argument, "the chunk at offset " + std::to_string(offset) + " has " +
                                            std::to_string(length) + " bytes where " +
                                            std::to_string(length_at(offset)) + " were asked for");
  }
  asked_.erase(found);
  ++unwritten_count_;
  return {};
}

void ChunkPlan::written(std::uint64_t length) {
  if (unwritten_count_ > 0) --unwritten_count_;
  written_bytes_ += length;
}

}  // namespace framebus
