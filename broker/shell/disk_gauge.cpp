// See disk_gauge.h.
#include "broker/shell/disk_gauge.h"

#include "libmsg/base/config.h"

namespace framebus::broker {

std::optional<StorePressure> DiskGauge::judge(std::uint64_t free_bytes, bool store_is_full,
                                              const std::string& directory) {
  free_bytes_ = free_bytes;
  const std::uint64_t enough = is_short_ ? reserve_bytes_ + reserve_bytes_ / 8 : reserve_bytes_;
  const bool is_short = free_bytes < enough || store_is_full;
  if (is_short == is_short_) return std::nullopt;
  is_short_ = is_short;
  return StorePressure{is_short, std::to_string(free_bytes) + " bytes are free in " + directory +
                                     ", " + to_text(ByteSize{reserve_bytes_}) +
                                     " are kept for results (disk-reserve): " + space_remedy};
}

}  // namespace framebus::broker
