// Messages to frames and back: MessageType, Payload, Checksum (docs/PROTOCOL.md, "frames").
#include <array>
#include <cstring>

#define XXH_STATIC_LINKING_ONLY  // the size of XXH3_state_t, to keep it on the stack
#include <xxhash.h>

#include "libmsg/codec/codec.h"
#include "libmsg/schema/print.h"

namespace framebus {
namespace {

using codec::Reader;
using codec::Writer;

static_assert(protocol_minor == 0,
              "before raising it: a missing `minor` field must go on meaning 0, so the defaults of "
              "Hello.minor and "
              "Welcome.minor must become 0 and the programs must set the field");

constexpr std::size_t fixed_frame_count = 3;
constexpr std::size_t frame_count_max = fixed_frame_count + limits::attachment_frames_max;
constexpr std::size_t message_numbers = 128;

// What is known of a message type by its number.
struct TypeRow {
  const char* name = nullptr;
  std::uint8_t request_field = 0;  // field number of `request`; 0: the message has none
  bool (*read)(Reader&, Message&) = nullptr;
};

template <class M>
bool read_message(Reader& in, Message& out) {
  return codec::read_struct(in, out.emplace<M>(), 0);
}

template <class M>
constexpr std::uint8_t request_field_of() {
  std::uint8_t number = 0;
  schema::for_each_field<M>([&](const auto& field) {
    if (std::string_view(field.name) == "request") number = field.number;
  });
  return number;
}

template <class... M>
constexpr auto make_type_table(const std::variant<M...>*) {
  std::array<TypeRow, message_numbers> table{};
  ((table[M::number] = TypeRow{M::name, request_field_of<M>(), &read_message<M>}), ...);
  return table;
}
constexpr auto type_table = make_type_table(static_cast<const Message*>(nullptr));

template <class... M>
constexpr bool numbers_are_unique(const std::variant<M...>*) {
  std::array<int, message_numbers> count{};
  ((++count[M::number]), ...);
  for (const int c : count) {
    if (c > 1) return false;
  }
  return true;
}
static_assert(numbers_are_unique(static_cast<const Message*>(nullptr)),
              "two messages with one number");

std::uint64_t hash_of(BytesView type, BytesView payload) {
  // Two short frames are hashed in one go from the stack: the streaming state costs more than they
  // do.
  std::array<std::uint8_t, 512> joined;
  if (type.size() + payload.size() <= joined.size()) {
    std::memcpy(joined.data(), type.data(), type.size());
    if (!payload.empty()) std::memcpy(joined.data() + type.size(), payload.data(), payload.size());
    return XXH3_64bits(joined.data(), type.size() + payload.size());
  }
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  XXH3_64bits_update(&state, type.data(), type.size());
  XXH3_64bits_update(&state, payload.data(), payload.size());
  return XXH3_64bits_digest(&state);
}

struct TypeFrame {
  std::uint64_t major = 0;
  std::uint64_t number = 0;
};

// [protocol_major, type]. The major is judged before anything else: all later rules are this
// major's.
Result<TypeFrame> read_type_frame(BytesView frame) {
  if (frame.size() > limits::message_type_bytes_max) {
    return fail(Code::malformed_message,
                "MessageType frame of " + std::to_string(frame.size()) + " bytes; at most " +
                    std::to_string(limits::message_type_bytes_max) + " are allowed");
  }
  Reader in(frame);
  TypeFrame type;
  std::uint32_t count = 0;
  if (!in.read_array(count, limits::message_type_bytes_max) || count == 0 ||
      !in.read_uint(type.major, UINT64_MAX)) {
    return fail(
        Code::malformed_message,
        "MessageType frame: " + (in.error().starts_with(" (") ? "an empty array" : in.error()) +
            "; expected [major, type]");
  }
  if (type.major != protocol_major) {
    return fail(Code::unsupported_version,
                "the sender speaks protocol " + std::to_string(type.major) +
                    ", this program speaks protocol " + std::to_string(protocol_major) +
                    "; install the same major version of framebus on both sides");
  }
  if (count != 2 || !in.read_uint(type.number, UINT16_MAX) || !in.expect_end()) {
    return fail(Code::malformed_message,
                "MessageType frame: expected [major, type] and nothing after it");
  }
  return type;
}

Status check_sizes(std::span<const BytesView> parts) {
  if (parts.size() < fixed_frame_count || parts.size() > frame_count_max) {
    return fail(Code::malformed_message,
                "a message of " + std::to_string(parts.size()) + " frames; expected " +
                    std::to_string(fixed_frame_count) +
                    " (MessageType, Payload, Checksum) and at most " +
                    std::to_string(limits::attachment_frames_max) + " attachments");
  }
  std::size_t total = 0;
  for (const BytesView part : parts) total += part.size();
  if (total > limits::wire_message_bytes_max) {
    return fail(Code::malformed_message,
                "a message of " + std::to_string(total) + " bytes; at most " +
                    std::to_string(limits::wire_message_bytes_max) + " are allowed");
  }
  return {};
}

bool read_checksum(Reader& in, std::uint64_t& found) {
  return in.read_uint(found, UINT64_MAX) && in.expect_end();
}

Status check_checksum(std::span<const BytesView> parts, bool is_required) {
  Reader in(parts[2]);
  if (in.next_is_nil()) {
    if (!in.read_nil() || !in.expect_end())
      return fail(Code::malformed_message, "Checksum frame: " + in.error());
    if (is_required) {
      return fail(
          Code::malformed_message,
          "Checksum frame: nil, but this connection agreed on checksums (Welcome.checksum)");
    }
    return {};
  }
  std::uint64_t found = 0;
  if (!read_checksum(in, found)) {
    return fail(Code::malformed_message, "Checksum frame: " + in.error());
  }
  if (found != hash_of(parts[0], parts[1])) {
    return fail(Code::malformed_message,
                "the checksum does not match: the message was damaged on its way");
  }
  return {};
}

Bytes copy_of(BytesView view) {
  return {view.begin(), view.end()};
}

}  // namespace

bool is_damaged(std::span<const BytesView> parts) {
  if (parts.size() < 3 || parts.size() > 3 + limits::attachment_frames_max) return false;
  if (parts[2].size() == 1 && parts[2][0] == 0xc0) return false;  // nil: none was agreed on
  Reader in(parts[2]);
  std::uint64_t found = 0;
  return !read_checksum(in, found) || found != hash_of(parts[0], parts[1]);
}

WireFrames encode(const Message& message, bool with_checksum, std::vector<Bytes> attachments) {
  Bytes type;
  type.reserve(8);
  Writer type_writer(type);
  type_writer.array(2);
  type_writer.uint(protocol_major);
  type_writer.uint(number_of(message));

  Bytes payload = std::visit([](const auto& m) { return encode_struct(m); }, message);

  Bytes checksum;
  checksum.reserve(16);
  Writer checksum_writer(checksum);
  if (with_checksum) {
    checksum_writer.uint64_full(hash_of(type, payload));
  } else {
    checksum_writer.nil();
  }

  WireFrames frames;
  frames.parts.reserve(fixed_frame_count + attachments.size());
  frames.parts.push_back(std::move(type));
  frames.parts.push_back(std::move(payload));
  frames.parts.push_back(std::move(checksum));
  for (Bytes& attachment : attachments) frames.parts.push_back(std::move(attachment));
  return frames;
}

Result<Decoded> decode(std::span<const BytesView> parts, bool checksum_required) {
  FRAMEBUS_TRY(check_sizes(parts));
  FRAMEBUS_ASSIGN(const TypeFrame type, read_type_frame(parts[0]));
  FRAMEBUS_TRY(check_checksum(parts, checksum_required));
  const TypeRow* row = type.number < message_numbers ? &type_table[type.number] : nullptr;
  if (row == nullptr || row->read == nullptr) {
    return fail(Code::malformed_message,
                "message type " + std::to_string(type.number) + " is not known here (protocol " +
                    std::to_string(protocol_major) + "." + std::to_string(protocol_minor) + ")");
  }
  Reader in(parts[1]);
  Result<Decoded> decoded{tl::in_place};
  if (!row->read(in, decoded->message) || !in.expect_end()) {
    return fail(Code::malformed_message, std::string(row->name) + ": " + in.error());
  }
  for (const BytesView attachment : parts.subspan(fixed_frame_count))
    decoded->attachments.push_back(copy_of(attachment));
  return decoded;
}

std::uint64_t request_of(std::span<const BytesView> parts) {
  if (parts.size() < 2) return 0;
  const auto type = read_type_frame(parts[0]);
  if (!type || type->number >= message_numbers) return 0;
  const std::uint8_t wanted = type_table[type->number].request_field;
  if (wanted == 0) return 0;
  Reader in(parts[1]);
  std::uint32_t entry_count = 0;
  if (!in.read_map(entry_count, 127)) return 0;
  for (std::uint32_t i = 0; i < entry_count; ++i) {
    std::uint64_t key = 0;
    std::uint64_t request = 0;
    if (!in.read_uint(key, 127)) return 0;
    if (key == wanted) return in.read_uint(request, UINT64_MAX) ? request : 0;
    if (!in.skip(static_cast<int>(limits::msgpack_depth_max) - 1)) return 0;
  }
  return 0;
}

const char* name_of(const Message& message) {
  return std::visit([](const auto& m) { return std::decay_t<decltype(m)>::name; }, message);
}

std::uint16_t number_of(const Message& message) {
  return std::visit([](const auto& m) { return std::decay_t<decltype(m)>::number; }, message);
}

std::string to_string(const Message& message) {
  return std::visit(
      [](const auto& m) { return std::decay_t<decltype(m)>::name + schema::print(m); }, message);
}

std::uint64_t xxh3(BytesView bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

}  // namespace framebus
