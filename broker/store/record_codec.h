// A record as (number, bytes) and back: the field tables of record.h through the struct codec.
//
// A number or a field that this program does not know is not skipped: what the broker does next
// depends on every record, so a journal of a newer broker is refused. Thread rule: pure functions.
#pragma once

#include <cstdint>

#include "broker/core/record.h"
#include "libmsg/base/bytes.h"
#include "libmsg/base/result.h"

namespace framebus::broker {

std::uint16_t number_of(const Record& record);
// "JobAccepted"; "record 77" when the number is not known.
std::string record_name(std::uint16_t number);

// Appends the payload to `out`.
void encode_record(const Record& record, Bytes& out);
// unsupported_version: no such record here. data_loss: the bytes are no such record.
Result<Record> decode_record(std::uint16_t number, BytesView payload);

}  // namespace framebus::broker
