// The codec under hostile bytes. Input: one byte that says how the rest is cut into frames, then
// for each frame but the last two bytes of length (big-endian), then the frames. Or, if that byte
// says so, the number of a message and its payload to the end: the other frames, checksum and all,
// are made here, so that a change of the payload is not stopped before it is read.
//
// What decodes must encode and decode again to the same message, whatever it was made of.
#include <algorithm>
#include <span>

#include "libmsg/base/check.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/libmsg/example_values.h"

using namespace framebus;

namespace {

constexpr std::uint8_t flag_checksum_required = 0x80;
constexpr std::uint8_t flag_payload = 0x40;

FuzzMilestone milestones[] = {{"is a message", 15}, {"is a job on its own", 0.8}};

std::vector<BytesView> cut(BytesView rest, std::size_t frame_count) {
  std::vector<BytesView> frames;
  while (frames.size() + 1 < frame_count && rest.size() >= 2) {
    std::size_t length = static_cast<std::size_t>(rest[0]) << 8 | rest[1];
    rest = rest.subspan(2);
    if (length > rest.size()) length = rest.size();
    frames.push_back(rest.first(length));
    rest = rest.subspan(length);
  }
  frames.push_back(rest);
  return frames;
}

// Frames of a payload that the input alone gives.
WireFrames frames_around(std::uint8_t number, BytesView payload, bool with_checksum) {
  WireFrames frames = encode(Message{}, with_checksum);
  Bytes& type = frames.parts[0];
  type.back() = number & 0x7f;
  frames.parts[1].assign(payload.begin(), payload.end());
  if (!with_checksum) return frames;
  Bytes hashed = type;
  hashed.insert(hashed.end(), payload.begin(), payload.end());
  const std::uint64_t hash = xxh3(hashed);
  Bytes& checksum = frames.parts[2];
  for (std::size_t i = 0; i < 8; ++i)
    checksum[checksum.size() - 1 - i] = static_cast<std::uint8_t>(hash >> (8 * i));
  return frames;
}

void check_again(const Decoded& decoded) {
  const WireFrames frames = encode(decoded.message, true, decoded.attachments);
  const std::vector<BytesView> views(frames.parts.begin(), frames.parts.end());
  const auto again = decode(views, true);
  // Repaired texts may have grown beyond a limit; nothing else may change.
  if (!again) {
    FRAMEBUS_CHECK(again.error().message.find("at most") != std::string::npos,
                   again.error().message);
    return;
  }
  FRAMEBUS_CHECK(again->message == decoded.message && again->attachments == decoded.attachments,
                 "decoding is not stable");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const BytesView input(data, size);
  const bool with_checksum = (data[0] & flag_checksum_required) != 0;
  WireFrames made;
  std::vector<BytesView> frames;
  if ((data[0] & flag_payload) != 0 && size > 1) {
    made = frames_around(data[1], input.subspan(2), with_checksum);
    frames.assign(made.parts.begin(), made.parts.end());
  } else {
    frames = cut(input.subspan(1), data[0] & 0x0f);
  }
  request_of(frames);
  if (const auto decoded = decode(frames, with_checksum)) {
    ++milestones[0].count;
    check_again(*decoded);
    to_string(decoded->message);
  }
  // The same bytes as a struct of their own: what a journal or a file could hold.
  if (const auto job = decode_struct<JobSpec>(input.subspan(std::min<std::size_t>(size, 2)))) {
    ++milestones[1].count;
    const auto again = decode_struct<JobSpec>(encode_struct(*job));
    if (again) FRAMEBUS_CHECK(*again == *job, "a job is read as it was written");
    if (!again)
      FRAMEBUS_CHECK(again.error().message.find("at most") != std::string::npos,
                     again.error().message);
  }
  return 0;
}

std::size_t fuzz_msgpack_at(std::span<const std::uint8_t> input) {
  return input.size() > 2 && (input[0] & flag_payload) != 0 ? 2 : SIZE_MAX;
}

std::span<FuzzMilestone> fuzz_milestones() {
  return milestones;
}

std::vector<std::vector<std::uint8_t>> fuzz_seeds() {
  std::vector<std::vector<std::uint8_t>> seeds;
  for (const Message& message : examples::all_examples()) {
    for (const bool with_checksum : {false, true}) {
      const WireFrames frames = encode(message, with_checksum, {Bytes{1, 2, 3}});
      std::vector<std::uint8_t> seed{static_cast<std::uint8_t>(
          frames.parts.size() | (with_checksum ? flag_checksum_required : 0))};
      for (const Bytes& part : frames.parts) {
        if (&part != &frames.parts.back()) {
          seed.push_back(static_cast<std::uint8_t>(part.size() >> 8));
          seed.push_back(static_cast<std::uint8_t>(part.size()));
        }
        seed.insert(seed.end(), part.begin(), part.end());
      }
      seeds.push_back(std::move(seed));
    }
    const Bytes payload = encode(message, false).parts[1];
    for (const std::uint8_t flag : {std::uint8_t{0}, flag_checksum_required}) {
      std::vector<std::uint8_t> seed{static_cast<std::uint8_t>(flag | flag_payload),
                                     static_cast<std::uint8_t>(number_of(message))};
      seed.insert(seed.end(), payload.begin(), payload.end());
      seeds.push_back(std::move(seed));
    }
  }
  // A job alone, where a payload stands (and is none).
  const Bytes job = encode_struct(examples::example<JobSpec>());
  std::vector<std::uint8_t> seed{flag_payload, 0};
  seed.insert(seed.end(), job.begin(), job.end());
  seeds.push_back(std::move(seed));
  return seeds;
}
