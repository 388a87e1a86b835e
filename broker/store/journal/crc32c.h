// CRC32C (Castagnoli, reflected, as in iSCSI): the journal's guard against damage, not against
// forgery.
//
// The processor's own instruction when it has it (x86 SSE4.2), else tables; both give the same.
// Thread rule: pure functions.
#pragma once

#include <cstdint>

#include "libmsg/base/bytes.h"

namespace framebus::broker::journal {

// `before`: the CRC of what came before these bytes; 0 at the beginning.
std::uint32_t crc32c(BytesView bytes, std::uint32_t before = 0);

// The two ways, for tests; the second only where has_crc32c_instruction().
std::uint32_t crc32c_by_table(BytesView bytes, std::uint32_t before = 0);
std::uint32_t crc32c_by_instruction(BytesView bytes, std::uint32_t before = 0);
bool has_crc32c_instruction();

}  // namespace framebus::broker::journal
