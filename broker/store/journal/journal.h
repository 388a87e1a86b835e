// The journal itself: recovery, append, sync, seal, and the upkeep beside them, over a Disk.
//
// No thread and no clock: journal_store.h adds both, the simulator and the tests call it step by
// step. The order is always write(), sync(), and only then is anything durable. The bytes are
// described in format.h, what counts as damage in read_journal.h. Thread rule: one thread at a
// time, except for run_upkeep(), which touches nothing of a Journal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "broker/store/journal/batch.h"
#include "broker/store/journal/read_journal.h"
#include "broker/store/journal/upkeep.h"
#include "broker/store/journal/weights.h"
#include "broker/store/store.h"
#include "libmsg/disk/disk.h"

namespace framebus::broker::journal {

struct JournalOptions {
  std::filesystem::path directory;  // made when missing; its parent must exist
  std::uint64_t segment_bytes = 64ull * 1024 * 1024;
  // The disk counts as full below this many free bytes.
  std::uint64_t free_bytes_min = 256ull * 1024 * 1024;
  // Compaction begins when more than this, and more than half of everything, is dead.
  std::uint64_t compact_dead_bytes_min = 64ull * 1024 * 1024;
  Duration forget_after = std::chrono::hours(7 * 24);  // a JobForgotten, by the broker's time
  std::uint64_t salt = 1;                              // random, for a new journal's stamp
  // Records get numbers above this one: others know it as a record, though the journal has lost it.
  std::uint64_t numbers_above = 0;
};

class Journal {
 public:
  Journal(Disk& disk, JournalOptions options);

  // Recovery: reads everything, cuts an unsynced tail off, makes what was read durable, seals it.
  // Once, before anything else. data_loss: acknowledged records are damaged and nothing was
  // changed. unsupported_version: another broker's journal.
  Status replay(const RecordSink& sink);

  std::uint64_t last_lsn() const { return last_lsn_; }  // written
  std::uint64_t durable_lsn() const { return durable_lsn_; }

  // Writes the batches, which continue last_lsn(); nothing of it is durable yet. After an error
  // last_lsn() says how many of them are in. resource_exhausted: no room; the rest may be tried
  // again. Any other error is final: every later call returns it.
  Status write(std::span<const Batch> batches);
  // make_batch() and write().
  Status append(TimePoint at, const std::vector<Record>& records);
  // An error is final: nobody knows what is on the disk.
  Status sync();
  // Syncs, and if the last batch has no seal yet writes and syncs one.
  Status seal();
  bool is_sealed() const { return is_sealed_; }

  // The next piece of work that should not hold up commits: room for later segments, compaction.
  // None while one is under way. To be run anywhere (upkeep.h), its result to be given back here.
  std::optional<UpkeepJob> plan_upkeep();
  void finish_upkeep(const UpkeepResult& result);
  // The next plan is a compaction of everything that can be, whatever it yields. Begins a segment.
  Status request_compaction();
  // Asks the disk how much is free, and lets upkeep try again when it had no room.
  void look_at_space();

  StoreStats stats() const;

 private:
  struct Active {
    std::unique_ptr<DiskFile> file;
    std::uint64_t number = 0;
    std::uint64_t capacity_bytes = 0;  // reserved on the disk
    std::uint64_t end = 0;             // 0: the file header is still to be written
  };

  std::filesystem::path path_of(const std::string& name) const { return options_.directory / name; }
  Status recover(const RecordSink& sink);
  void take_over(const JournalFacts& facts);
  Status settle(const JournalFacts& facts);
  Status remove_files(const std::vector<std::string>& names);
  Status open_active(const JournalFacts& facts);
  Status write_again(std::uint64_t from);
  Status pass_over_numbers();
  Status adopt_spares(const std::vector<std::string>& names);

  std::uint64_t room_needed(std::size_t body_bytes) const;
  bool fits(std::uint64_t needed) const;
  Status write_group(std::span<const Batch> batches, std::size_t& count);
  Status write_seal();
  Status roll(std::uint64_t needed);
  Result<std::unique_ptr<DiskFile>> take_spare(const std::filesystem::path& as,
                                               std::uint64_t capacity_bytes);
  Status note_failure(Status status);

  Disk& disk_;
  JournalOptions options_;
  Status failure_;  // final
  bool is_open_ = false;

  Active active_;
  std::uint64_t next_segment_ = 1;
  std::uint64_t stamp_ = 0;
  std::uint64_t chain_ = 0;
  std::int64_t last_at_ns_ = INT64_MIN;
  std::uint64_t last_lsn_ = 0;
  std::uint64_t durable_lsn_ = 0;
  bool is_sealed_ = true;
  bool has_unsynced_ = false;
  Bytes buffer_;

  std::vector<SealedFile> sealed_segments_;
  std::uint64_t sealed_upto_lsn_ = 0;  // last record of theirs
  std::optional<SealedFile> snapshot_;
  std::vector<std::string> spares_;
  std::uint64_t next_spare_ = 1;
  Weights weights_;
  bool upkeep_runs_ = false;
  bool compaction_is_due_ = false;
  bool has_no_room_ = false;  // upkeep was refused
  std::uint64_t free_bytes_ = 0;
  StoreStats stats_;
};

}  // namespace framebus::broker::journal
