// Messages to frames and back: nothing is lost, versions are told apart, what is unknown is stepped
// over.
#include "libmsg/codec/codec.h"

#include <doctest/doctest.h>

#include "tests/libmsg/example_values.h"

using namespace framebus;

namespace {

std::vector<BytesView> views_of(const WireFrames& frames) {
  return {frames.parts.begin(), frames.parts.end()};
}

Result<Decoded> decode_frames(const WireFrames& frames, bool checksum_required = false) {
  return decode(views_of(frames), checksum_required);
}

// The frames of a message with another payload and no checksum.
WireFrames with_payload(std::uint16_t number, Bytes payload) {
  return WireFrames{
      {Bytes{0x92, static_cast<std::uint8_t>(protocol_major), static_cast<std::uint8_t>(number)},
       std::move(payload), Bytes{0xc0}}};
}

}  // namespace

TEST_CASE(
    "codec: every message with every field set comes back equal, with and without a checksum") {
  for (const Message& message : examples::all_examples()) {
    CAPTURE(name_of(message));
    for (const bool with_checksum : {false, true}) {
      const auto decoded = decode_frames(encode(message, with_checksum), with_checksum);
      REQUIRE_MESSAGE(decoded, decoded.error().message);
      CHECK_MESSAGE(decoded->message == message, to_string(decoded->message)
                                                     << " is not " << to_string(message));
    }
  }
}

TEST_CASE("codec: an empty message of every type is one byte of payload and comes back equal") {
  examples::for_each_message_type([](auto type) {
    using M = typename decltype(type)::type;
    const WireFrames frames = encode(Message(M{}), true);
    CHECK(frames.parts[1] == Bytes{0x80});
    const auto decoded = decode_frames(frames, true);
    REQUIRE(decoded);
    CHECK(decoded->message == Message(M{}));
  });
}

TEST_CASE("codec: random messages, extremes included, come back equal") {
  examples::for_each_message_type([](auto type) {
    using M = typename decltype(type)::type;
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
      CAPTURE(seed);
      const Message message = examples::random_value<M>(seed);
      const auto decoded = decode_frames(encode(message, true), true);
      REQUIRE_MESSAGE(decoded, name_of(message) << ": " << decoded.error().message);
      CHECK(decoded->message == message);
    }
  });
}

TEST_CASE("codec: equal messages have equal bytes") {
  for (const Message& message : examples::all_examples())
    CHECK(encode(message, true).parts == encode(Message(message), true).parts);
}

TEST_CASE("codec: attachments travel as they are, five at most") {
  const std::vector<Bytes> attachments = {Bytes{1, 2, 3}, Bytes{}, Bytes(1000, 7), Bytes{4},
                                          Bytes{5}};
  const auto decoded = decode_frames(encode(BlobChunk{}, true, attachments), true);
  REQUIRE(decoded);
  CHECK(decoded->attachments == attachments);
  const auto six = decode_frames(encode(BlobChunk{}, true, std::vector<Bytes>(6)), true);
  REQUIRE_FALSE(six);
  CHECK(six.error().message ==
        "a message of 9 frames; expected 3 (MessageType, Payload, Checksum) and at most 5 "
        "attachments");
}

TEST_CASE("codec: another major version is refused with a sentence for both ends") {
  WireFrames frames = encode(Hello{}, true);
  frames.parts[0][1] = 2;
  const auto decoded = decode_frames(frames, true);
  REQUIRE_FALSE(decoded);
  CHECK(decoded.error().code == Code::unsupported_version);
  CHECK(decoded.error().message ==
        "the sender speaks protocol 2, this program speaks protocol 1; install the same major "
        "version of framebus on both sides");
  // A later major may lengthen the frame; the version is still what is named.
  const WireFrames longer{{Bytes{0x93, 0x07, 0x01, 0xa1, 'x'}, Bytes{0xff}, Bytes{}}};
  CHECK(decode_frames(longer).error().code == Code::unsupported_version);
}

TEST_CASE("codec: an unknown message type is malformed, and its number is named") {
  const auto decoded = decode_frames(with_payload(99, {0x80}));
  REQUIRE_FALSE(decoded);
  CHECK(decoded.error().code == Code::malformed_message);
  CHECK(decoded.error().message == "message type 99 is not known here (protocol 1.0)");
}

TEST_CASE("codec: unknown fields of any type are stepped over") {
  // {1: 7, 100: {1: [nil, 2.5, "x"], "k": <ext>}, 101: -1, 2: 9}
  const Bytes payload = {0x84, 0x01, 0x07, 0x64, 0x82, 0x01, 0x93, 0xc0, 0xcb, 0x40,
                         0x04, 0,    0,    0,    0,    0,    0,    0xa1, 'x',  0xa1,
                         'k',  0xd4, 0x05, 0x00, 0x65, 0xff, 0x02, 0x09};
  const auto decoded = decode_frames(with_payload(EventsOk::number, payload));
  REQUIRE_MESSAGE(decoded, decoded.error().message);
  CHECK(decoded->message == Message(EventsOk{7, 9}));
}

TEST_CASE("codec: integers are taken in any msgpack form that holds the value") {
  for (const Bytes& number :
       {Bytes{0x05}, Bytes{0xcc, 5}, Bytes{0xcd, 0, 5}, Bytes{0xce, 0, 0, 0, 5},
        Bytes{0xcf, 0, 0, 0, 0, 0, 0, 0, 5}, Bytes{0xd0, 5}, Bytes{0xd1, 0, 5},
        Bytes{0xd2, 0, 0, 0, 5}, Bytes{0xd3, 0, 0, 0, 0, 0, 0, 0, 5}}) {
    Bytes payload = {0x81, 0x01};
    payload.insert(payload.end(), number.begin(), number.end());
    const auto decoded = decode_frames(with_payload(Unwatch::number, payload));
    REQUIRE(decoded);
    CHECK(decoded->message == Message(Unwatch{5}));
  }
}

TEST_CASE("codec: the request id is found in a payload that can not be decoded") {
  Query query;
  query.request = 77'000;
  WireFrames frames = encode(query, true);
  frames.parts[1].push_back(0xc1);
  REQUIRE_FALSE(decode_frames(frames, true));
  CHECK(request_of(views_of(frames)) == 77'000);
  // Behind a field of a wrong type, too; and never in a message that has none.
  CHECK(request_of(views_of(with_payload(Query::number, {0x82, 0x02, 0xa1, 'x', 0x01, 0x05}))) ==
        5);
  CHECK(request_of(views_of(with_payload(Heartbeat::number, {0x81, 0x01, 0x05}))) == 0);
  CHECK(request_of(views_of(with_payload(Query::number, {0x81, 0x01}))) == 0);
  CHECK(request_of({}) == 0);
}

TEST_CASE("codec: malformed UTF-8 in a text becomes U+FFFD, the rest stays") {
  // {1: "a<ff>b<c3 a9><e2 82>"}: a stray byte, a good é, a cut sequence
  const Bytes payload = {0x81, 0x01, 0xa7, 'a', 0xff, 'b', 0xc3, 0xa9, 0xe2, 0x82};
  const auto decoded = decode_frames(with_payload(Goodbye::number, payload));
  REQUIRE(decoded);
  CHECK(std::get<Goodbye>(decoded->message).reason == "a\uFFFDb\u00e9\uFFFD\uFFFD");
}

TEST_CASE("codec: structs on their own, for records, come back equal") {
  const JobSpec job = examples::example<JobSpec>();
  const auto decoded = decode_struct<JobSpec>(encode_struct(job));
  REQUIRE_MESSAGE(decoded, decoded.error().message);
  CHECK(*decoded == job);
}

TEST_CASE("codec: errors name the message, the path, what was found and what is allowed") {
  // Submit{job: {steps: [{}, {name: 5}]}}
  const Bytes payload = {0x81, 0x03, 0x81, 0x03, 0x92, 0x80, 0x81, 0x01, 0x05};
  const auto decoded = decode_frames(with_payload(Submit::number, payload));
  REQUIRE_FALSE(decoded);
  CHECK(decoded.error().message ==
        "Submit: job.steps[1].name: expected a text, found an integer (offset 8)");
}
