// Is the disk of the data directory short of space? Decides, with a margin so that it does not
// flicker; measuring is the caller's. Thread rule: plain value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "broker/core/event.h"

namespace framebus::broker {

// What a person can do about it, as the end of a sentence. For every refusal of the broker's disk.
inline constexpr const char* space_remedy =
    "free space on that disk, lower archive-max-bytes, logs-max-bytes or blob-pin, or move the "
    "directory to a larger disk (docs/OPERATING.md, \"A full disk\")";

class DiskGauge {
 public:
  // `reserve_bytes`: kept free for results and the records about them; 0: never short.
  explicit DiskGauge(std::uint64_t reserve_bytes) : reserve_bytes_(reserve_bytes) {}

  // An event for the core when the answer has changed. Short below the reserve, and until an eighth
  // more than the reserve is free; also as long as the store itself has no room.
  std::optional<StorePressure> judge(std::uint64_t free_bytes, bool store_is_full,
                                     const std::string& directory);

  std::uint64_t free_bytes() const { return free_bytes_; }
  std::uint64_t reserve_bytes() const { return reserve_bytes_; }
  bool is_short() const { return is_short_; }

 private:
  std::uint64_t reserve_bytes_;
  std::uint64_t free_bytes_ = 0;
  bool is_short_ = false;
};

}  // namespace framebus::broker
