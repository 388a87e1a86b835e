// See snapshot_writer.h.
#include "broker/store/journal/snapshot_writer.h"

#include "broker/store/journal/crc32c.h"

namespace framebus::broker::journal {
namespace {

constexpr std::size_t batch_bytes = 256 * 1024;
constexpr std::size_t flush_bytes = 1024 * 1024;
// Synced as it grows: one sync of gigabytes would stall the commits on the same disk.
constexpr std::uint64_t sync_bytes = 8ull * 1024 * 1024;

}  // namespace

SnapshotWriter::SnapshotWriter(Disk& disk, std::filesystem::path directory, FileHeader header)
    : disk_(&disk), directory_(std::move(directory)), file_header_(header) {
  batch_.stamp = header.stamp;
}

std::filesystem::path SnapshotWriter::temporary_path() const {
  return directory_ / (snapshot_name(file_header_.number) + ".tmp");
}

Result<SnapshotWriter> SnapshotWriter::create(Disk& disk, const std::filesystem::path& directory,
                                              std::uint64_t upto_lsn, std::uint64_t next_segment,
                                              std::uint64_t stamp) {
  FileHeader header;
  header.kind = FileKind::snapshot;
  header.number = upto_lsn;
  header.first_lsn = 1;
  header.stamp = stamp;
  header.next_segment = next_segment;
  SnapshotWriter writer(disk, directory, header);
  // Left by an attempt of this process that could not even remove it.
  auto removed = disk.remove(writer.temporary_path());
  if (!removed && removed.error().code != Code::not_found) return fail(removed.error());
  FRAMEBUS_ASSIGN(writer.file_, disk.open(writer.temporary_path(), OpenFor::create));
  return writer;
}

SnapshotWriter::~SnapshotWriter() {
  if (file_ == nullptr) return;
  file_.reset();
  (void)disk_->remove(temporary_path());  // what is left is removed when the journal is opened
}

Status SnapshotWriter::add(const RawRecord& record) {
  const bool starts_batch = batch_.count == 0;
  const bool joins = !starts_batch && record.at_ns == batch_.at_ns && body_.size() < batch_bytes &&
                     record.lsn - batch_.first_lsn < UINT32_MAX &&
                     record.payload.size() < batch_body_bytes_max / 2;
  if (!starts_batch && !joins) end_batch();
  if (!joins) {
    batch_.first_lsn = record.lsn;
    batch_.at_ns = record.at_ns;
  }
  const std::size_t begin = reserve_record(body_);
  body_.insert(body_.end(), record.payload.begin(), record.payload.end());
  finish_record(body_, begin, record.number,
                static_cast<std::uint32_t>(record.lsn - batch_.first_lsn));
  ++batch_.count;
  last_at_ns_ = record.at_ns;
  return out_.size() >= flush_bytes ? flush() : Status{};
}

void SnapshotWriter::end_batch() {
  if (batch_.count == 0) return;
  pad_body(body_, 0);
  batch_.length = static_cast<std::uint32_t>(body_.size());
  batch_.body_crc = crc32c(body_);
  batch_.previous = previous_;
  append_batch_header(batch_, out_);
  previous_ = batch_.id();
  out_.insert(out_.end(), body_.begin(), body_.end());
  body_.clear();
  batch_.count = 0;
}

Status SnapshotWriter::flush() {
  FRAMEBUS_TRY(file_->write(offset_, out_));
  offset_ += out_.size();
  unsynced_bytes_ += out_.size();
  out_.clear();
  if (unsynced_bytes_ < sync_bytes) return {};
  unsynced_bytes_ = 0;
  return file_->sync();
}

Result<SealedFile> SnapshotWriter::finish(std::uint64_t chain) {
  end_batch();
  BatchHeader seal;
  seal.first_lsn = file_header_.number + 1;
  seal.at_ns = last_at_ns_;
  seal.durable_upto = file_header_.number;
  seal.previous = previous_;
  seal.stamp = file_header_.stamp;
  append_batch_header(seal, out_);
  FRAMEBUS_TRY(flush());
  file_header_.chain = chain;
  Bytes header;
  append_file_header(file_header_, header);
  FRAMEBUS_TRY(file_->write(0, header));
  FRAMEBUS_TRY(file_->sync());
  const std::string name = snapshot_name(file_header_.number);
  FRAMEBUS_TRY(disk_->rename(temporary_path(), directory_ / name));
  file_.reset();
  FRAMEBUS_TRY(disk_->sync_directory(directory_));
  return SealedFile{name, file_header_.number, offset_};
}

}  // namespace framebus::broker::journal
