// See blob_trim.h.
#include "libmsg/blob/blob_trim.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <vector>

#include "libmsg/blob/posix_file.h"

namespace framebus {
namespace {

struct StoredBlob {
  std::filesystem::path path;
  std::uint64_t size = 0;
  Duration used{0};  // wall clock, since 1970
};

Duration wall_clock() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return seconds(now.tv_sec) + nanoseconds(now.tv_nsec);
}

Duration used_at(const struct stat& found) {
  return seconds(found.st_atim.tv_sec) + nanoseconds(found.st_atim.tv_nsec);
}

Result<std::vector<StoredBlob>> list_blobs(const std::filesystem::path& store_directory) {
  std::vector<StoredBlob> blobs;
  std::error_code error;
  for (const auto& fan_out : std::filesystem::directory_iterator(store_directory, error)) {
    if (fan_out.path().filename().string().size() != 2) continue;  // "tmp" holds no finished blobs
    std::error_code gone;
    for (const auto& entry : std::filesystem::directory_iterator(fan_out.path(), gone)) {
      struct stat found {};
      if (::stat(entry.path().c_str(), &found) != 0 || !S_ISREG(found.st_mode)) continue;
      blobs.push_back({entry.path(), static_cast<std::uint64_t>(found.st_size), used_at(found)});
    }
  }
  if (error) return fail(errno_error(error.value(), "list", store_directory));
  return blobs;
}

}  // namespace

bool mark_blob_used(const std::filesystem::path& path) {
  const timespec times[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
  return ::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW) == 0;
}

Status trim_blobs(const std::filesystem::path& store_directory, std::uint64_t bytes_max) {
  FRAMEBUS_ASSIGN(auto blobs, list_blobs(store_directory));
  std::uint64_t total = 0;
  for (const StoredBlob& blob : blobs) total += blob.size;
  std::sort(blobs.begin(), blobs.end(),
            [](const StoredBlob& a, const StoredBlob& b) { return a.used < b.used; });
  const Duration kept_since = wall_clock() - blob_kept_after_use;
  for (const StoredBlob& blob : blobs) {
    if (total <= bytes_max) break;
    // Looked at again: it may have been handed out since the list was made.
    struct stat found {};
    if (::stat(blob.path.c_str(), &found) != 0 || used_at(found) >= kept_since) continue;
    if (::unlink(blob.path.c_str()) != 0 && errno != ENOENT) {
      return fail(errno_error(errno, "remove", blob.path));
    }
    total -= blob.size;
  }
  return {};
}

}  // namespace framebus
