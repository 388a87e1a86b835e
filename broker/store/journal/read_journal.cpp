// See read_journal.h.
#include "broker/store/journal/read_journal.h"

#include <algorithm>
#include <map>

namespace framebus::broker::journal {
namespace {

// A file that stands further ahead than that was not left by a crash: its stamp is not followed.
constexpr std::uint64_t segments_ahead_max = 1'000;

bool is_zero(BytesView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

class Reading {
 public:
  Reading(Disk& disk, std::filesystem::path directory, const RawSink& sink)
      : disk_(disk), directory_(std::move(directory)), sink_(sink) {}

  Result<JournalFacts> run() {
    FRAMEBUS_TRY(list_files());
    FRAMEBUS_TRY(read_snapshot());
    while (!has_ended_ && segments_.contains(facts_.next_segment)) FRAMEBUS_TRY(read_segment());
    FRAMEBUS_TRY(judge_the_rest());
    return std::move(facts_);
  }

 private:
  Status list_files();
  Status read_snapshot();
  Status read_segment();
  // Reads batches to the end; false when it is a bad one (facts_.bad is set).
  Result<bool> read_batches(BatchReader& reader, FileFacts& file);
  void note(const BatchReader& reader, FileFacts& file, std::uint64_t batch_offset);
  std::uint64_t stamp_of(std::uint64_t later_segment) const;
  Status judge_the_rest();
  Status look_behind(const std::string& name, std::uint64_t offset, std::uint64_t stamp);
  void stop_at(const std::string& name, std::uint64_t offset, std::string why);

  Disk& disk_;
  std::filesystem::path directory_;
  const RawSink& sink_;
  JournalFacts facts_;
  std::map<std::uint64_t, std::string> segments_;
  std::map<std::uint64_t, std::string> snapshots_;
  bool has_ended_ = false;
};

Status Reading::list_files() {
  FRAMEBUS_ASSIGN(const std::vector<std::string> names, disk_.list(directory_));
  for (const std::string& name : names) {
    if (const auto segment = segment_number(name)) segments_[*segment] = name;
    if (const auto lsn = snapshot_lsn(name)) snapshots_[*lsn] = name;
    if (spare_number(name)) facts_.spares.push_back(name);
    if (is_temporary(name)) facts_.unfinished.push_back(name);
  }
  return {};
}

void Reading::stop_at(const std::string& name, std::uint64_t offset, std::string why) {
  has_ended_ = true;
  facts_.bad = BadPlace{name, offset, std::move(why)};
}

void Reading::note(const BatchReader& reader, FileFacts& file, std::uint64_t batch_offset) {
  const BatchHeader& header = reader.header();
  if (header.durable_upto + 1 >= header.first_lsn) {
    // It confirms everything before it; not yet itself, be it a seal (what comes next would hang on
    // it), nor a file header that came along with it.
    facts_.unclaimed_from = batch_offset == file_header_bytes ? 0 : batch_offset;
  }
  ++file.batches;
  file.end = reader.offset();
  facts_.is_sealed = header.is_seal();
  facts_.after = reader.after();
  if (header.durable_upto > facts_.durable_upto) facts_.durable_upto = header.durable_upto;
  if (header.is_seal()) return;
  file.records += header.count;
  file.record_bytes += header.length;
  if (file.first_lsn == 0) file.first_lsn = header.first_lsn;
  file.last_lsn = reader.after().next_lsn - 1;
}

std::uint64_t Reading::stamp_of(std::uint64_t later_segment) const {
  if (facts_.segments.empty()) return 0;
  if (later_segment - facts_.segments.back().number > segments_ahead_max) return 0;
  std::uint64_t stamp = facts_.stamp;
  for (auto n = facts_.segments.back().number; n < later_segment; ++n) stamp = next_stamp(stamp);
  return stamp;
}

Result<bool> Reading::read_batches(BatchReader& reader, FileFacts& file) {
  for (;;) {
    const std::uint64_t at = reader.offset();
    FRAMEBUS_ASSIGN(const Found found, reader.next(sink_));
    if (found == Found::end) return true;
    if (found == Found::bad) {
      stop_at(file.name, at, reader.why_bad());
      return false;
    }
    note(reader, file, at);
  }
}

Status Reading::read_snapshot() {
  if (snapshots_.empty()) return {};
  const auto& [lsn, name] = *snapshots_.rbegin();
  FRAMEBUS_ASSIGN(FileWindow window, FileWindow::open(disk_, directory_ / name));
  FileFacts file;
  file.name = name;
  file.number = lsn;
  file.bytes = window.size();
  FRAMEBUS_ASSIGN(const BytesView start, window.view(0, file_header_bytes));
  const auto header = decode_file_header(start);
  if (!header && header.error().code == Code::unsupported_version)
    return fail(header.error().context((directory_ / name).string()));
  // A snapshot gets its name only when it is whole and synced: whatever is wrong is a damage.
  facts_.durable_upto = lsn;
  facts_.is_damaged = true;
  if (!header || header->kind != FileKind::snapshot || header->number != lsn) {
    stop_at(name, 0, header ? "another file's header" : header.error().message);
    return {};
  }
  BatchReader reader(window, *header, Continuation{});
  FRAMEBUS_ASSIGN(const bool is_sound, read_batches(reader, file));
  const bool is_whole = is_sound && facts_.is_sealed && reader.header().durable_upto == lsn &&
                        reader.header().first_lsn == lsn + 1;
  if (is_sound && !is_whole) stop_at(name, reader.offset(), "the snapshot has no end");
  facts_.snapshot = file;
  if (!is_whole) return {};
  facts_.is_damaged = false;
  facts_.next_segment = header->next_segment;
  facts_.after = {lsn + 1, header->chain, facts_.after.at_ns};
  for (const auto& [older, older_name] : snapshots_) {
    if (older < lsn) facts_.covered.push_back(older_name);
  }
  for (const auto& [number, segment] : segments_) {
    if (number < header->next_segment) facts_.covered.push_back(segment);
  }
  return {};
}

Status Reading::read_segment() {
  FileFacts file;
  file.number = facts_.next_segment;
  file.name = segments_.at(file.number);
  FRAMEBUS_ASSIGN(FileWindow window, FileWindow::open(disk_, directory_ / file.name));
  file.bytes = window.size();
  FRAMEBUS_ASSIGN(const BytesView start, window.view(0, file_header_bytes));
  if (is_zero(start)) {  // never written, or its beginning is lost: judge_the_rest() looks
    has_ended_ = true;
    return {};
  }
  const auto header = decode_file_header(start);
  if (!header && header.error().code == Code::unsupported_version)
    return fail(header.error().context((directory_ / file.name).string()));
  if (!header) {
    stop_at(file.name, 0, header.error().message);
    return {};
  }
  if (header->kind != FileKind::segment || header->number != file.number ||
      header->first_lsn != facts_.after.next_lsn || header->chain != facts_.after.chain) {
    stop_at(file.name, 0, "a segment that does not follow what was read before it");
    return {};
  }
  file.end = file_header_bytes;
  facts_.stamp = header->stamp;
  facts_.unclaimed_from = 0;
  ++facts_.next_segment;
  BatchReader reader(window, *header, facts_.after);
  FRAMEBUS_TRY(read_batches(reader, file));
  facts_.segments.push_back(file);
  return {};
}

Status Reading::look_behind(const std::string& name, std::uint64_t offset, std::uint64_t stamp) {
  FRAMEBUS_ASSIGN(FileWindow window, FileWindow::open(disk_, directory_ / name));
  FRAMEBUS_ASSIGN(const Traces traces, find_traces(window, offset, stamp));
  facts_.traces.add(traces);
  return {};
}

Status Reading::judge_the_rest() {
  if (facts_.is_damaged) return {};  // the snapshot: nothing behind it can be judged
  if (!facts_.segments.empty()) {
    const FileFacts& active = facts_.segments.back();
    FRAMEBUS_TRY(look_behind(active.name, active.end, facts_.stamp));
  }
  std::string first_later;
  for (const auto& [number, name] : segments_) {
    if (number < facts_.next_segment) continue;
    const std::uint64_t seen_before = facts_.traces.bytes;
    FRAMEBUS_TRY(look_behind(name, 0, stamp_of(number)));
    if (first_later.empty() && facts_.traces.bytes > seen_before) first_later = name;
    facts_.later.push_back(name);
  }
  facts_.is_damaged = facts_.traces.durable_upto >= facts_.after.next_lsn;
  if (!facts_.bad && facts_.traces.bytes > 0) {
    // Reading ended in zeros, and something stands behind them.
    const bool in_active = first_later.empty() || facts_.segments.empty();
    facts_.bad = facts_.segments.empty()
                     ? BadPlace{first_later, 0, "the segments before it are missing"}
                     : BadPlace{facts_.segments.back().name, facts_.segments.back().end,
                                in_active ? "a gap of zeros before later content"
                                          : "missing content before " + first_later};
  }
  if (!facts_.is_damaged) facts_.dropped_records = facts_.traces.records;
  return {};
}

}  // namespace

Result<JournalFacts> read_journal(Disk& disk, const std::filesystem::path& directory,
                                  const RawSink& sink) {
  return Reading(disk, directory, sink).run();
}

Error damage_error(const std::filesystem::path& directory, const JournalFacts& facts) {
  const BadPlace bad = facts.bad.value_or(BadPlace{});
  const std::uint64_t last = std::max(facts.durable_upto, facts.traces.durable_upto);
  const std::string dir = directory.string();
  return {Code::data_loss,
          "the journal is damaged: " + (directory / bad.file).string() + " at offset " +
              std::to_string(bad.offset) + ": " + bad.why + "; records " +
              std::to_string(facts.after.next_lsn) + " to " + std::to_string(last) +
              " were acknowledged and can not be read. Nothing was changed. Restore " + dir +
              " from a copy, or look with `framebus-broker journal verify` and save what is "
              "readable with `framebus-broker journal repair`",
          0};
}

}  // namespace framebus::broker::journal
