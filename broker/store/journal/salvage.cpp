// See salvage.h.
#include "broker/store/journal/salvage.h"

#include <algorithm>

#include "broker/store/journal/crc32c.h"
#include "broker/store/journal/format.h"
#include "broker/store/record_codec.h"

namespace framebus::broker::journal {

bool ConsistentRecords::takes_upload(const RecordKeys& keys) {
  if (keys.number == UploadOpened::number) {
    uploads_[keys.submit_id] = gaps_;
    return true;
  }
  const auto upload = uploads_.find(keys.submit_id);
  if (upload == uploads_.end()) return false;
  if (keys.number == UploadPart::number) return upload->second == gaps_;
  uploads_.erase(upload);  // UploadDropped: whatever it had is dropped
  return true;
}

bool ConsistentRecords::takes(const RecordKeys& keys) {
  switch (keys.number) {
    case UploadOpened::number:
    case UploadPart::number:
    case UploadDropped::number:
      return takes_upload(keys);
    case StickySet::number:
      return true;
    case JobForgotten::number:
      jobs_.erase(keys.job);
      forgotten_[keys.job] = gaps_;
      return true;
    case JobAccepted::number: {
      if (keys.uploaded) {
        const auto upload = uploads_.find(keys.submit_id);
        if (upload == uploads_.end() || upload->second != gaps_) return false;
      }
      jobs_[keys.job] = gaps_;
      return true;
    }
    case JobRevived::number: {
      // The first piece comes after the JobForgotten, or, that being too old, when nothing is lost.
      const auto forgotten = forgotten_.find(keys.job);
      const bool begins = !jobs_.contains(keys.job) &&
                          (forgotten == forgotten_.end() ? gaps_ == 0 : forgotten->second == gaps_);
      if (begins) jobs_[keys.job] = gaps_;
      break;
    }
    default:
      break;
  }
  const auto job = jobs_.find(keys.job);
  return job != jobs_.end() && job->second == gaps_;
}

namespace {

Result<bool> is_zero(FileWindow& window, std::uint64_t from, std::uint64_t to) {
  while (from < to) {
    FRAMEBUS_ASSIGN(const BytesView bytes,
                    window.view(from, static_cast<std::size_t>(
                                          std::min<std::uint64_t>(to - from, 256 * 1024))));
    if (bytes.empty()) break;
    if (std::ranges::any_of(bytes, [](std::uint8_t byte) { return byte != 0; })) return false;
    from += bytes.size();
  }
  return true;
}

class Salvage {
 public:
  Salvage(Disk& disk, std::filesystem::path directory, const RawSink& sink)
      : disk_(disk), directory_(std::move(directory)), sink_(sink) {}

  Result<SalvageFacts> run();

 private:
  Status read_file(const std::string& name, bool is_snapshot);
  Status read_batch(const BatchHeader& header, BytesView body, bool is_snapshot);
  Status take(const RawRecord& record, bool is_snapshot);
  void note_place(const std::string& what);
  void note_lost_before(std::uint64_t lsn);

  Disk& disk_;
  std::filesystem::path directory_;
  const RawSink& sink_;
  SalvageFacts facts_;
  ConsistentRecords consistent_;
  std::string file_;
  std::uint64_t next_lsn_ = 1;  // the lowest that may come
  std::int64_t at_ns_ = INT64_MIN;
};

void Salvage::note_place(const std::string& what) {
  facts_.places.push_back(file_ + ": " + what);
  consistent_.note_gap();
}

void Salvage::note_lost_before(std::uint64_t lsn) {
  if (lsn <= next_lsn_) return;
  facts_.lost.emplace_back(next_lsn_, lsn - 1);
  consistent_.note_gap();
}

Status Salvage::take(const RawRecord& record, bool is_snapshot) {
  if (record.lsn < next_lsn_) return {};
  if (!is_snapshot) note_lost_before(record.lsn);
  // A sum may be right by chance, and what it guards still be no record.
  const auto decoded = decode_record(record.number, record.payload);
  if (!decoded) {
    note_place(decoded.error().message);
    return {};
  }
  ++facts_.readable;
  next_lsn_ = record.lsn + 1;
  const RecordKeys keys = keys_of(*decoded);
  if (!consistent_.takes(keys)) {
    ++facts_.cut[keys.job];
    return {};
  }
  ++facts_.kept;
  facts_.last_kept_lsn = record.lsn;
  return sink_({record.lsn, at_ns_, record.number, record.payload});
}

// Of a batch whose sum is wrong, the records whose own is right.
Status Salvage::read_batch(const BatchHeader& header, BytesView body, bool is_snapshot) {
  const bool is_whole = crc32c(body) == header.body_crc;
  if (!is_whole) note_place("the batch from record " + std::to_string(header.first_lsn));
  at_ns_ = std::max(at_ns_, header.at_ns);
  for (std::uint32_t i = 0; i < header.count; ++i) {
    const BytesView at = body;
    RecordView record;
    if (!next_record(body, record)) break;
    if (!is_whole && !has_valid_crc(at, record)) {
      consistent_.note_gap();
      continue;
    }
    FRAMEBUS_TRY(take(
        {header.first_lsn + record.header.lsn_offset, at_ns_, record.header.number, record.payload},
        is_snapshot));
  }
  return {};
}

Status Salvage::read_file(const std::string& name, bool is_snapshot) {
  file_ = name;
  FRAMEBUS_ASSIGN(FileWindow window, FileWindow::open(disk_, directory_ / name));
  FRAMEBUS_ASSIGN(const BytesView start, window.view(0, file_header_bytes));
  const auto file_header = decode_file_header(start);
  if (!file_header && file_header.error().code == Code::unsupported_version)
    return fail(file_header.error().context((directory_ / name).string()));
  const std::uint64_t stamp = file_header ? file_header->stamp : 0;
  std::uint64_t offset = file_header ? file_header_bytes : 0;
  while (offset < window.size()) {
    FRAMEBUS_ASSIGN(const std::uint64_t at, find_header(window, offset, stamp));
    const bool is_end = at == window.size();
    FRAMEBUS_ASSIGN(const bool is_clean, is_zero(window, offset, at));
    if (!is_clean || (!is_end && at != offset)) {
      note_place("unreadable from offset " + std::to_string(offset));
    }
    if (is_end) break;
    FRAMEBUS_ASSIGN(const BytesView head, window.view(at, batch_header_bytes));
    FRAMEBUS_ASSIGN(const BatchHeader header, decode_batch_header(head));
    FRAMEBUS_ASSIGN(const BytesView whole, window.view(at, batch_header_bytes + header.length));
    facts_.last_lsn = std::max({facts_.last_lsn, header.durable_upto, header.first_lsn - 1});
    FRAMEBUS_TRY(read_batch(header, whole.subspan(batch_header_bytes), is_snapshot));
    offset = at + whole.size();
  }
  if (is_snapshot && file_header) next_lsn_ = std::max(next_lsn_, file_header->number + 1);
  return {};
}

Result<SalvageFacts> Salvage::run() {
  FRAMEBUS_ASSIGN(const std::vector<std::string> names, disk_.list(directory_));
  std::map<std::uint64_t, std::string> segments;
  std::map<std::uint64_t, std::string> snapshots;
  for (const std::string& name : names) {
    if (const auto segment = segment_number(name)) segments[*segment] = name;
    if (const auto lsn = snapshot_lsn(name)) snapshots[*lsn] = name;
  }
  for (const auto& [lsn, name] : snapshots) facts_.files.push_back(name);
  for (const auto& [number, name] : segments) facts_.files.push_back(name);
  if (!snapshots.empty()) {
    facts_.last_snapshot = snapshots.rbegin()->first;
    facts_.last_lsn = facts_.last_snapshot;
    FRAMEBUS_TRY(read_file(snapshots.rbegin()->second, true));
    if (next_lsn_ <= facts_.last_snapshot) {
      next_lsn_ = facts_.last_snapshot + 1;
      note_place("its end is unreadable");
    }
  }
  for (const auto& [number, name] : segments) {
    facts_.last_segment = number;
    FRAMEBUS_TRY(read_file(name, false));
  }
  facts_.last_lsn = std::max(facts_.last_lsn, next_lsn_ - 1);
  note_lost_before(facts_.last_lsn + 1);
  return std::move(facts_);
}

}  // namespace

Result<SalvageFacts> salvage_journal(Disk& disk, const std::filesystem::path& directory,
                                     const RawSink& sink) {
  return Salvage(disk, directory, sink).run();
}

}  // namespace framebus::broker::journal
