// An ordered set of task indices in 1.02 bits each: a tree of bitmaps, 64 children a node.
//
// Why: a step may hold a million queued tasks; taking the first, adding one back and removing any
// must not depend on how many there are. All operations touch at most one word per level (4 levels
// for 16 million). It does not grow after construction. Owned by one Core; no thread rule of its
// own.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

#include "libmsg/base/check.h"

namespace framebus::broker {

class IndexSet {
 public:
  static constexpr std::uint32_t none = UINT32_MAX;

  IndexSet() = default;
  // Indices from 0 to capacity - 1 may be held.
  explicit IndexSet(std::uint32_t capacity) : capacity_(capacity) {
    std::uint32_t words = capacity;
    do {
      words = (words + 63) / 64;
      levels_.emplace_back(words, 0);
    } while (words > 1);
  }

  std::uint32_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  bool contains(std::uint32_t index) const {
    return index < capacity_ && (levels_[0][index / 64] >> (index % 64) & 1) != 0;
  }

  // False when it was there already.
  bool insert(std::uint32_t index) {
    FRAMEBUS_CHECK(index < capacity_, "index outside of its step");
    if (contains(index)) return false;
    for (auto& level : levels_) {
      level[index / 64] |= std::uint64_t{1} << (index % 64);
      index /= 64;
    }
    ++size_;
    return true;
  }

  // False when it was not there.
  bool erase(std::uint32_t index) {
    if (!contains(index)) return false;
    for (auto& level : levels_) {
      level[index / 64] &= ~(std::uint64_t{1} << (index % 64));
      if (level[index / 64] != 0) break;
      index /= 64;
    }
    --size_;
    return true;
  }

  // The smallest index, or `none`.
  std::uint32_t first() const {
    if (size_ == 0) return none;
    std::uint32_t index = 0;
    for (auto level = levels_.rbegin(); level != levels_.rend(); ++level) {
      index = index * 64 + static_cast<std::uint32_t>(std::countr_zero((*level)[index]));
    }
    return index;
  }

  // The smallest index from `begin` on, or `none`.
  std::uint32_t first_from(std::uint32_t begin) const {
    std::uint32_t index = begin;
    for (std::size_t level = 0; level < levels_.size(); ++level) {
      const std::uint32_t word = index / 64;
      if (word >= levels_[level].size()) return none;
      const std::uint64_t bits = levels_[level][word] & (~std::uint64_t{0} << (index % 64));
      if (bits == 0) {
        index = word + 1;
        continue;
      }
      index = word * 64 + static_cast<std::uint32_t>(std::countr_zero(bits));
      for (; level > 0; --level) {
        index = index * 64 + static_cast<std::uint32_t>(std::countr_zero(levels_[level - 1][index]));
      }
      return index;
    }
    return none;
  }

 private:
  std::vector<std::vector<std::uint64_t>> levels_;  // leaves first
  std::uint32_t capacity_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace framebus::broker
