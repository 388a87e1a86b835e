// A batch on its way into the journal: records encoded once, on the thread that appends them.
//
// Its header is made only when it is written: it says what came before it and what is durable then.
// Thread rule: a value; one thread at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "broker/core/record.h"
#include "broker/store/record_keys.h"
#include "libmsg/base/bytes.h"
#include "libmsg/base/result.h"
#include "libmsg/base/time.h"

namespace framebus::broker::journal {

struct RecordWeight {
  RecordKeys keys;
  std::uint64_t bytes = 0;  // in the file, its header included
};

struct Batch {
  std::int64_t at_ns = 0;
  std::uint64_t first_lsn = 0;
  std::uint32_t count = 0;
  Bytes body;
  std::vector<RecordWeight> weights;  // for the account of what is dead
  std::uint64_t last_lsn() const { return first_lsn + count - 1; }
};

// One batch, there as a whole or not at all. invalid_argument: the records take more bytes than a
// batch may have.
Result<Batch> make_batch(TimePoint at, std::uint64_t first_lsn, const std::vector<Record>& records);

// As many batches as it takes, in order, none of more than `bytes_max` unless a single record is
// larger. A crash may keep the first of them and lose the others: see batch.cpp.
// invalid_argument: a single record takes more bytes than a batch may have.
Result<std::vector<Batch>> make_batches(TimePoint at, std::uint64_t first_lsn,
                                        const std::vector<Record>& records, std::size_t bytes_max);

}  // namespace framebus::broker::journal
