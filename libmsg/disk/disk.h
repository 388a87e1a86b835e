// The one door through which everything durable reaches the file system: journal, epoch, blobs.
//
// Two implementations: the real one (posix_disk.cpp) and one in memory that crashes on demand and
// keeps, drops, tears or reorders what was not synced (tests/store/fault_disk.h). What is promised:
// bytes are durable after sync() of their file; a name (created, renamed, removed) after
// sync_directory() of its folder. Errors name the path and the operation; no space left is
// resource_exhausted, a path that is not there not_found, one that may not be touched
// permission_denied, one that can not be what it is taken for invalid_argument, one that somebody
// else holds (or no descriptor left) unavailable, a directory of a file system that syncs none
// failed_precondition, anything else internal.
// Thread rule: a Disk may be used from any thread, a DiskFile from one at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "libmsg/base/bytes.h"
#include "libmsg/base/result.h"
#include "libmsg/base/time.h"

namespace framebus {

// A name or file that changed longer ago than that is on the disk, synced or not: no kernel waits
// that long by itself.
inline constexpr Duration written_back_after = std::chrono::hours(1);

enum class FileTime : std::uint8_t { used, used_and_changed };

class DiskFile {
 public:
  virtual ~DiskFile() = default;
  // All of `bytes` at `offset`, or an error (some of them may have been written then).
  virtual Status write(std::uint64_t offset, BytesView bytes) = 0;
  // Fills `into` from `offset`; how many bytes there were (fewer only at the end of the file).
  virtual Result<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> into) const = 0;
  virtual Result<std::uint64_t> size() const = 0;
  // Makes the file at least this long, zeros added, its blocks reserved.
  virtual Status allocate(std::uint64_t bytes) = 0;
  virtual Status truncate(std::uint64_t bytes) = 0;
  // fdatasync: content and length are durable. An error is final: the caller can not know what is
  // on the disk, and a second call may lie.
  virtual Status sync() = 0;
  // A hint that these bytes will be synced before long, so that the sync is short. Never waits.
  virtual void begin_writeback(std::uint64_t offset, std::uint64_t bytes) = 0;
  // Sets the times that Disk::facts tells to now. Not durable by any sync.
  virtual Status touch(FileTime which) = 0;
};

enum class OpenFor : std::uint8_t {
  read,         // must exist
  write,        // must exist; also reads
  create,       // must not exist; mode 0600; also reads
  create_held,  // as create, and held until it is closed or its process ends
  hold,         // must exist, reads; held likewise. unavailable: somebody holds it
};

// What is known about a path, by the wall clock of its file system. A clock that was set back makes
// files younger.
struct FileFacts {
  bool is_regular = false;
  std::uint64_t size = 0;
  Duration since_changed{0};
  Duration since_used{0};
  std::uint64_t device = 0;  // paths with the same number lie on one file system
};

class Disk {
 public:
  virtual ~Disk() = default;
  virtual Result<std::unique_ptr<DiskFile>> open(const std::filesystem::path& path,
                                                 OpenFor purpose) = 0;
  // Replaces `to` if it exists. Between folders it is durable after both were synced.
  virtual Status rename(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  virtual Status remove(const std::filesystem::path& path) = 0;
  virtual Status sync_directory(const std::filesystem::path& path) = 0;
  // Each of them; the first error. A real disk takes them side by side: one after the other, each
  // would wait for a commit of the file system of its own (256 of them: 1 s against 20 ms).
  virtual Status sync_directories(std::span<const std::filesystem::path> paths) {
    Status first;
    for (const std::filesystem::path& path : paths) {
      if (Status synced = sync_directory(path); !synced && first) first = std::move(synced);
    }
    return first;
  }
  // One directory, mode 0700; fine when it exists. True: it did not.
  virtual Result<bool> make_directory(const std::filesystem::path& path) = 0;
  // Names (not paths) of the regular files in it, sorted.
  virtual Result<std::vector<std::string>> list(const std::filesystem::path& directory) const = 0;
  virtual Result<FileFacts> facts(const std::filesystem::path& path) const = 0;
  virtual Result<std::uint64_t> free_bytes(const std::filesystem::path& path) const = 0;
};

std::unique_ptr<Disk> make_posix_disk();

}  // namespace framebus
