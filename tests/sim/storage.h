// What outlives the simulated broker's process: its records and its epoch.
//
// Two kinds: a model that keeps records in memory (fast, most seeds), and the broker's own journal
// on a disk in memory that tears, drops and reorders what was not synced (disk_storage.h, a fixed
// share of the seeds). Thread rule: one thread.
#pragma once

#include <memory>
#include <optional>

#include "broker/store/store.h"
#include "tests/sim/planted.h"
#include "tests/sim/random.h"

namespace framebus::sim {

class Storage {
 public:
  struct Opened {
    broker::Store* store = nullptr;
    std::uint64_t epoch = 0;  // raised and made durable
  };

  // What the broker's housekeeping looks at each second.
  struct Space {
    std::uint64_t free_bytes = 0;
    std::uint64_t reserve_bytes = 0;  // to be kept for results
    bool store_is_full = false;
  };

  virtual ~Storage() = default;
  // The process starts. An error: it can not, and says why.
  virtual Result<Opened> open() = 0;
  // Something was appended that is not durable yet.
  virtual bool has_work() const = 0;
  // What the store's own thread does meanwhile: writes and syncs all that has come together.
  virtual void work() = 0;
  // The next sync reports an error.
  virtual void fail_next_sync() = 0;
  // None: this storage has no disk that could be full.
  virtual std::optional<Space> look_at_space() { return std::nullopt; }
  // Somebody else leaves little or nothing of the disk; false: there is no disk.
  virtual bool fill_up(Random&) { return false; }
  virtual void free_up() {}
  // The process is killed; what it had handed to the kernel stays.
  virtual void kill(Random& random) = 0;
  // The machine loses power: of what was not synced anything may be left.
  virtual void lose_power(Random& random) = 0;
};

// `backlog_max`: records not yet durable; more are turned away.
std::unique_ptr<Storage> make_model_storage(Bug bug, std::size_t backlog_max);
// The broker's journal on a disk in memory; `seed` decides what a crash leaves.
std::unique_ptr<Storage> make_disk_storage(Bug bug, std::uint64_t seed);
// The bug is one of the disk's.
bool needs_real_disk(Bug bug);

}  // namespace framebus::sim
