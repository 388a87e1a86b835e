// Reads a whole journal directory and changes nothing: what recovery, `journal verify` and
// `journal show` are built on.
//
// The rule of document "journal": at a bad place whose next record would be x, a later sound header
// that says durable_upto >= x proves that acknowledged data is damaged; without one, x began a tail
// that was never synced. Thread rule: one thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "broker/store/journal/batch_reader.h"
#include "libmsg/disk/disk.h"

namespace framebus::broker::journal {

struct FileFacts {
  std::string name;
  std::uint64_t number = 0;  // of the segment; of the snapshot: its lsn
  std::uint64_t bytes = 0;   // its length
  std::uint64_t end = 0;     // behind the last sound batch
  std::uint64_t records = 0;
  std::uint64_t record_bytes = 0;
  std::uint64_t batches = 0;
  std::uint64_t first_lsn = 0;  // 0: no record
  std::uint64_t last_lsn = 0;
};

// Where reading stopped before the end.
struct BadPlace {
  std::string file;
  std::uint64_t offset = 0;
  std::string why;
};

struct JournalFacts {
  std::optional<FileFacts> snapshot;
  std::vector<FileFacts> segments;   // sound up to their `end`, in order; the last one is active
  std::vector<std::string> covered;  // older than the snapshot
  std::vector<std::string> later;    // behind the end: nothing of them counts
  std::vector<std::string> unfinished;
  std::vector<std::string> spares;
  std::uint64_t next_segment = 1;  // behind the last one of `segments`
  Continuation after;              // the last sound batch
  std::uint64_t stamp = 0;         // of the active segment
  bool is_sealed = false;          // the last batch is a seal
  std::uint64_t durable_upto = 0;  // the highest claim among the sound batches
  // In the active segment: where what is not claimed durable begins; its end when nothing is.
  std::uint64_t unclaimed_from = 0;

  std::optional<BadPlace> bad;
  Traces traces;                      // behind the bad place, or behind the end
  bool is_damaged = false;            // acknowledged records are not readable
  std::uint64_t dropped_records = 0;  // of the unsynced tail: those of its sound headers

  std::uint64_t last_lsn() const { return after.next_lsn - 1; }
};

// Hands every sound record to `sink` (may be null), in order, those before a bad place included.
// Errors: the disk's, the sink's, unsupported_version. A damage is no error here.
Result<JournalFacts> read_journal(Disk& disk, const std::filesystem::path& directory,
                                  const RawSink& sink);

// The sentence for people: file, offset, records, and what to do. data_loss.
Error damage_error(const std::filesystem::path& directory, const JournalFacts& facts);

}  // namespace framebus::broker::journal
