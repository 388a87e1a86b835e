// See batch.h.
//
// Why the records of one step may be split: no two of them have to be there together. What must be
// atomic is one record: a job with all its tasks and its inputs is one JobAccepted (an upload's
// parts are invisible before it), an action on a whole job one JobActed, a forgotten job one
// JobForgotten. What a step decides in several records is completed when its end is missing: a
// revival without its last piece has never begun (apply_revived), a job that has to stop or whose
// deadline has passed is stopped or expired (mend_jobs), an attempt without its end is one of a
// worker that is lost. Whoever adds a record that relies on its neighbour makes one record of both.
#include "broker/store/journal/batch.h"

#include "broker/store/journal/format.h"
#include "broker/store/record_codec.h"

namespace framebus::broker::journal {
namespace {

Status check_fits(std::size_t bytes) {
  if (bytes <= batch_body_bytes_max - batch_alignment_bytes) return {};
  return fail(Code::invalid_argument,
              "records of " + std::to_string(bytes) + " bytes at once; at most " +
                  std::to_string(batch_body_bytes_max) + " fit into a batch");
}

// The record that was encoded last, behind `begin`, leaves a batch that it makes too large.
Batch split_off(Batch& full, std::size_t begin) {
  Batch next;
  next.at_ns = full.at_ns;
  next.first_lsn = full.first_lsn + full.count;
  next.body.assign(full.body.begin() + static_cast<std::ptrdiff_t>(begin), full.body.end());
  full.body.resize(begin);
  pad_body(full.body, 0);
  return next;
}

}  // namespace

Result<std::vector<Batch>> make_batches(TimePoint at, std::uint64_t first_lsn,
                                        const std::vector<Record>& records, std::size_t bytes_max) {
  std::vector<Batch> batches(1);
  batches.back().at_ns = at.time_since_epoch().count();
  batches.back().first_lsn = first_lsn;
  for (const Record& record : records) {
    Batch* batch = &batches.back();
    std::size_t begin = reserve_record(batch->body);
    encode_record(record, batch->body);
    if (begin > 0 && batch->body.size() > bytes_max) {
      batches.push_back(split_off(*batch, begin));
      batch = &batches.back();
      begin = 0;
    }
    FRAMEBUS_TRY(check_fits(batch->body.size()));
    finish_record(batch->body, begin, number_of(record), batch->count++);
    batch->weights.push_back({keys_of(record), batch->body.size() - begin});
  }
  pad_body(batches.back().body, 0);
  return batches;
}

Result<Batch> make_batch(TimePoint at, std::uint64_t first_lsn,
                         const std::vector<Record>& records) {
  FRAMEBUS_ASSIGN(std::vector<Batch> batches,
                  make_batches(at, first_lsn, records, batch_body_bytes_max));
  // More than one only when the first is full.
  if (batches.size() > 1) return fail(check_fits(batch_body_bytes_max).error());
  return std::move(batches.front());
}

}  // namespace framebus::broker::journal
