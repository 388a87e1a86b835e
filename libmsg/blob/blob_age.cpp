// See blob_age.h.
#include "libmsg/blob/blob_age.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include "libmsg/blob/posix_file.h"

namespace framebus {

std::filesystem::path blob_part_path(const std::filesystem::path& store_directory, unsigned part) {
  const auto byte = static_cast<std::uint8_t>(part);
  return store_directory / to_hex(&byte, 1);
}

Status make_blob_young(const std::filesystem::path& path) {
  const std::array<timespec, 2> times = {timespec{0, UTIME_NOW}, timespec{0, UTIME_NOW}};
  if (::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) == 0) return {};
  return fail(errno_error(errno, "touch", path));
}

bool is_older(const std::filesystem::path& path, Duration age) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0) return false;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  const Duration since =
      seconds(now.tv_sec - found.st_mtim.tv_sec) + nanoseconds(now.tv_nsec - found.st_mtim.tv_nsec);
  return since >= age;
}

Result<std::vector<BlobHash>> list_older_blobs(const std::filesystem::path& store_directory,
                                               unsigned part, Duration age, const BlobHash& after,
                                               std::size_t count_max) {
  std::vector<BlobHash> names;
  const std::filesystem::path directory = blob_part_path(store_directory, part);
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    BlobHash hash;
    const std::string name = entry->path().filename().string();
    if (from_hex(name, hash.bytes.data(), hash.bytes.size()) && hash > after) names.push_back(hash);
  }
  if (error && error.value() != ENOENT) return fail(errno_error(error.value(), "list", directory));
  std::ranges::sort(names);
  std::vector<BlobHash> older;
  for (const BlobHash& hash : names) {
    if (older.size() >= count_max) break;
    if (is_older(directory / to_string(hash), age)) older.push_back(hash);
  }
  return older;
}

}  // namespace framebus
