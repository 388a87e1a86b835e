// Recovery of a Journal: from files to the position at which it goes on.
//
// Nothing is changed before everything was read and judged. What is then cut off was never
// acknowledged; what is kept is written and synced once more where no header proves that it was,
// for a process that died may have left it in the page cache only, and a failed sync may have lied.
#include <algorithm>

#include "broker/store/journal/format.h"
#include "broker/store/journal/journal.h"
#include "broker/store/journal/upkeep.h"
#include "broker/store/record_codec.h"
#include "libmsg/base/check.h"

namespace framebus::broker::journal {
namespace {

// Whatever the disk calls it, also a lack of space: what was read may not be there to stay.
Status as_sync(Status synced) {
  if (synced) return synced;
  Error error = synced.error().context("the journal can not be synced");
  error.code = Code::internal;
  return fail(std::move(error));
}

}  // namespace

Status Journal::replay(const RecordSink& sink) {
  FRAMEBUS_CHECK(!is_open_, "a journal is replayed once");
  if (Status recovered = recover(sink); !recovered) {
    failure_ = recovered;
    return recovered;
  }
  is_open_ = true;
  look_at_space();
  // Without room for it the seal is left out: it only helps to tell damage from a torn tail.
  Status sealed = seal();
  if (!sealed && sealed.error().code == Code::resource_exhausted) return {};
  return sealed;
}

Status Journal::recover(const RecordSink& sink) {
  FRAMEBUS_TRY(disk_.make_directory(options_.directory));
  const std::filesystem::path parent = options_.directory.parent_path();
  FRAMEBUS_TRY(as_sync(disk_.sync_directory(parent.empty() ? "." : parent)));
  const auto take = [&](const RawRecord& raw) -> Status {
    auto record = decode_record(raw.number, raw.payload);
    if (!record) {
      return fail(record.error().context(options_.directory.string() + ": record " +
                                         std::to_string(raw.lsn)));
    }
    weights_.note({keys_of(*record), record_header_bytes + raw.payload.size()});
    if (sink) sink(raw.lsn, TimePoint(Duration(raw.at_ns)), *record);
    return {};
  };
  FRAMEBUS_ASSIGN(const JournalFacts facts, read_journal(disk_, options_.directory, take));
  if (facts.is_damaged) return fail(damage_error(options_.directory, facts));
  take_over(facts);
  FRAMEBUS_TRY(settle(facts));
  return last_lsn_ < options_.numbers_above ? pass_over_numbers() : Status();
}

// A snapshot that stands for more numbers than there are records: what a compaction leaves, so it
// is made by one, from all there is, before anything else is written. A crash leaves the old files,
// and the next start does it again, or the whole snapshot.
Status Journal::pass_over_numbers() {
  UpkeepJob job;
  job.kind = UpkeepJob::Kind::compact;
  job.directory = options_.directory;
  if (snapshot_) job.sources.push_back(*snapshot_);
  job.sources.insert(job.sources.end(), sealed_segments_.begin(), sealed_segments_.end());
  if (active_.file != nullptr)
    job.sources.push_back({segment_name(active_.number), active_.number, active_.capacity_bytes});
  job.next_segment = next_segment_;
  job.upto_lsn = last_lsn_;
  job.pass_over_lsn = options_.numbers_above;
  job.stamp = next_stamp(options_.salt ^ job.pass_over_lsn);
  job.forget_after = options_.forget_after;
  active_ = {};
  const UpkeepResult result = run_upkeep(disk_, job);
  FRAMEBUS_TRY(result.status);
  snapshot_ = result.made;
  weights_.dropped(result.dropped_bytes);
  sealed_segments_.clear();
  sealed_upto_lsn_ = last_lsn_ = durable_lsn_ = job.pass_over_lsn;
  is_sealed_ = true;
  return {};
}

void Journal::take_over(const JournalFacts& facts) {
  next_segment_ = facts.next_segment;
  chain_ = facts.after.chain;
  last_at_ns_ = facts.after.at_ns;
  last_lsn_ = facts.last_lsn();
  durable_lsn_ = last_lsn_;
  is_sealed_ = facts.is_sealed;
  stats_.dropped_tail_records = facts.dropped_records;
  if (facts.snapshot) {
    snapshot_ = SealedFile{facts.snapshot->name, facts.snapshot->number, facts.snapshot->bytes};
    sealed_upto_lsn_ = snapshot_->number;
  }
  for (std::size_t i = 0; i + 1 < facts.segments.size(); ++i) {
    const FileFacts& segment = facts.segments[i];
    sealed_segments_.push_back({segment.name, segment.number, segment.bytes});
    sealed_upto_lsn_ = std::max(sealed_upto_lsn_, segment.last_lsn);
  }
  if (!facts.segments.empty()) stamp_ = facts.stamp;
}

Status Journal::remove_files(const std::vector<std::string>& names) {
  for (const std::string& name : names) FRAMEBUS_TRY(disk_.remove(path_of(name)));
  return {};
}

Status Journal::settle(const JournalFacts& facts) {
  // First the names that were read: the files a snapshot stands for go only when it is there to
  // stay.
  FRAMEBUS_TRY(as_sync(disk_.sync_directory(options_.directory)));
  FRAMEBUS_TRY(remove_files(facts.unfinished));
  FRAMEBUS_TRY(remove_files(facts.covered));
  FRAMEBUS_TRY(remove_files(facts.later));
  FRAMEBUS_TRY(adopt_spares(facts.spares));
  FRAMEBUS_TRY(as_sync(disk_.sync_directory(options_.directory)));
  return facts.segments.empty() ? Status{} : open_active(facts);
}

Status Journal::adopt_spares(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    next_spare_ = std::max(next_spare_, *spare_number(name) + 1);
    FRAMEBUS_ASSIGN(const std::unique_ptr<DiskFile> file, disk_.open(path_of(name), OpenFor::read));
    FRAMEBUS_ASSIGN(const std::uint64_t bytes, file->size());
    if (bytes >= options_.segment_bytes) {
      spares_.push_back(name);
    } else {
      FRAMEBUS_TRY(disk_.remove(path_of(name)));
    }
  }
  return {};
}

Status Journal::open_active(const JournalFacts& facts) {
  const FileFacts& last = facts.segments.back();
  FRAMEBUS_ASSIGN(active_.file, disk_.open(path_of(last.name), OpenFor::write));
  active_.number = last.number;
  active_.end = last.end;
  active_.capacity_bytes = std::max(last.bytes, last.end);
  if (facts.traces.bytes > 0 || facts.bad) {
    FRAMEBUS_TRY(active_.file->truncate(last.end));
    active_.capacity_bytes = last.end;
  }
  const std::uint64_t capacity = std::max(options_.segment_bytes, last.end);
  if (Status allocated = active_.file->allocate(capacity); allocated) {
    active_.capacity_bytes = std::max(active_.capacity_bytes, capacity);
  } else if (allocated.error().code != Code::resource_exhausted) {
    return allocated;
  }
  FRAMEBUS_TRY(write_again(facts.unclaimed_from));
  return as_sync(active_.file->sync());
}

Status Journal::write_again(std::uint64_t from) {
  Bytes piece(1024 * 1024);
  for (std::uint64_t at = from; at < active_.end;) {
    piece.resize(static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), active_.end - at)));
    FRAMEBUS_ASSIGN(const std::size_t got, active_.file->read(at, piece));
    if (got == 0) return fail(Code::data_loss, "the journal became shorter while it was read");
    FRAMEBUS_TRY(active_.file->write(at, BytesView(piece).first(got)));
    at += got;
  }
  return {};
}

}  // namespace framebus::broker::journal
