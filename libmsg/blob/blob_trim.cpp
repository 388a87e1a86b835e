// See blob_trim.h.
#include "libmsg/blob/blob_trim.h"

#include <algorithm>
#include <vector>

#include "libmsg/blob/blob_age.h"

namespace framebus {
namespace {

struct StoredBlob {
  std::filesystem::path path;
  std::uint64_t size = 0;
  Duration since_used{0};
};

Result<std::vector<StoredBlob>> list_blobs(const Disk& disk,
                                           const std::filesystem::path& store_directory) {
  std::vector<StoredBlob> blobs;
  for (unsigned part = 0; part < blob_parts; ++part) {
    const std::filesystem::path directory = blob_part_path(store_directory, part);
    const auto names = disk.list(directory);
    if (!names && names.error().code != Code::not_found) return fail(names.error());
    if (!names) continue;
    for (const std::string& name : *names) {
      const auto found = disk.facts(directory / name);
      if (found) blobs.push_back({directory / name, found->size, found->since_used});
    }
  }
  return blobs;
}

}  // namespace

Status mark_blob_used(Disk& disk, const std::filesystem::path& path) {
  FRAMEBUS_ASSIGN(const auto file, disk.open(path, OpenFor::read));
  return file->touch(FileTime::used);
}

Status trim_blobs(Disk& disk, const std::filesystem::path& store_directory,
                  std::uint64_t bytes_max) {
  FRAMEBUS_ASSIGN(auto blobs, list_blobs(disk, store_directory));
  std::uint64_t total = 0;
  for (const StoredBlob& blob : blobs) total += blob.size;
  std::sort(blobs.begin(), blobs.end(),
            [](const StoredBlob& a, const StoredBlob& b) { return a.since_used > b.since_used; });
  for (const StoredBlob& blob : blobs) {
    if (total <= bytes_max) break;
    // Looked at again: it may have been handed out since the list was made.
    const auto found = disk.facts(blob.path);
    if (!found || found->since_used <= blob_kept_after_use) continue;
    const Status removed = disk.remove(blob.path);
    if (!removed && removed.error().code != Code::not_found) return removed;
    total -= blob.size;
  }
  return {};
}

}  // namespace framebus
