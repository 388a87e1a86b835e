// See batch.h.
#include "broker/store/journal/batch.h"

#include "broker/store/journal/format.h"
#include "broker/store/record_codec.h"

namespace framebus::broker::journal {

Result<Batch> make_batch(TimePoint at, std::uint64_t first_lsn,
                         const std::vector<Record>& records) {
  Batch batch;
  batch.at_ns = at.time_since_epoch().count();
  batch.first_lsn = first_lsn;
  batch.weights.reserve(records.size());
  for (const Record& record : records) {
    const std::size_t begin = reserve_record(batch.body);
    encode_record(record, batch.body);
    if (batch.body.size() > batch_body_bytes_max - batch_alignment_bytes) {
      return fail(Code::invalid_argument,
                  "records of " + std::to_string(batch.body.size()) + " bytes at once; at most " +
                      std::to_string(batch_body_bytes_max) + " fit into a batch");
    }
    finish_record(batch.body, begin, number_of(record), batch.count++);
    batch.weights.push_back({keys_of(record), batch.body.size() - begin});
  }
  pad_body(batch.body, 0);
  return batch;
}

}  // namespace framebus::broker::journal
