// Small files that are read and replaced as a whole: an epoch, a key, an address.
//
// Thread rule: any thread; two replacing the same file at once is the caller's fault.
#pragma once

#include <cstdint>
#include <filesystem>

#include "libmsg/base/bytes.h"
#include "libmsg/base/result.h"
#include "libmsg/disk/disk.h"

namespace framebus {

// The whole of a small file; resource_exhausted when it is larger than `bytes_max`.
Result<Bytes> read_small_file(Disk& disk, const std::filesystem::path& path, std::size_t bytes_max);

// Temporary file beside it, mode 0600, sync, rename, sync of the directory: after a crash the file
// has either the old or the new content, and the new one once this has returned.
Status replace_file(Disk& disk, const std::filesystem::path& path, BytesView content);

}  // namespace framebus
