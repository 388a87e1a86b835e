// A blob's file before it has its name: DIR/tmp/PID-N, locked while it is written.
//
// The lock tells a file that somebody writes from one that a dead process left behind, so that
// leftovers are removed when a store is opened and nothing else is. Thread rule: one thread at a
// time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <set>

#include "libmsg/base/bytes.h"
#include "libmsg/base/ids.h"
#include "libmsg/base/result.h"
#include "libmsg/blob/posix_file.h"

namespace framebus {

// Where a blob of this name lies in a store: DIR/ab/abcdef...
std::filesystem::path blob_path(const std::filesystem::path& store_directory, const BlobHash& hash);

// What the users of one store must agree on: a name that was just given may not be durable yet, and
// none may be taken away while somebody is told that it is there. Thread rule: under the mutex.
struct BlobNames {
  std::mutex mutex;
  std::set<BlobHash> unsynced;  // named, and the directory is not synced
};

class PendingFile {
 public:
  static Result<PendingFile> create(const std::filesystem::path& store_directory);
  ~PendingFile();  // removes the file unless it was published
  PendingFile(PendingFile&& other) noexcept = default;
  PendingFile& operator=(PendingFile&&) = delete;

  Status write(std::uint64_t offset, BytesView bytes);
  Result<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> into) const;
  // Syncs the file, gives it its name, syncs the directory. A blob of that name that exists already
  // is replaced: it has the same bytes.
  Status publish(const BlobHash& hash, BlobNames& names, bool sync);

 private:
  PendingFile(std::filesystem::path store_directory, std::filesystem::path path,
              FileDescriptor file);

  std::filesystem::path store_directory_;
  std::filesystem::path path_;
  FileDescriptor file_;
  std::uint64_t unsent_begin_ = 0;  // writeback has been started for everything before
};

// Removes the files that dead processes left in DIR/tmp. Errors are not reported: they cost space
// only.
void remove_abandoned_files(const std::filesystem::path& store_directory);

}  // namespace framebus
