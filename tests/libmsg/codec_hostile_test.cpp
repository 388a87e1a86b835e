// What a hostile or broken peer can send: every damaged byte is noticed, every bomb is refused at
// once.
#include <doctest/doctest.h>

#include <chrono>

#include "libmsg/codec/codec.h"
#include "tests/libmsg/example_values.h"
#include "tests/sanitized.h"

using namespace framebus;

namespace {

std::vector<BytesView> views_of(const WireFrames& frames) {
  return {frames.parts.begin(), frames.parts.end()};
}

Result<Decoded> decode_payload(std::uint16_t number, BytesView payload) {
  const Bytes type = {0x92, static_cast<std::uint8_t>(protocol_major),
                      static_cast<std::uint8_t>(number)};
  const Bytes no_checksum = {0xc0};
  return decode(std::vector<BytesView>{type, payload, no_checksum}, false);
}

void check_refused(std::uint16_t number, BytesView payload, const std::string& expected,
                   std::chrono::milliseconds limit = std::chrono::milliseconds(100)) {
  const auto begin = std::chrono::steady_clock::now();
  const auto decoded = decode_payload(number, payload);
  const auto took = std::chrono::steady_clock::now() - begin;
  REQUIRE_FALSE(decoded);
  CHECK(decoded.error().code == Code::malformed_message);
  CHECK_MESSAGE(decoded.error().message.find(expected) != std::string::npos,
                decoded.error().message);
  CHECK(took < limit * testing::patience);  // generous: loaded machines
}

Bytes append(Bytes head, const Bytes& tail) {
  head.insert(head.end(), tail.begin(), tail.end());
  return head;
}

}  // namespace

TEST_CASE("hostile: a flipped bit anywhere in the three frames is noticed") {
  for (const Message& message : examples::all_examples()) {
    const WireFrames frames = encode(message, true);
    for (std::size_t part = 0; part < 3; ++part) {
      for (std::size_t bit = 0; bit < 8 * frames.parts[part].size(); ++bit) {
        WireFrames damaged = frames;
        damaged.parts[part][bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
        const auto decoded = decode(views_of(damaged), true);
        CHECK_MESSAGE(!decoded, name_of(message)
                                    << " frame " << part << " bit " << bit << " went unnoticed");
        CHECK_MESSAGE(is_damaged(views_of(damaged)),
                      name_of(message) << " frame " << part << " bit " << bit << " looks whole");
      }
    }
  }
}

TEST_CASE("hostile: without a checksum a flipped bit still never does harm") {
  for (const Message& message : examples::all_examples()) {
    const Bytes payload = encode(message, false).parts[1];
    for (std::size_t bit = 0; bit < 8 * payload.size(); ++bit) {
      Bytes damaged = payload;
      damaged[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
      const auto decoded = decode_payload(number_of(message), damaged);
      if (!decoded) CHECK_FALSE(decoded.error().message.empty());
    }
  }
}

TEST_CASE("hostile: a payload cut anywhere is refused, as is any byte after its end") {
  for (const Message& message : examples::all_examples()) {
    const Bytes payload = encode(message, false).parts[1];
    for (std::size_t size = 0; size < payload.size(); ++size) {
      CHECK_FALSE(decode_payload(number_of(message), BytesView(payload).first(size)));
    }
    check_refused(number_of(message), append(payload, {0x00}), "1 bytes follow after the end");
  }
}

TEST_CASE("hostile: frames that are missing, empty, cut or too long are refused") {
  const WireFrames good = encode(Unwatch{5}, true);
  for (std::size_t count = 0; count < 3; ++count) {
    const auto views = views_of(good);
    CHECK(decode(std::span(views).first(count), true).error().code == Code::malformed_message);
  }
  for (std::size_t part = 0; part < 3; ++part) {
    for (std::size_t size = 0; size < good.parts[part].size(); ++size) {
      WireFrames cut = good;
      cut.parts[part].resize(size);
      CHECK_FALSE(decode(views_of(cut), true));
    }
    WireFrames longer = good;
    longer.parts[part].push_back(0);
    CHECK_FALSE(decode(views_of(longer), true));
    WireFrames huge = good;
    huge.parts[part].resize(limits::wire_message_bytes_max);
    CHECK(decode(views_of(huge), true).error().message.find("at most") != std::string::npos);
  }
}

TEST_CASE("hostile: nil in place of the checksum is refused when checksums were agreed on") {
  const WireFrames frames = encode(Unwatch{5}, false);
  CHECK(decode(views_of(frames), false));
  const auto decoded = decode(views_of(frames), true);
  REQUIRE_FALSE(decoded);
  CHECK(decoded.error().message.find("agreed on checksums") != std::string::npos);
}

TEST_CASE("hostile: five bytes that declare four thousand million elements are refused") {
  check_refused(Submit::number, Bytes{0xdd, 0xff, 0xff, 0xff, 0xff},
                "expected a map, found an array");
  check_refused(Submit::number, Bytes{0xdf, 0xff, 0xff, 0xff, 0xff}, "a map of 4294967295 entries");
  check_refused(Act::number, Bytes{0x81, 0x04, 0xdd, 0xff, 0xff, 0xff, 0xff},
                "an array of 4294967295 elements");
  check_refused(Act::number, Bytes{0x81, 0x04, 0xdd, 0x00, 0x0f, 0x00, 0x00},
                "only 0 bytes follow");
  check_refused(Act::number, Bytes{0x81, 0x64, 0xdd, 0xff, 0xff, 0xff, 0xff},
                "more elements than there are bytes");
  check_refused(Act::number, Bytes{0x81, 0x64, 0xdf, 0xff, 0xff, 0xff, 0xff},
                "more elements than there are bytes");
  check_refused(Goodbye::number, Bytes{0x81, 0x01, 0xdb, 0xff, 0xff, 0xff, 0xff},
                "a text is cut short");
  check_refused(Goodbye::number, Bytes{0x81, 0x64, 0xc6, 0xff, 0xff, 0xff, 0xff}, "cut short");
}

TEST_CASE(
    "hostile: a million levels of nesting, in a known field and in an unknown one, are refused") {
  for (const std::uint8_t opener : {std::uint8_t{0x91}, std::uint8_t{0x81}}) {
    Bytes nested(1'000'000, opener);
    check_refused(Act::number, append({0x81, 0x04}, nested), opener == 0x91 ? "tasks[0]" : "tasks");
    check_refused(Act::number, append({0x81, 0x64}, nested), "nests deeper");
  }
}

TEST_CASE("hostile: 16 levels are taken, 17 are not") {
  const auto nested = [](std::size_t levels) {
    Bytes payload = {0x82, 0x01, 0x05, 0x64};  // the payload's own map is the first level
    payload.insert(payload.end(), levels - 1, 0x91);
    payload.push_back(0xc0);
    return payload;
  };
  CHECK(decode_payload(Unwatch::number, nested(limits::msgpack_depth_max)));
  check_refused(Unwatch::number, nested(limits::msgpack_depth_max + 1), "nests deeper");
}

TEST_CASE("hostile: 64 MiB of brackets are refused by their size, 8 MiB less by their form") {
  const Bytes brackets(64 * limits::MiB, 0x91);
  check_refused(Submit::number, brackets, "at most 8388608 are allowed");
  check_refused(Submit::number, BytesView(brackets).first(8 * limits::MiB - 16),
                "expected a map, found an array");
}

TEST_CASE(
    "hostile: lists whose structs would fill the memory are refused by their length or their sum") {
  // 70,000 empty Event structs: one byte each on the wire, hundreds in memory.
  Bytes events = {0x81, 0x03, 0xdd, 0x00, 0x01, 0x11, 0x70};
  events.insert(events.end(), 70'000, 0x80);
  check_refused(Events::number, events, "at most 65536 are allowed");
  // Lists in lists, each of allowed length: 10,000 jobs of 700 steps.
  Bytes jobs = {0x81, 0x05, 0xdd, 0x00, 0x00, 0x27, 0x10};
  for (int job = 0; job < 10'000; ++job) {
    jobs.insert(jobs.end(), {0x81, 0x08, 0xdc, 0x02, 0xbc});
    jobs.insert(jobs.end(), 700, 0x80);
  }
  // Refused only once it has filled the memory that a message may take.
  check_refused(QueryReply::number, jobs, "bytes of memory", std::chrono::seconds(2));
}

TEST_CASE("hostile: bounds of single fields hold") {
  const auto results = [](std::size_t result_bytes) {
    Results message;
    message.results.resize(1);
    message.results[0].result.resize(result_bytes);
    return encode(message, true);
  };
  CHECK(decode(views_of(results(limits::inline_result_bytes_max)), true));
  CHECK(decode(views_of(results(limits::inline_result_bytes_max + 1)), true)
            .error()
            .message.find("at most 65536") != std::string::npos);
  CHECK_FALSE(
      decode(views_of(encode(Goodbye{std::string(limits::text_bytes_max + 1, 'x')}, true)), true));
  Hello hello;
  hello.worker.labels.resize(limits::labels_max + 1);
  CHECK(decode(views_of(encode(hello, true)), true)
            .error()
            .message.find("worker.labels: an array of 65 elements") != std::string::npos);
}

TEST_CASE("hostile: payloads of commands, logs and digests are bounded before they are taken") {
  const auto fits = [](const Message& message) {
    const auto decoded = decode(views_of(encode(message, true)), true);
    if (!decoded) CHECK(decoded.error().message.find("at most") != std::string::npos);
    return decoded.has_value();
  };
  for (const std::size_t over : {0u, 1u}) {
    CAPTURE(over);
    const Bytes payload(limits::command_payload_bytes_max + over, 1);
    const Bytes reply(limits::command_reply_bytes_max + over, 1);
    Command command;
    command.payload = payload;
    CHECK(fits(command) == (over == 0));
    CHECK(fits(RunCommand{1, "step", payload, 1}) == (over == 0));
    CHECK(fits(Prepare{1, "step", payload}) == (over == 0));
    CHECK(fits(CommandReply{1, {}, reply}) == (over == 0));
    CHECK(fits(Ready{1, "step", {}, reply}) == (over == 0));
    CHECK(fits(CommandDone{1, {{{}, "", {}, reply}}, false, 0}) == (over == 0));
    CHECK(fits(Log{{{{}, {}, 0, Bytes(limits::log_chunk_bytes_max + over, 1)}}}) == (over == 0));
    CHECK(fits(SubmitCommit{1, {}, 1, Bytes(16 + over, 1)}) == (over == 0));
    command.payload.clear();
    command.workers.resize(limits::workers_max + over);
    CHECK(fits(command) == (over == 0));
    SubmitOpen open;
    open.job.steps.resize(1);
    open.job.steps[0].axes.resize(limits::sweep_axes_max + over);
    CHECK(fits(open) == (over == 0));
  }
}

TEST_CASE("hostile: a field twice, field 0, a field number that is no number are refused") {
  check_refused(Unwatch::number, Bytes{0x82, 0x01, 0x05, 0x01, 0x06}, "field 1 comes twice");
  check_refused(Unwatch::number, Bytes{0x82, 0x64, 0x05, 0x64, 0x06}, "field 100 comes twice");
  check_refused(Unwatch::number, Bytes{0x81, 0x00, 0x05}, "field numbers begin at 1");
  check_refused(Unwatch::number, Bytes{0x81, 0xcc, 0x80, 0x05}, "at most 127");
  check_refused(Unwatch::number, Bytes{0x81, 0xa1, 'x', 0x05},
                "expected an unsigned integer, found a text");
}

TEST_CASE(
    "hostile: numbers out of range, unknown enumerators and ids of another size are refused") {
  check_refused(Unwatch::number, Bytes{0x81, 0x01, 0xff}, "found a negative one");
  check_refused(Hello::number, Bytes{0x81, 0x01, 0xce, 0x00, 0x01, 0x00, 0x00},
                "found 65536, at most 65535");
  check_refused(Hello::number, Bytes{0x81, 0x02, 0x04}, "role: the value 4 has no meaning here");
  check_refused(Hello::number, Bytes{0x81, 0x02, 0xcd, 0x01, 0x01},
                "role: the value 257 has no meaning here");
  check_refused(Hello::number, Bytes{0x81, 0x06, 0x01}, "expected a boolean, found an integer");
  check_refused(BlobPut::number, Bytes{0x81, 0x02, 0xc4, 0x02, 0x00, 0x00},
                "exactly 32 are needed");
  check_refused(Query::number, Bytes{0x81, 0x03, 0x91, 0x05}, "a task is [job, index]");
  check_refused(Query::number, Bytes{0x81, 0x03, 0x93, 0x05, 0x05, 0x05}, "at most 2");
  check_refused(Welcome::number,
                Bytes{0x81, 0x09, 0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
                "signed 64-bit");
}
