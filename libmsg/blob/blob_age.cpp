// See blob_age.h.
#include "libmsg/blob/blob_age.h"

#include <algorithm>

namespace framebus {

std::filesystem::path blob_part_path(const std::filesystem::path& store_directory, unsigned part) {
  const auto byte = static_cast<std::uint8_t>(part);
  return store_directory / to_hex(&byte, 1);
}

bool is_older(const Disk& disk, const std::filesystem::path& path, Duration age) {
  const auto found = disk.facts(path);
  return found && found->since_changed >= age;
}

Result<std::vector<BlobHash>> list_older_blobs(const Disk& disk,
                                               const std::filesystem::path& store_directory,
                                               unsigned part, Duration age, const BlobHash& after,
                                               std::size_t count_max) {
  const std::filesystem::path directory = blob_part_path(store_directory, part);
  const auto listed = disk.list(directory);
  if (!listed && listed.error().code != Code::not_found) return fail(listed.error());
  std::vector<BlobHash> names;
  if (listed) {
    for (const std::string& name : *listed) {
      BlobHash hash;
      if (from_hex(name, hash.bytes.data(), hash.bytes.size()) && hash > after)
        names.push_back(hash);
    }
  }
  std::ranges::sort(names);
  std::vector<BlobHash> older;
  for (const BlobHash& hash : names) {
    if (older.size() >= count_max) break;
    if (is_older(disk, directory / to_string(hash), age)) older.push_back(hash);
  }
  return older;
}

}  // namespace framebus
