// What compaction must know of a record, read without the rest of it.
//
// The journal decides by number, job, upload and name whether a record still counts; a JobAccepted
// of a million tasks need not be built for that. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "broker/core/record.h"
#include "libmsg/base/bytes.h"
#include "libmsg/base/result.h"

namespace framebus::broker {

struct RecordKeys {
  std::uint16_t number = 0;
  JobId job;           // none: the record is about no job
  SubmitId submit_id;  // of JobAccepted and of the upload records
  bool uploaded = false;
  std::string sticky;  // name of the command
  // Of JobRevived: the first piece of a job that comes back, and the last one.
  bool begins_revival = false;
  bool ends_revival = false;
  bool operator==(const RecordKeys&) const = default;
};

RecordKeys keys_of(const Record& record);
// The same from the payload. Errors as decode_record().
Result<RecordKeys> read_keys(std::uint16_t number, BytesView payload);

}  // namespace framebus::broker
