// The shell's part of `framebus status`: what the core can not know. Names are "part.counter", so
// that they never meet the core's. Thread rule: the loop's thread.
#pragma once

#include <cstdint>

#include "broker/shell/archivist.h"
#include "broker/shell/blob_collector.h"
#include "broker/shell/commit_pipeline.h"
#include "broker/shell/delivery.h"
#include "broker/shell/disk_gauge.h"
#include "broker/shell/intake.h"
#include "broker/shell/log_keeper.h"
#include "broker/store/store.h"

namespace framebus::broker {

struct LoopCounters {
  std::uint64_t turns = 0;
  std::uint64_t stalls = 0;
  std::uint64_t pauses = 0;  // times the loop stopped reading because the disk was behind
  std::uint64_t paused_ms = 0;
};

// What the start found in the store.
struct RecoveryFacts {
  std::uint64_t records = 0;
  std::int64_t took_ms = 0;
};

class StatusCounters {
 public:
  struct Sources {
    const LoopCounters& loop;
    const RecoveryFacts& recovery;
    const SessionTable& sessions;
    const Intake& intake;
    const Delivery& delivery;
    const CommitPipeline& pipeline;
    const Store& store;
    const DiskGauge& disk;
    const LogKeeper& logs;
    const BlobCollector* collector;  // null: none
    const Archivist* archivist = nullptr;
  };

  explicit StatusCounters(const Sources& sources) : sources_(sources) {}
  void add_to(BrokerStatus& status) const;

 private:
  Sources sources_;
};

}  // namespace framebus::broker
