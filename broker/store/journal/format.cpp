// See format.h.
#include "broker/store/journal/format.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>

#include "broker/store/journal/crc32c.h"

namespace framebus::broker::journal {
namespace {

constexpr std::string_view file_magic = "FBJRNL\r\n";
constexpr std::uint32_t batch_magic = 0x62424af1;  // no text, no msgpack of ours begins so
// Far beyond what is ever written; sums with it do not overflow.
constexpr std::uint64_t lsn_max = UINT64_MAX / 2;
constexpr std::size_t file_crc_at = file_header_bytes - 4;
constexpr std::size_t batch_guarded_from = 8;

void put(Bytes& out, std::uint64_t value, std::size_t byte_count) {
  for (std::size_t i = 0; i < byte_count; ++i)
    out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

void put_at(std::uint8_t* at, std::uint64_t value, std::size_t byte_count) {
  for (std::size_t i = 0; i < byte_count; ++i) at[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

// Reads numbers one after the other; the caller has checked the length.
class Numbers {
 public:
  explicit Numbers(const std::uint8_t* at) : at_(at) {}
  std::uint64_t u64() { return take(8); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(take(4)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(take(2)); }

 private:
  std::uint64_t take(std::size_t byte_count) {
    std::uint64_t value = 0;
    for (std::size_t i = byte_count; i-- > 0;) value = value << 8 | at_[i];
    at_ += byte_count;
    return value;
  }
  const std::uint8_t* at_;
};

std::string padded(const char* prefix, std::uint64_t number, std::size_t digits) {
  const std::string text = std::to_string(number);
  return prefix + std::string(digits - std::min(digits, text.size()), '0') + text;
}

std::optional<std::uint64_t> number_after(std::string_view prefix, const std::string& name) {
  if (!name.starts_with(prefix)) return std::nullopt;
  std::uint64_t number = 0;
  const char* const end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + prefix.size(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

}  // namespace

void append_file_header(const FileHeader& header, Bytes& out) {
  const std::size_t begin = out.size();
  out.insert(out.end(), file_magic.begin(), file_magic.end());
  put(out, header.version, 4);
  put(out, static_cast<std::uint32_t>(header.kind), 4);
  put(out, header.number, 8);
  put(out, header.first_lsn, 8);
  put(out, header.chain, 8);
  put(out, header.stamp, 8);
  put(out, header.next_segment, 8);
  put(out, 0, 4);
  put(out, crc32c(BytesView(out).subspan(begin)), 4);
}

Result<FileHeader> decode_file_header(BytesView bytes) {
  if (bytes.size() < file_header_bytes) return fail(Code::data_loss, "too short for a file header");
  if (!std::equal(file_magic.begin(), file_magic.end(), bytes.begin()))
    return fail(Code::data_loss, "does not begin like a journal file");
  const std::uint32_t crc = Numbers(bytes.data() + file_crc_at).u32();
  if (crc != crc32c(bytes.first(file_crc_at)))
    return fail(Code::data_loss, "the file header's checksum is wrong");
  FileHeader header;
  Numbers numbers(bytes.data() + file_magic.size());
  header.version = numbers.u32();
  if (header.version < format_version_oldest || header.version > format_version) {
    return fail(Code::unsupported_version,
                "journal format " + std::to_string(header.version) + "; this broker reads " +
                    std::to_string(format_version_oldest) + " to " +
                    std::to_string(format_version) +
                    ": start the framebus-broker that wrote it, or one release away from that");
  }
  const std::uint32_t kind = numbers.u32();
  if (kind != static_cast<std::uint32_t>(FileKind::segment) &&
      kind != static_cast<std::uint32_t>(FileKind::snapshot))
    return fail(Code::data_loss, "a file of kind " + std::to_string(kind));
  header.kind = static_cast<FileKind>(kind);
  header.number = numbers.u64();
  header.first_lsn = numbers.u64();
  header.chain = numbers.u64();
  header.stamp = numbers.u64();
  header.next_segment = numbers.u64();
  return header;
}

void append_batch_header(BatchHeader& header, Bytes& out) {
  const std::size_t begin = out.size();
  put(out, batch_magic, 4);
  put(out, 0, 4);
  put(out, header.length, 4);
  put(out, header.count, 4);
  put(out, header.first_lsn, 8);
  put(out, static_cast<std::uint64_t>(header.at_ns), 8);
  put(out, header.durable_upto, 8);
  put(out, header.previous, 8);
  put(out, header.stamp, 8);
  put(out, header.body_crc, 4);
  put(out, 0, 4);
  header.header_crc = crc32c(BytesView(out).subspan(begin + batch_guarded_from));
  put_at(out.data() + begin + 4, header.header_crc, 4);
}

bool has_batch_magic(const std::uint8_t* bytes) {
  return Numbers(bytes).u32() == batch_magic;
}

Result<BatchHeader> decode_batch_header(BytesView bytes) {
  if (bytes.size() < batch_header_bytes)
    return fail(Code::data_loss, "cut short in a batch header");
  if (!has_batch_magic(bytes.data())) return fail(Code::data_loss, "no batch begins here");
  Numbers numbers(bytes.data() + 4);
  BatchHeader header;
  header.header_crc = numbers.u32();
  const auto guarded = bytes.subspan(batch_guarded_from, batch_header_bytes - batch_guarded_from);
  if (crc32c(guarded) != header.header_crc)
    return fail(Code::data_loss, "the batch header's checksum is wrong");
  header.length = numbers.u32();
  header.count = numbers.u32();
  header.first_lsn = numbers.u64();
  header.at_ns = static_cast<std::int64_t>(numbers.u64());
  header.durable_upto = numbers.u64();
  header.previous = numbers.u64();
  header.stamp = numbers.u64();
  header.body_crc = numbers.u32();
  const bool is_sound = header.length % batch_alignment_bytes == 0 &&
                        header.length <= batch_body_bytes_max &&
                        (header.count == 0) == (header.length == 0) && header.first_lsn != 0 &&
                        header.first_lsn <= lsn_max && header.durable_upto < header.first_lsn;
  if (!is_sound) return fail(Code::data_loss, "the batch header contradicts itself");
  return header;
}

std::uint64_t next_stamp(std::uint64_t stamp) {
  std::uint64_t z = stamp + 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  z ^= z >> 31;
  return z == 0 ? 1 : z;
}

std::size_t reserve_record(Bytes& out) {
  const std::size_t begin = out.size();
  out.resize(begin + record_header_bytes);
  return begin;
}

void finish_record(Bytes& out, std::size_t begin, std::uint16_t number, std::uint32_t lsn_offset) {
  std::uint8_t* const at = out.data() + begin;
  put_at(at, out.size() - begin - record_header_bytes, 4);
  put_at(at + 4, lsn_offset, 4);
  put_at(at + 8, number, 2);
  put_at(at + 10, 0, 2);
  const std::uint32_t head = crc32c(BytesView(at, 12));
  put_at(at + 12, crc32c(BytesView(out).subspan(begin + record_header_bytes), head), 4);
}

void pad_body(Bytes& out, std::size_t body_begin) {
  while ((out.size() - body_begin) % batch_alignment_bytes != 0) out.push_back(0);
}

bool next_record(BytesView& body, RecordView& record) {
  if (body.size() < record_header_bytes) return false;
  Numbers numbers(body.data());
  record.header.length = numbers.u32();
  record.header.lsn_offset = numbers.u32();
  record.header.number = numbers.u16();
  if (numbers.u16() != 0) return false;
  record.header.crc = numbers.u32();
  if (record.header.length > body.size() - record_header_bytes) return false;
  record.payload = body.subspan(record_header_bytes, record.header.length);
  body = body.subspan(record_header_bytes + record.header.length);
  return true;
}

bool has_valid_crc(BytesView body_at_record, const RecordView& record) {
  return crc32c(record.payload, crc32c(body_at_record.first(12))) == record.header.crc;
}

std::string segment_name(std::uint64_t number) {
  return padded("segment-", number, 10);
}
std::string snapshot_name(std::uint64_t lsn) {
  return padded("snapshot-", lsn, 20);
}
std::string spare_name(std::uint64_t number) {
  return padded("spare-", number, 1);
}
std::optional<std::uint64_t> segment_number(const std::string& name) {
  return number_after("segment-", name);
}
std::optional<std::uint64_t> snapshot_lsn(const std::string& name) {
  return number_after("snapshot-", name);
}
std::optional<std::uint64_t> spare_number(const std::string& name) {
  return number_after("spare-", name);
}
bool is_temporary(const std::string& name) {
  return name.ends_with(".tmp");
}

}  // namespace framebus::broker::journal
