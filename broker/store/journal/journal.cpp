// See journal.h. Recovery is in journal_recovery.cpp.
#include "broker/store/journal/journal.h"

#include <algorithm>

#include "broker/store/journal/crc32c.h"
#include "broker/store/journal/format.h"
#include "libmsg/base/check.h"

namespace framebus::broker::journal {
namespace {

// Batches go out together up to this size.
constexpr std::size_t group_bytes = 4 * 1024 * 1024;
// One for the next roll, and one that stays when the disk is full.
constexpr std::size_t spares_kept = 2;

}  // namespace

Journal::Journal(Disk& disk, JournalOptions options) : disk_(disk), options_(std::move(options)) {}

Status Journal::note_failure(Status status) {
  if (!status && status.error().code != Code::resource_exhausted) failure_ = status;
  return status;
}

// A segment always keeps room for a seal behind its last batch.
std::uint64_t Journal::room_needed(std::size_t body_bytes) const {
  return batch_header_bytes + body_bytes + batch_header_bytes;
}

bool Journal::fits(std::uint64_t needed) const {
  if (active_.file == nullptr) return false;
  return std::max<std::uint64_t>(active_.end, file_header_bytes) + needed <= active_.capacity_bytes;
}

Status Journal::append(TimePoint at, const std::vector<Record>& records) {
  FRAMEBUS_ASSIGN(const Batch batch, make_batch(at, last_lsn_ + 1, records));
  return write({&batch, 1});
}

Status Journal::write(std::span<const Batch> batches) {
  FRAMEBUS_CHECK(is_open_, "a journal is written before it was replayed");
  if (!failure_) return failure_;
  while (!batches.empty()) {
    const std::uint64_t needed = room_needed(batches.front().body.size());
    if (!fits(needed)) FRAMEBUS_TRY(note_failure(roll(needed)));
    std::size_t count = 0;
    FRAMEBUS_TRY(note_failure(write_group(batches, count)));
    batches = batches.subspan(count);
  }
  return {};
}

// Writes as many as fit, at least the first; the journal's state changes only when that succeeded.
Status Journal::write_group(std::span<const Batch> batches, std::size_t& count) {
  buffer_.clear();
  if (active_.end == 0) {
    FileHeader header;
    header.number = active_.number;
    header.first_lsn = last_lsn_ + 1;
    header.chain = chain_;
    header.stamp = stamp_;
    append_file_header(header, buffer_);
  }
  BatchHeader header;
  header.at_ns = last_at_ns_;
  std::uint64_t chain = chain_;
  std::uint64_t next_lsn = last_lsn_ + 1;
  for (const Batch& batch : batches) {
    const std::uint64_t end = active_.end + buffer_.size() + room_needed(batch.body.size());
    if (count > 0 && (buffer_.size() >= group_bytes || end > active_.capacity_bytes)) break;
    FRAMEBUS_CHECK(batch.first_lsn == next_lsn && batch.count > 0,
                   "a batch does not continue the journal");
    header.length = static_cast<std::uint32_t>(batch.body.size());
    header.count = batch.count;
    header.first_lsn = batch.first_lsn;
    header.at_ns = std::max(header.at_ns, batch.at_ns);
    header.durable_upto = durable_lsn_;
    header.previous = chain;
    header.stamp = stamp_;
    header.body_crc = crc32c(batch.body);
    append_batch_header(header, buffer_);
    buffer_.insert(buffer_.end(), batch.body.begin(), batch.body.end());
    chain = header.id();
    next_lsn += batch.count;
    ++count;
  }
  FRAMEBUS_TRY(active_.file->write(active_.end, buffer_));
  active_.end += buffer_.size();
  chain_ = chain;
  last_at_ns_ = header.at_ns;
  stats_.records += next_lsn - 1 - last_lsn_;
  stats_.bytes += buffer_.size();
  last_lsn_ = next_lsn - 1;
  is_sealed_ = false;
  has_unsynced_ = true;
  for (const Batch& batch : batches.first(count)) {
    for (const RecordWeight& weight : batch.weights) weights_.note(weight);
  }
  return {};
}

Status Journal::sync() {
  if (!failure_) return failure_;
  if (!has_unsynced_) return {};
  if (Status synced = active_.file->sync(); !synced) {
    failure_ = fail(synced.error().context("the journal can not be synced"));
    if (failure_.error().code == Code::resource_exhausted) failure_.error().code = Code::internal;
    return failure_;
  }
  ++stats_.syncs;
  has_unsynced_ = false;
  durable_lsn_ = last_lsn_;
  return {};
}

Status Journal::write_seal() {
  BatchHeader header;
  header.first_lsn = last_lsn_ + 1;
  header.at_ns = last_at_ns_;
  header.durable_upto = durable_lsn_;
  header.previous = chain_;
  header.stamp = stamp_;
  buffer_.clear();
  append_batch_header(header, buffer_);
  FRAMEBUS_TRY(active_.file->write(active_.end, buffer_));
  active_.end += buffer_.size();
  stats_.bytes += buffer_.size();
  chain_ = header.id();
  has_unsynced_ = true;
  return {};
}

Status Journal::seal() {
  FRAMEBUS_TRY(sync());
  if (is_sealed_ || active_.end == 0) return {};
  if (active_.end + batch_header_bytes > active_.capacity_bytes) return {};
  FRAMEBUS_TRY(note_failure(write_seal()));
  is_sealed_ = true;
  return sync();
}

// The old segment is whole and durable before the new one has a byte; so a new one proves it.
Status Journal::roll(std::uint64_t needed) {
  const std::uint64_t capacity = std::max(options_.segment_bytes, file_header_bytes + needed);
  if (active_.file != nullptr && active_.end == 0) {
    FRAMEBUS_TRY(active_.file->allocate(capacity));
    active_.capacity_bytes = capacity;
    return {};
  }
  FRAMEBUS_TRY(sync());
  FRAMEBUS_ASSIGN(std::unique_ptr<DiskFile> file,
                  take_spare(path_of(segment_name(next_segment_)), capacity));
  if (Status synced = disk_.sync_directory(options_.directory); !synced) {
    failure_ = fail(synced.error().context("the journal's directory can not be synced"));
    return failure_;
  }
  if (active_.file != nullptr) {
    sealed_segments_.push_back(
        {segment_name(active_.number), active_.number, active_.capacity_bytes});
    sealed_upto_lsn_ = last_lsn_;
  }
  active_ = {std::move(file), next_segment_++, capacity, 0};
  stamp_ = next_stamp(stamp_ == 0 ? options_.salt : stamp_);
  const std::uint64_t dead = weights_.dead_bytes();
  if (dead > options_.compact_dead_bytes_min && dead > weights_.total_bytes() / 2)
    compaction_is_due_ = true;
  return {};
}

Result<std::unique_ptr<DiskFile>> Journal::take_spare(const std::filesystem::path& as,
                                                      std::uint64_t capacity_bytes) {
  if (!spares_.empty()) {
    const std::filesystem::path path = path_of(spares_.back());
    FRAMEBUS_ASSIGN(std::unique_ptr<DiskFile> file, disk_.open(path, OpenFor::write));
    FRAMEBUS_TRY(file->allocate(capacity_bytes));
    FRAMEBUS_TRY(disk_.rename(path, as));
    spares_.pop_back();
    return file;
  }
  FRAMEBUS_ASSIGN(std::unique_ptr<DiskFile> file, disk_.open(as, OpenFor::create));
  if (Status allocated = file->allocate(capacity_bytes); !allocated) {
    file.reset();
    FRAMEBUS_TRY(disk_.remove(as));
    return fail(allocated.error());
  }
  return file;
}

std::optional<UpkeepJob> Journal::plan_upkeep() {
  if (!is_open_ || upkeep_runs_ || !failure_) return std::nullopt;
  UpkeepJob job;
  job.directory = options_.directory;
  if (compaction_is_due_) {
    compaction_is_due_ = false;
    const std::uint64_t covered = snapshot_ ? snapshot_->number : 0;
    if (!sealed_segments_.empty() && sealed_upto_lsn_ > covered) {
      job.kind = UpkeepJob::Kind::compact;
      if (snapshot_) job.sources.push_back(*snapshot_);
      job.sources.insert(job.sources.end(), sealed_segments_.begin(), sealed_segments_.end());
      job.next_segment = sealed_segments_.back().number + 1;
      job.upto_lsn = sealed_upto_lsn_;
      job.stamp = next_stamp(options_.salt ^ job.upto_lsn);
      job.forget_after = options_.forget_after;
      upkeep_runs_ = true;
      return job;
    }
  }
  if (spares_.size() >= spares_kept || has_no_room_) return std::nullopt;
  job.kind = UpkeepJob::Kind::spare;
  job.name = spare_name(next_spare_++);
  job.bytes = options_.segment_bytes;
  upkeep_runs_ = true;
  return job;
}

void Journal::finish_upkeep(const UpkeepResult& result) {
  upkeep_runs_ = false;
  if (result.job.kind == UpkeepJob::Kind::spare) {
    if (result.status) {
      spares_.push_back(result.made.name);
    } else {
      has_no_room_ = true;  // whatever the reason: until look_at_space() sees room again
    }
    return;
  }
  if (!result.status) {
    ++stats_.failed_compactions;
    return;
  }
  ++stats_.compactions;
  snapshot_ = result.made;
  weights_.dropped(result.dropped_bytes);
  std::erase_if(sealed_segments_, [&](const SealedFile& segment) {
    return segment.number < result.job.next_segment;
  });
}

Status Journal::request_compaction() {
  if (!failure_) return failure_;
  if (active_.end > file_header_bytes && last_lsn_ > sealed_upto_lsn_) {
    FRAMEBUS_TRY(note_failure(roll(room_needed(0))));
  }
  compaction_is_due_ = true;
  return {};
}

void Journal::look_at_space() {
  const auto free = disk_.free_bytes(options_.directory);
  if (!free) return;
  free_bytes_ = *free;
  if (free_bytes_ >= options_.segment_bytes) has_no_room_ = false;
}

StoreStats Journal::stats() const {
  StoreStats stats = stats_;
  stats.dead_bytes = weights_.dead_bytes();
  for (const SealedFile& segment : sealed_segments_) stats.disk_bytes += segment.bytes;
  if (snapshot_) stats.disk_bytes += snapshot_->bytes;
  const std::uint64_t spare_bytes = spares_.size() * options_.segment_bytes;
  stats.disk_bytes += active_.capacity_bytes + spare_bytes;
  stats.free_bytes = free_bytes_;
  stats.reserved_bytes = active_.capacity_bytes - active_.end + spare_bytes;
  stats.is_full = has_no_room_ || free_bytes_ < options_.free_bytes_min;
  return stats;
}

}  // namespace framebus::broker::journal
