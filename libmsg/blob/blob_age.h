// How long ago a blob was put or pinned: its file's modification time, by the wall clock.
//
// What is old and named by no job may be removed (BlobStore::remove_older decides, under the
// store's lock; what is listed here is only a proposal). A clock that was set back makes blobs
// younger, which costs space and nothing else. Thread rule: any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "libmsg/base/ids.h"
#include "libmsg/base/result.h"
#include "libmsg/base/time.h"
#include "libmsg/disk/disk.h"

namespace framebus {

// A store's blobs lie in that many subdirectories, by the first byte of their hash.
inline constexpr unsigned blob_parts = 256;
std::filesystem::path blob_part_path(const std::filesystem::path& store_directory, unsigned part);

// Changed, put or pinned at least `age` ago; false also when there is no such file or directory.
bool is_older(const Disk& disk, const std::filesystem::path& path, Duration age);

// At most `count_max` blobs of one part that are older than `age` and whose hash comes after
// `after`; sorted.
Result<std::vector<BlobHash>> list_older_blobs(const Disk& disk,
                                               const std::filesystem::path& store_directory,
                                               unsigned part, Duration age, const BlobHash& after,
                                               std::size_t count_max);

}  // namespace framebus
