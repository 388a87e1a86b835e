// The broker's directory: a lock, the epoch, the token key, the blobs.
//
//   DIR/lock            held as long as the broker lives; two brokers can not share a directory
//   DIR/epoch           a number, raised and synced at each start
//   DIR/token.key       16 random bytes, mode 0600, made once
//   DIR/endpoints.json  where the running broker listens
//   DIR/blobs/          the blob store; blobs-ephemeral/, made anew at each start, with --ephemeral
//
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <filesystem>

#include "libmsg/base/bytes.h"
#include "libmsg/base/result.h"
#include "libmsg/blob/posix_file.h"

namespace framebus::broker {

// 16 random bytes for a key that signs tokens. unavailable: the kernel gives none.
Result<Bytes> make_token_key();

class DataDirectory {
 public:
  // Makes the directory (mode 0700) when needed, locks it, raises the epoch. `path` empty: the
  // user's own place for state, or, ephemeral, a new temporary directory that is removed with the
  // object. failed_precondition: another broker runs there. data_loss: the epoch file holds no
  // number.
  static Result<DataDirectory> open(const std::string& path, bool ephemeral);
  ~DataDirectory();
  DataDirectory(DataDirectory&& other) noexcept;
  DataDirectory& operator=(DataDirectory&&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path blobs() const { return path_ / (ephemeral_ ? "blobs-ephemeral" : "blobs"); }
  std::filesystem::path endpoints_file() const { return path_ / "endpoints.json"; }
  std::uint64_t epoch() const { return epoch_; }
  const Bytes& token_key() const { return token_key_; }

 private:
  DataDirectory() = default;
  Status lock();
  Status raise_epoch();
  Status load_token_key();

  std::filesystem::path path_;
  bool ephemeral_ = false;
  bool is_temporary_ = false;
  FileDescriptor lock_;
  std::uint64_t epoch_ = 0;
  Bytes token_key_;
};

}  // namespace framebus::broker
