// See batch_reader.h.
#include "broker/store/journal/batch_reader.h"

#include <algorithm>
#include <cstring>

#include "broker/store/journal/crc32c.h"

namespace framebus::broker::journal {
namespace {

// Steps of a search: a power of two, a multiple of the alignment.
constexpr std::size_t search_bytes = 256 * 1024;

bool is_zero(BytesView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

std::uint64_t word_at(const std::uint8_t* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

}  // namespace

BatchReader::BatchReader(FileWindow& window, const FileHeader& header, const Continuation& after)
    : window_(window), kind_(header.kind), stamp_(header.stamp), after_(after) {}

Found BatchReader::bad(std::string why) {
  why_bad_ = std::move(why);
  return Found::bad;
}

std::string BatchReader::why_not_next(const BatchHeader& header) const {
  if (header.stamp != stamp_) return "a batch of another file";
  if (header.previous != after_.chain) return "a batch that does not follow the one before it";
  const bool is_next = kind_ == FileKind::segment ? header.first_lsn == after_.next_lsn
                                                  : header.first_lsn >= after_.next_lsn;
  if (!is_next) {
    return "a batch from record " + std::to_string(header.first_lsn) + " where " +
           std::to_string(after_.next_lsn) + " is due";
  }
  if (header.at_ns < after_.at_ns) return "a batch that is older than the one before it";
  return {};
}

bool BatchReader::is_well_formed(const BatchHeader& header, BytesView body) {
  std::uint64_t due = 0;
  for (std::uint32_t i = 0; i < header.count; ++i) {
    RecordView record;
    if (!next_record(body, record)) return false;
    const std::uint64_t offset = record.header.lsn_offset;
    if (kind_ == FileKind::segment ? offset != due : offset < due) return false;
    due = offset + 1;
  }
  last_lsn_in_batch_ = header.first_lsn + due - 1;
  return body.size() < batch_alignment_bytes && is_zero(body);
}

Status BatchReader::hand_over(const BatchHeader& header, BytesView body,
                              const RawSink& sink) const {
  for (std::uint32_t i = 0; i < header.count; ++i) {
    RecordView record;
    next_record(body, record);
    FRAMEBUS_TRY(sink({header.first_lsn + record.header.lsn_offset, header.at_ns,
                       record.header.number, record.payload}));
  }
  return {};
}

Result<Found> BatchReader::next(const RawSink& sink) {
  FRAMEBUS_ASSIGN(const BytesView start, window_.view(offset_, batch_header_bytes));
  if (is_zero(start)) return Found::end;
  const auto header = decode_batch_header(start);
  if (!header) return bad(header.error().message);
  if (std::string why = why_not_next(*header); !why.empty()) return bad(std::move(why));
  FRAMEBUS_ASSIGN(const BytesView whole,
                  window_.view(offset_, batch_header_bytes + header->length));
  if (whole.size() != batch_header_bytes + header->length)
    return bad("a batch that the file's end cuts short");
  const BytesView body = whole.subspan(batch_header_bytes);
  if (crc32c(body) != header->body_crc) return bad("the batch's checksum is wrong");
  if (!is_well_formed(*header, body)) return bad("a batch that is not made of records");
  if (sink) FRAMEBUS_TRY(hand_over(*header, body, sink));
  offset_ += whole.size();
  header_ = *header;
  after_.chain = header->id();
  after_.at_ns = header->at_ns;
  if (!header->is_seal()) after_.next_lsn = last_lsn_in_batch_ + 1;
  return Found::batch;
}

void Traces::add(const Traces& other) {
  durable_upto = std::max(durable_upto, other.durable_upto);
  last_lsn = std::max(last_lsn, other.last_lsn);
  records += other.records;
  bytes += other.bytes;
}

namespace {

// Calls `on_header(offset, header)` for every sound header from `offset` on; true ends the search.
// Returns the end of what is not zero.
template <class OnHeader>
Result<std::uint64_t> search(FileWindow& window, std::uint64_t offset, std::uint64_t stamp,
                             OnHeader&& on_header) {
  std::uint64_t content_end = offset;
  while (offset < window.size()) {
    FRAMEBUS_ASSIGN(const BytesView bytes, window.view(offset, search_bytes + batch_header_bytes));
    const std::size_t here = std::min<std::size_t>(bytes.size(), search_bytes);
    std::size_t skip_to = 0;
    for (std::size_t at = 0; at < here; at += batch_alignment_bytes) {
      if (at + batch_alignment_bytes > bytes.size()) {
        if (!is_zero(bytes.subspan(at))) content_end = offset + bytes.size();
        break;
      }
      if (word_at(bytes.data() + at) == 0) continue;
      content_end = offset + at + batch_alignment_bytes;
      if (at < skip_to || !has_batch_magic(bytes.data() + at)) continue;
      const auto header = decode_batch_header(bytes.subspan(at));
      if (!header || (stamp != 0 && header->stamp != stamp)) continue;
      if (on_header(offset + at, *header)) return content_end;
      skip_to = at + batch_header_bytes;
    }
    offset += search_bytes;
  }
  return content_end;
}

}  // namespace

Result<Traces> find_traces(FileWindow& window, std::uint64_t offset, std::uint64_t stamp) {
  Traces traces;
  FRAMEBUS_ASSIGN(const std::uint64_t content_end,
                  search(window, offset, stamp, [&](std::uint64_t, const BatchHeader& header) {
                    traces.durable_upto = std::max(traces.durable_upto, header.durable_upto);
                    traces.records += header.count;
                    const std::uint64_t last = header.first_lsn + header.count - 1;
                    traces.last_lsn = std::max(traces.last_lsn, last);
                    return false;
                  }));
  traces.bytes = content_end - offset;
  return traces;
}

Result<std::uint64_t> find_header(FileWindow& window, std::uint64_t offset, std::uint64_t stamp) {
  std::uint64_t found = window.size();
  FRAMEBUS_TRY(search(window, offset, stamp, [&](std::uint64_t at, const BatchHeader&) {
    found = at;
    return true;
  }));
  return found;
}

}  // namespace framebus::broker::journal
