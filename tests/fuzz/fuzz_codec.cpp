// The codec under hostile bytes. Input: one byte that says how the rest is cut into frames, then
// for each frame but the last two bytes of length (big-endian), then the frames.
//
// What decodes must encode and decode again to the same message, whatever it was made of.
#include <span>

#include "libmsg/base/check.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/libmsg/example_values.h"

using namespace framebus;

namespace {

constexpr std::uint8_t flag_checksum_required = 0x80;

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
  const std::vector<BytesView> frames = cut(input.subspan(1), data[0] & 0x0f);
  request_of(frames);
  if (const auto decoded = decode(frames, (data[0] & flag_checksum_required) != 0)) {
    check_again(*decoded);
    to_string(decoded->message);
  }
  // The same bytes as a struct of their own: what a journal or a file could hold.
  if (const auto job = decode_struct<JobSpec>(frames.back()))
    FRAMEBUS_CHECK(decode_struct<JobSpec>(encode_struct(*job)).has_value(), "job");
  return 0;
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
  }
  return seeds;
}
