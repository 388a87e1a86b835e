// The journal's bytes, for writer and reader alike. docs/decisions/0090-journal.md says why.
//
// A directory holds
//   segment-0000000007            live log: 64 MiB, preallocated with zeros, numbered without gaps
//   snapshot-00000000000000004711 every record up to that lsn that still counts, in order
//   spare-N                       zeros, synced: the next segments, also when the disk is full
//   *.tmp                         not finished; nobody's
//   *.damaged                     put aside by `journal repair`; never read
//
// Segment and snapshot alike: a file header, then batches without gaps. All numbers little-endian.
//   file header, 64 bytes: magic 8, version 4, kind 4, number 8, first_lsn 8, chain 8, stamp 8,
//     next_segment 8, zero 4, CRC32C 4 over the 60 bytes before it
//   batch header, 64 bytes: magic 4, CRC32C 4 over the 56 bytes after it, length 4, count 4,
//     first_lsn 8, at_ns 8, durable_upto 8, previous 8, stamp 8, body CRC32C 4, zero 4
//   batch body, `length` bytes: `count` records, then zeros up to a multiple of 8
//   record: length 4, lsn - first_lsn 4, number 2, zero 2, CRC32C 4 over these 12 bytes and the
//     payload, payload (msgpack, broker/store/record_codec.h)
//
// A batch is what one append() brought, or, of very much, a part of it: it is there as a whole or not
// at all, so one CRC guards it; the records' own serve `journal repair`, which wants to save what a
// damaged batch still holds.
// `previous` is the id of the batch before (both its CRCs), `chain` that of the last batch before
// the file: a batch that lies where it does not belong, or a file left out, is seen. `stamp` is
// random in a journal's first segment and follows from the one before in the others: bytes that a
// client put into its parameters never look like a header. `durable_upto`: when this header was
// written, everything up to that lsn had been synced. A batch without records is a seal; it only
// says that. In a segment lsns are dense, in a snapshot they grow. A file that ends in zeros, or
// ends, ends there.
//
// Versions: another layout gets another version; the magic, the version's place and the CRC's stay.
// A broker reads its own version and the one before it, and writes its own.
//
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "libmsg/base/bytes.h"
#include "libmsg/base/result.h"

namespace framebus::broker::journal {

inline constexpr std::uint32_t format_version = 1;
inline constexpr std::uint32_t format_version_oldest = 1;  // that is still read

inline constexpr std::size_t file_header_bytes = 64;
inline constexpr std::size_t batch_header_bytes = 64;
inline constexpr std::size_t record_header_bytes = 16;
inline constexpr std::size_t batch_alignment_bytes = 8;
inline constexpr std::size_t batch_body_bytes_max = 1024u * 1024 * 1024;

enum class FileKind : std::uint32_t { segment = 1, snapshot = 2 };

struct FileHeader {
  std::uint32_t version = format_version;
  FileKind kind = FileKind::segment;
  std::uint64_t number = 0;     // of the segment; of the snapshot: the last lsn it stands for
  std::uint64_t first_lsn = 0;  // that may stand in it
  std::uint64_t chain = 0;
  std::uint64_t stamp = 0;
  std::uint64_t next_segment = 0;  // snapshot: the first segment it does not stand for
  bool operator==(const FileHeader&) const = default;
};

struct BatchHeader {
  std::uint32_t length = 0;
  std::uint32_t count = 0;
  std::uint64_t first_lsn = 0;  // seal: of the record that would come next
  std::int64_t at_ns = 0;
  std::uint64_t durable_upto = 0;
  std::uint64_t previous = 0;
  std::uint64_t stamp = 0;
  std::uint32_t body_crc = 0;
  std::uint32_t header_crc = 0;  // set by encode and decode
  bool is_seal() const { return count == 0; }
  std::uint64_t id() const { return std::uint64_t{body_crc} << 32 | header_crc; }
  bool operator==(const BatchHeader&) const = default;
};

struct RecordHeader {
  std::uint32_t length = 0;
  std::uint32_t lsn_offset = 0;
  std::uint16_t number = 0;
  std::uint32_t crc = 0;
};

void append_file_header(const FileHeader& header, Bytes& out);
// unsupported_version: another one, undamaged. data_loss: no such header.
Result<FileHeader> decode_file_header(BytesView bytes);

// Sets `header_crc`.
void append_batch_header(BatchHeader& header, Bytes& out);
// The first test of decode_batch_header(), for a search.
bool has_batch_magic(const std::uint8_t* bytes);
// data_loss: no such header.
Result<BatchHeader> decode_batch_header(BytesView bytes);

// Of the segment after the one with this stamp. Never 0.
std::uint64_t next_stamp(std::uint64_t stamp);

// Appends a record, with its CRC. The payload may be encoded right into `out`: reserve_record()
// first, then finish_record() with what it returned.
std::size_t reserve_record(Bytes& out);
void finish_record(Bytes& out, std::size_t begin, std::uint16_t number, std::uint32_t lsn_offset);
// Zeros up to the alignment.
void pad_body(Bytes& out, std::size_t body_begin);

struct RecordView {
  RecordHeader header;
  BytesView payload;
};
// Reads the record at the front of `body` and steps over it. False: not a record's shape.
bool next_record(BytesView& body, RecordView& record);
bool has_valid_crc(BytesView body_at_record, const RecordView& record);

// Names of the directory's files, and back.
std::string segment_name(std::uint64_t number);
std::string snapshot_name(std::uint64_t lsn);
std::string spare_name(std::uint64_t number);
std::optional<std::uint64_t> segment_number(const std::string& name);
std::optional<std::uint64_t> snapshot_lsn(const std::string& name);
std::optional<std::uint64_t> spare_number(const std::string& name);
bool is_temporary(const std::string& name);

}  // namespace framebus::broker::journal
