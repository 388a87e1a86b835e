// zstd for what the archive keeps whole: one frame with its own checksum for each byte string.
// Thread rule: pure functions.
#pragma once

#include <cstddef>

#include "libmsg/base/bytes.h"
#include "libmsg/base/result.h"

namespace framebus::broker {

Bytes compress(BytesView bytes);
// data_loss: damaged, or it says that it would become larger than `bytes_max`.
Result<Bytes> decompress(BytesView frame, std::size_t bytes_max);

}  // namespace framebus::broker
