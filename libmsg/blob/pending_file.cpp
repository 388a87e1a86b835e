// See pending_file.h.
#include "libmsg/blob/pending_file.h"

#include <unistd.h>

#include <atomic>

namespace framebus {
namespace {

// Writeback of a growing file is started this often, so that the sync at its end is short.
constexpr std::uint64_t writeback_bytes = 32ull * 1024 * 1024;

}  // namespace

std::filesystem::path blob_path(const std::filesystem::path& store_directory,
                                const BlobHash& hash) {
  const std::string name = to_string(hash);
  return store_directory / name.substr(0, 2) / name;
}

PendingFile::PendingFile(std::shared_ptr<Disk> disk, std::filesystem::path store_directory,
                         std::filesystem::path path, std::unique_ptr<DiskFile> file)
    : disk_(std::move(disk)),
      store_directory_(std::move(store_directory)),
      path_(std::move(path)),
      file_(std::move(file)) {}

Result<PendingFile> PendingFile::create(std::shared_ptr<Disk> disk,
                                        const std::filesystem::path& store_directory) {
  static std::atomic<std::uint64_t> next_number{1};
  for (;;) {
    const std::filesystem::path path =
        store_directory / "tmp" /
        (std::to_string(::getpid()) + "-" + std::to_string(next_number++));
    auto file = may_pass(disk->open(path, OpenFor::create_held));
    if (!file && file.error().code == Code::already_exists) continue;  // of an earlier process
    if (!file) return fail(std::move(file).error());
    return PendingFile(std::move(disk), store_directory, path, std::move(*file));
  }
}

PendingFile::~PendingFile() {
  if (file_) (void)disk_->remove(path_);
}

Status PendingFile::write(std::uint64_t offset, BytesView bytes) {
  FRAMEBUS_TRY(may_pass(file_->write(offset, bytes)));
  const std::uint64_t end = offset + bytes.size();
  if (end >= unsent_begin_ + writeback_bytes) {
    file_->begin_writeback(unsent_begin_, end - unsent_begin_);
    unsent_begin_ = end;
  }
  return {};
}

Result<std::size_t> PendingFile::read(std::uint64_t offset, std::span<std::uint8_t> into) const {
  return may_pass(file_->read(offset, into));
}

Status PendingFile::publish(const BlobHash& hash, BlobNames& names, bool sync) {
  const std::filesystem::path target = blob_path(store_directory_, hash);
  if (sync) FRAMEBUS_TRY(may_pass(file_->sync()));
  FRAMEBUS_ASSIGN(const bool is_new, may_pass(disk_->make_directory(target.parent_path())));
  {
    const std::lock_guard lock(names.mutex);
    FRAMEBUS_TRY(may_pass(disk_->rename(path_, target)));
    if (sync) names.unsynced.insert(hash);
  }
  file_.reset();
  if (!sync) return {};
  // After an error the name stays among the unsynced: whoever asks for it has to put it again.
  FRAMEBUS_TRY(may_pass(sync_names(target, is_new)));
  const std::lock_guard lock(names.mutex);
  names.unsynced.erase(hash);
  return {};
}

Status PendingFile::sync_names(const std::filesystem::path& target, bool is_new) {
  FRAMEBUS_TRY(disk_->sync_directory(target.parent_path()));
  return is_new ? disk_->sync_directory(store_directory_) : Status{};
}

void remove_abandoned_files(Disk& disk, const std::filesystem::path& store_directory) {
  const auto names = disk.list(store_directory / "tmp");
  if (!names) return;
  for (const std::string& name : *names) {
    const std::filesystem::path path = store_directory / "tmp" / name;
    if (const auto held = disk.open(path, OpenFor::hold)) (void)disk.remove(path);
  }
}

}  // namespace framebus
