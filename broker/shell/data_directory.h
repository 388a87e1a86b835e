// The broker's directory: a lock, the epoch, the token key, and where everything else lies.
//
//   DIR/lock            held as long as the broker lives; its process id
//   DIR/epoch           a number, raised and synced at each start
//   DIR/token.key       16 random bytes, mode 0600, made once
//   DIR/endpoints.json  where the running broker listens
//   DIR/journal/        records of everything accepted (broker/store/journal/)
//   DIR/archive.db      finished jobs
//   DIR/blobs/          files of jobs and results
//   DIR/logs/           what attempts wrote
//   DIR/ephemeral/      instead of these four with --ephemeral; made anew at each start
//
// Whatever is made here is synced before open() returns, the directory's own name included.
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <filesystem>

#include "libmsg/base/bytes.h"
#include "libmsg/base/result.h"
#include "libmsg/blob/posix_file.h"
#include "libmsg/disk/disk.h"

namespace framebus::broker {

// Where a broker that is told no directory keeps its data.
Result<std::filesystem::path> default_data_directory();

// Whether a broker runs on this directory, for commands that look at it: held until the descriptor
// is closed. failed_precondition: one does. A directory without a lock file needs none.
Result<FileDescriptor> lock_for_reading(const std::filesystem::path& data);

class DataDirectory {
 public:
  // Makes the directory (mode 0700) when needed, locks it, raises the epoch. `path` empty: the
  // user's own place for state, or, ephemeral, a new temporary directory that is removed with the
  // object. failed_precondition: another broker runs there (its process id is named).
  // permission_denied: it can not be written to. data_loss: epoch or key are damaged.
  static Result<DataDirectory> open(const std::string& path, bool ephemeral);
  ~DataDirectory();
  DataDirectory(DataDirectory&& other) noexcept;
  DataDirectory& operator=(DataDirectory&&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path journal() const { return path_ / "journal"; }
  std::filesystem::path archive() const { return path_ / "archive.db"; }
  std::filesystem::path blobs() const { return kept() / "blobs"; }
  std::filesystem::path logs() const { return kept() / "logs"; }
  std::filesystem::path endpoints_file() const { return path_ / "endpoints.json"; }
  std::uint64_t epoch() const { return epoch_; }
  // Kept over restarts, since the jobs are. With --ephemeral a fresh one that is written nowhere:
  // jobs get the same numbers again then, and a token of an earlier start must not fit them.
  const Bytes& token_key() const { return token_key_; }

 private:
  DataDirectory() = default;
  std::filesystem::path kept() const { return ephemeral_ ? path_ / "ephemeral" : path_; }
  Status choose_path(const std::string& path);
  Status lock();
  Status load_lasting(Disk& disk);  // epoch and key

  std::filesystem::path path_;
  bool ephemeral_ = false;
  bool is_temporary_ = false;
  FileDescriptor lock_;
  std::uint64_t epoch_ = 0;
  Bytes token_key_;
};

}  // namespace framebus::broker
