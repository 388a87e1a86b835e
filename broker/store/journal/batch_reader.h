// Walks the batches of one segment or snapshot and says where the sound ones end, and why.
//
// Judges one file by itself and by what must have come before; what a bad place means for the whole
// journal is decided in read_journal.h. Thread rule: one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "broker/store/journal/file_window.h"
#include "broker/store/journal/format.h"

namespace framebus::broker::journal {

struct RawRecord {
  std::uint64_t lsn = 0;
  std::int64_t at_ns = 0;
  std::uint16_t number = 0;
  BytesView payload;  // valid during the call
};
// An error stops the reading and comes out of it.
using RawSink = std::function<Status(const RawRecord&)>;

// What the next batch must continue.
struct Continuation {
  std::uint64_t next_lsn = 1;
  std::uint64_t chain = 0;
  std::int64_t at_ns = INT64_MIN;
};

enum class Found : std::uint8_t {
  batch,
  end,  // zeros, or the end of the file
  bad,  // something that is no batch, or not the next one
};

class BatchReader {
 public:
  // `header`: of this file, decoded. Reading begins behind it.
  BatchReader(FileWindow& window, const FileHeader& header, const Continuation& after);

  // Reads one batch and hands its records to `sink` (may be null). Errors: the disk's, the sink's.
  Result<Found> next(const RawSink& sink);

  const BatchHeader& header() const { return header_; }  // of the last sound batch
  const Continuation& after() const { return after_; }   // it
  std::uint64_t offset() const { return offset_; }       // behind it: the end, or the bad place
  const std::string& why_bad() const { return why_bad_; }

 private:
  Found bad(std::string why);
  // Empty: it may stand here.
  std::string why_not_next(const BatchHeader& header) const;
  bool is_well_formed(const BatchHeader& header, BytesView body);
  Status hand_over(const BatchHeader& header, BytesView body, const RawSink& sink) const;

  FileWindow& window_;
  FileKind kind_;
  std::uint64_t stamp_;
  Continuation after_;
  std::uint64_t offset_ = file_header_bytes;
  BatchHeader header_;
  std::uint64_t last_lsn_in_batch_ = 0;
  std::string why_bad_;
};

// What can still be seen behind a place where reading ended.
struct Traces {
  std::uint64_t durable_upto = 0;  // the highest claim of any sound header
  std::uint64_t records = 0;       // in the batches of those headers
  std::uint64_t last_lsn = 0;
  std::uint64_t bytes = 0;  // up to the last byte that is not zero
  void add(const Traces& other);
};
// Looks at every place where a batch could begin. `stamp` 0: the file's is not known.
Result<Traces> find_traces(FileWindow& window, std::uint64_t offset, std::uint64_t stamp);
// Where the next sound header lies; the file's size when there is none.
Result<std::uint64_t> find_header(FileWindow& window, std::uint64_t offset, std::uint64_t stamp);

}  // namespace framebus::broker::journal
