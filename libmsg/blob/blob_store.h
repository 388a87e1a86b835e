// Content-addressed files: blobs named by the BLAKE2b-256 of their bytes, under DIR/ab/abcdef...
//
// A blob is written to a temporary file while it is hashed, synced, renamed, and its directory
// synced, so a name that exists is complete and verified. Used by the broker (all blobs) and by
// workers (a cache). A blob that was put or pinned lately is not removed as old
// (docs/decisions/0092-blob-order.md). Thread rule: a BlobStore may be used from several threads; a
// BlobWriter belongs to one.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "libmsg/base/bytes.h"
#include "libmsg/base/result.h"
#include "libmsg/base/time.h"
#include "libmsg/disk/disk.h"
#include "libmsg/schema/parts.h"

namespace framebus {

BlobHash hash_bytes(BytesView bytes);
// Streams the file once (about 1 GB/s). Errors name the path.
Result<BlobRef> hash_file(const std::filesystem::path& path);

// Receives a blob of a declared hash and size in any chunk order that fills it without overlap.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;  // an unfinished writer removes its temporary file
  virtual Status write(std::uint64_t offset, BytesView bytes) = 0;
  // Verifies, syncs, renames. data_loss: the bytes do not have the declared hash (nothing is kept).
  virtual Status commit() = 0;
};

class BlobStore {
 public:
  virtual ~BlobStore() = default;
  bool has(const BlobHash& hash) const { return size_of(hash).has_value(); }
  // Where the blob lies; not_found when it does not, any other error when that can not be told now.
  // The file is read-only: never write through it.
  virtual Result<std::filesystem::path> path_of(const BlobHash& hash) const = 0;
  virtual Result<std::uint64_t> size_of(const BlobHash& hash) const = 0;
  // At most `length` bytes from `offset`; shorter only at the end of the blob.
  virtual Result<Bytes> read(const BlobHash& hash, std::uint64_t offset,
                             std::uint64_t length) const = 0;
  virtual Result<std::unique_ptr<BlobWriter>> begin(const BlobHash& hash, std::uint64_t size) = 0;
  Result<BlobRef> put_bytes(BytesView bytes);
  virtual Result<BlobRef> put_file(const std::filesystem::path& path) = 0;
  // Removes least recently used blobs until the store holds at most this many bytes (worker
  // caches).
  virtual Status trim(std::uint64_t bytes_max) = 0;
  // Its size, when it is there for good (name and bytes synced); it counts as put just now. Before
  // anybody is told that the store has a blob, it is pinned. not_found: it has to be put.
  virtual Result<std::uint64_t> pin(const BlobHash& hash) = 0;
  // Removes the blob if it was last put or pinned at least `age` ago, by the wall clock; false: it
  // stays, or there is none. Never between a pin() and its answer.
  virtual Result<bool> remove_older(const BlobHash& hash, Duration age) = 0;
};

// Creates DIR (mode 0700) when it is missing, with what is missing above it. `sync`: false for
// tests only. `kept_free_bytes`: a blob that would leave less on the disk is refused.
Result<std::unique_ptr<BlobStore>> open_blob_store(const std::filesystem::path& directory,
                                                   bool sync = true,
                                                   std::uint64_t kept_free_bytes = 0);

// The same on another disk, where all but the last directory exists. The store and its writers
// share it, in whatever order they end.
Result<std::unique_ptr<BlobStore>> open_blob_store_on(std::shared_ptr<Disk> disk,
                                                      const std::filesystem::path& directory,
                                                      bool sync = true,
                                                      std::uint64_t kept_free_bytes = 0);

}  // namespace framebus
