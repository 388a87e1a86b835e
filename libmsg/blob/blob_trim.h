// Keeps a blob directory below a size by removing what was used longest ago (worker caches).
//
// A use is written into the file's access time by us, so it counts across processes and whatever
// the mount options are. Thread rule: any thread.
#pragma once

#include <cstdint>
#include <filesystem>

#include "libmsg/base/result.h"
#include "libmsg/base/time.h"
#include "libmsg/disk/disk.h"

namespace framebus {

// A blob handed out less than this ago stays, even when the store is too large because of it: its
// user may not have opened it yet.
inline constexpr Duration blob_kept_after_use = std::chrono::minutes(10);

// Notes that the blob at `path` is in use now. not_found: there is no such file. Any other error
// says nothing of whether there is (no descriptor left, say), so that nobody fetches it for that.
Status mark_blob_used(Disk& disk, const std::filesystem::path& path);

// Removes least recently used blobs until all together have at most `bytes_max` bytes.
Status trim_blobs(Disk& disk, const std::filesystem::path& store_directory,
                  std::uint64_t bytes_max);

}  // namespace framebus
