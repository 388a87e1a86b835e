// The BlobStore of blob_store.h on a directory of a Disk.
#include "libmsg/blob/blob_store.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include "libmsg/base/limits.h"
#include "libmsg/blob/blob_age.h"
#include "libmsg/blob/blob_hash.h"
#include "libmsg/blob/blob_trim.h"
#include "libmsg/blob/pending_file.h"
#include "libmsg/blob/posix_file.h"
#include "libmsg/blob/promised_bytes.h"

namespace framebus {
namespace {

constexpr std::size_t copy_bytes = 1024 * 1024;
constexpr std::int64_t promised_retry_after_ms = 1'000;

class FileBlobWriter final : public BlobWriter {
 public:
  FileBlobWriter(PendingFile file, std::shared_ptr<BlobNames> names, PromisedBytes::Promise promise,
                 const BlobHash& hash, std::uint64_t size, bool sync)
      : promise_(std::move(promise)),
        file_(std::move(file)),
        names_(std::move(names)),
        hash_(hash),
        size_(size),
        sync_(sync) {}

  Status write(std::uint64_t offset, BytesView bytes) override;
  Status commit() override;

 private:
  Status claim(std::uint64_t begin, std::uint64_t end);

  PromisedBytes::Promise promise_;  // of what is not written yet; outlives the file's bytes
  PendingFile file_;
  std::shared_ptr<BlobNames> names_;  // shared with the store, which may be gone first
  BlobHash hash_;
  std::uint64_t size_;
  bool sync_;
  BlobHasher hasher_;
  std::uint64_t hashed_ = 0;  // bytes from the beginning that the hasher has seen
  std::uint64_t received_ = 0;
  std::map<std::uint64_t, std::uint64_t>
      ranges_;  // begin -> end of what was written, neighbours joined
  bool committed_ = false;
};

Status FileBlobWriter::claim(std::uint64_t begin, std::uint64_t end) {
  auto next = ranges_.lower_bound(begin);
  if (next != ranges_.end() && next->first < end) {
    return fail(Code::invalid_argument, "bytes " + std::to_string(begin) + " to " +
                                            std::to_string(end) + " of blob " + to_string(hash_) +
                                            " were written before");
  }
  if (next != ranges_.begin()) {
    const auto previous = std::prev(next);
    if (previous->second > begin) {
      return fail(Code::invalid_argument, "byte " + std::to_string(begin) + " of blob " +
                                              to_string(hash_) + " was written before");
    }
    if (previous->second == begin) {
      begin = previous->first;
      ranges_.erase(previous);
    }
  }
  if (next != ranges_.end() && next->first == end) {
    end = next->second;
    ranges_.erase(next);
  }
  ranges_[begin] = end;
  return {};
}

Status FileBlobWriter::write(std::uint64_t offset, BytesView bytes) {
  if (offset > size_ || bytes.size() > size_ - offset) {
    return fail(Code::invalid_argument, "bytes " + std::to_string(offset) + " + " +
                                            std::to_string(bytes.size()) + " lie beyond the " +
                                            std::to_string(size_) + " bytes of blob " +
                                            to_string(hash_));
  }
  if (bytes.empty()) return {};
  FRAMEBUS_TRY(claim(offset, offset + bytes.size()));
  FRAMEBUS_TRY(file_.write(offset, bytes));
  promise_.written(bytes.size());
  received_ += bytes.size();
  if (offset == hashed_) {
    hasher_.update(bytes);
    hashed_ += bytes.size();
  }
  return {};
}

Status FileBlobWriter::commit() {
  if (committed_ || received_ != size_) {
    return fail(Code::failed_precondition, "blob " + to_string(hash_) + " has " +
                                               std::to_string(received_) + " of " +
                                               std::to_string(size_) + " bytes");
  }
  Bytes buffer(hashed_ < size_ ? copy_bytes : 0);
  while (hashed_ < size_) {  // only after chunks that came out of order
    FRAMEBUS_ASSIGN(const std::size_t got, file_.read(hashed_, buffer));
    if (got == 0)
      return fail(Code::data_loss,
                  "blob " + to_string(hash_) + " became shorter while it was stored");
    hasher_.update({buffer.data(), got});
    hashed_ += got;
  }
  committed_ = true;
  const BlobHash found = hasher_.finish();
  if (found != hash_) {
    return fail(Code::data_loss, "the " + std::to_string(size_) + " bytes received for blob " +
                                     to_string(hash_) + " have the hash " + to_string(found));
  }
  return file_.publish(hash_, *names_, sync_);
}

class FileBlobStore final : public BlobStore {
 public:
  FileBlobStore(std::shared_ptr<Disk> disk, std::filesystem::path directory, bool sync,
                std::uint64_t kept_free_bytes)
      : disk_(std::move(disk)),
        directory_(std::move(directory)),
        sync_(sync),
        kept_free_bytes_(kept_free_bytes) {}

  Result<std::filesystem::path> path_of(const BlobHash& hash) const override;
  Result<std::uint64_t> size_of(const BlobHash& hash) const override;
  Result<Bytes> read(const BlobHash& hash, std::uint64_t offset,
                     std::uint64_t length) const override;
  Result<std::unique_ptr<BlobWriter>> begin(const BlobHash& hash, std::uint64_t size) override;
  Result<BlobRef> put_file(const std::filesystem::path& path) override;
  Status trim(std::uint64_t bytes_max) override {
    return may_pass(trim_blobs(*disk_, directory_, bytes_max));
  }
  Result<std::uint64_t> pin(const BlobHash& hash) override;
  Result<bool> remove_older(const BlobHash& hash, Duration age) override;

 private:
  // Room for a blob beside what is on its way already, and beside what stays free.
  Result<PromisedBytes::Promise> promise(std::uint64_t size);
  Error not_found(const BlobHash& hash) const {
    return {Code::not_found, "blob " + to_string(hash) + " is not in " + directory_.string(), 0};
  }

  Result<std::unique_ptr<DiskFile>> open_blob(const BlobHash& hash) const;

  std::shared_ptr<Disk> disk_;  // shared with writers, which may outlive the store
  std::filesystem::path directory_;
  std::shared_ptr<BlobNames> names_ = std::make_shared<BlobNames>();
  PromisedBytes promised_;
  bool sync_;
  std::uint64_t kept_free_bytes_;
};

Result<std::uint64_t> FileBlobStore::size_of(const BlobHash& hash) const {
  const auto found = disk_->facts(blob_path(directory_, hash));
  if (!found || !found->is_regular) return fail(not_found(hash));
  return found->size;
}

Result<std::filesystem::path> FileBlobStore::path_of(const BlobHash& hash) const {
  const std::filesystem::path path = blob_path(directory_, hash);
  const Status used = may_pass(mark_blob_used(*disk_, path));
  if (!used && used.error().code == Code::not_found) return fail(not_found(hash));
  if (!used) return fail(used.error().context("blob " + to_string(hash)));
  return path;
}

Result<std::unique_ptr<DiskFile>> FileBlobStore::open_blob(const BlobHash& hash) const {
  auto file = may_pass(disk_->open(blob_path(directory_, hash), OpenFor::read));
  if (!file && file.error().code == Code::not_found) return fail(not_found(hash));
  return file;
}

Result<Bytes> FileBlobStore::read(const BlobHash& hash, std::uint64_t offset,
                                  std::uint64_t length) const {
  FRAMEBUS_ASSIGN(const auto file, open_blob(hash));
  FRAMEBUS_ASSIGN(const std::uint64_t size, may_pass(file->size()));
  if (offset > size) {
    return fail(Code::invalid_argument, "offset " + std::to_string(offset) + " lies beyond the " +
                                            std::to_string(size) + " bytes of blob " +
                                            to_string(hash));
  }
  Bytes bytes(std::min(length, size - offset));
  FRAMEBUS_ASSIGN(const std::size_t got, may_pass(file->read(offset, bytes)));
  if (got != bytes.size())
    return fail(Code::data_loss, "blob " + to_string(hash) + " became shorter");
  return bytes;
}

Result<PromisedBytes::Promise> FileBlobStore::promise(std::uint64_t size) {
  std::uint64_t free_bytes = UINT64_MAX;  // a disk that does not answer refuses by itself
  auto room = promised_.promise(size, kept_free_bytes_, [&] {
    if (const auto free_now = disk_->free_bytes(directory_)) free_bytes = *free_now;
    return free_bytes;
  });
  if (room) return std::move(*room);
  // What is in the way may be blobs that are given up in the end.
  const bool may_fit = free_bytes >= kept_free_bytes_ && free_bytes - kept_free_bytes_ >= size;
  return fail(
      {Code::resource_exhausted,
       "no room for a blob of " + std::to_string(size) + " bytes in " + directory_.string() + ": " +
           std::to_string(free_bytes) + " bytes are free, " + std::to_string(promised_.total()) +
           " of them promised to blobs on their way, " + std::to_string(kept_free_bytes_) +
           " stay free" +
           (may_fit ? "" : "; free space on that disk, or move the directory to a larger one"),
       may_fit ? promised_retry_after_ms : 0});
}

Result<std::unique_ptr<BlobWriter>> FileBlobStore::begin(const BlobHash& hash, std::uint64_t size) {
  if (size > limits::blob_bytes_max) {
    return fail(Code::resource_exhausted, "a blob has at most " +
                                              std::to_string(limits::blob_bytes_max) +
                                              " bytes, not " + std::to_string(size));
  }
  FRAMEBUS_ASSIGN(PromisedBytes::Promise room, promise(size));
  FRAMEBUS_ASSIGN(PendingFile file, PendingFile::create(disk_, directory_));
  return std::make_unique<FileBlobWriter>(std::move(file), names_, std::move(room), hash, size,
                                          sync_);
}

Result<std::uint64_t> FileBlobStore::pin(const BlobHash& hash) {
  const std::lock_guard lock(names_->mutex);
  if (names_->unsynced.contains(hash)) return fail(not_found(hash));
  FRAMEBUS_ASSIGN(const auto file, open_blob(hash));
  FRAMEBUS_ASSIGN(const std::uint64_t size, may_pass(file->size()));
  FRAMEBUS_TRY(may_pass(file->touch(FileTime::used_and_changed)));
  return size;
}

Result<bool> FileBlobStore::remove_older(const BlobHash& hash, Duration age) {
  const std::filesystem::path path = blob_path(directory_, hash);
  const std::lock_guard lock(names_->mutex);
  if (names_->unsynced.contains(hash) || !is_older(*disk_, path, age)) return false;
  // Not synced: a name that a power failure brings back is found again by the next round.
  FRAMEBUS_TRY(may_pass(disk_->remove(path)));
  return true;
}

Result<BlobRef> FileBlobStore::put_file(const std::filesystem::path& path) {
  FRAMEBUS_ASSIGN(FileDescriptor source, open_file(path, O_RDONLY | O_NONBLOCK));
  struct stat found {};
  if (::fstat(source.get(), &found) != 0) return fail(errno_error(errno, "stat", path));
  if (!S_ISREG(found.st_mode)) {
    return fail(Code::invalid_argument, "store " + path.string() + ": not a regular file");
  }
  FRAMEBUS_ASSIGN(auto room, promise(static_cast<std::uint64_t>(found.st_size)));
  FRAMEBUS_ASSIGN(PendingFile file, PendingFile::create(disk_, directory_));
  BlobHasher hasher;
  BlobRef blob;
  Bytes buffer(copy_bytes);
  for (;;) {
    FRAMEBUS_ASSIGN(const std::size_t got, read_at(source.get(), blob.size, buffer, path));
    if (got == 0) break;
    hasher.update({buffer.data(), got});
    FRAMEBUS_TRY(file.write(blob.size, {buffer.data(), got}));
    room.written(got);
    blob.size += got;
  }
  blob.hash = hasher.finish();
  if (pin(blob.hash)) return blob;
  FRAMEBUS_TRY(file.publish(blob.hash, *names_, sync_));
  return blob;
}

// The store, its parts and the place of what is not finished. Made beforehand, so that nobody has
// to wait for another's sync of the store's own directory. Names that the process before gave and did
// not live to sync are synced now: all of them, since no clock tells which are old.
Status make_directories(Disk& disk, const std::filesystem::path& directory, bool sync) {
  const std::filesystem::path parent =
      directory.has_parent_path() ? directory.parent_path() : std::filesystem::path(".");
  FRAMEBUS_TRY(disk.make_directory(directory));
  FRAMEBUS_TRY(disk.make_directory(directory / "tmp"));
  std::vector<std::filesystem::path> to_sync;
  for (unsigned part = 0; part < blob_parts; ++part) {
    const std::filesystem::path path = blob_part_path(directory, part);
    FRAMEBUS_ASSIGN(const bool is_new, disk.make_directory(path));
    if (!is_new) to_sync.push_back(path);
  }
  if (!sync) return {};
  to_sync.insert(to_sync.end(), {directory, parent});
  return disk.sync_directories(to_sync);
}

}  // namespace

Result<BlobRef> BlobStore::put_bytes(BytesView bytes) {
  const BlobRef blob{hash_bytes(bytes), bytes.size(), {}};
  if (pin(blob.hash)) return blob;
  FRAMEBUS_ASSIGN(const auto writer, begin(blob.hash, blob.size));
  FRAMEBUS_TRY(writer->write(0, bytes));
  FRAMEBUS_TRY(writer->commit());
  return blob;
}

Result<std::unique_ptr<BlobStore>> open_blob_store(const std::filesystem::path& directory,
                                                   bool sync, std::uint64_t kept_free_bytes) {
  std::error_code error;  // what could not be made shows in a moment
  if (directory.has_parent_path())
    std::filesystem::create_directories(directory.parent_path(), error);
  return open_blob_store_on(make_posix_disk(), directory, sync, kept_free_bytes);
}

Result<std::unique_ptr<BlobStore>> open_blob_store_on(std::shared_ptr<Disk> disk,
                                                      const std::filesystem::path& directory,
                                                      bool sync, std::uint64_t kept_free_bytes) {
  FRAMEBUS_TRY(may_pass(make_directories(*disk, directory, sync)));
  remove_abandoned_files(*disk, directory);
  return std::make_unique<FileBlobStore>(std::move(disk), directory, sync, kept_free_bytes);
}

}  // namespace framebus
