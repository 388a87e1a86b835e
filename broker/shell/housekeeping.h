// What the loop looks after about once a second: free space, dropped peers that are owed a reason,
// and whether the places for peers run out. Thread rule: the loop's thread.
#pragma once

#include <filesystem>
#include <vector>

#include "broker/core/event.h"
#include "broker/shell/delivery.h"
#include "broker/shell/disk_gauge.h"
#include "broker/store/store.h"
#include "libmsg/base/time.h"

namespace framebus::broker {

class Housekeeping {
 public:
  // `sessions_max`: more are refused; people are told at nine tenths.
  Housekeeping(std::filesystem::path data, const Store& store, std::uint64_t disk_reserve_bytes,
               std::size_t sessions_max, Delivery& delivery, const SessionTable& sessions);

  // Cheap when it is not time yet. Events for the core are added.
  void tick(TimePoint now, std::vector<Event>& events);
  const DiskGauge& disk() const { return disk_; }

 private:
  void watch_sessions();

  std::filesystem::path data_;
  const Store& store_;
  DiskGauge disk_;
  std::size_t sessions_max_;
  Delivery& delivery_;
  const SessionTable& sessions_;
  TimePoint next_{};
  bool is_crowded_ = false;
};

}  // namespace framebus::broker
