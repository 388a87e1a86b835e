// Messages to wire frames and back. The only user of msgpack in the project (codec.cpp includes
// it).
//
// Everything read here is hostile: sizes are checked against libmsg/base/limits.h and against the
// bytes that are left before anything is allocated, nesting is bounded, and no input reaches a
// CHECK. Thread rule: all functions are pure and may run anywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libmsg/base/bytes.h"
#include "libmsg/base/result.h"
#include "libmsg/schema/messages.h"

namespace framebus {

// One message as ZeroMQ parts, without the ROUTER's routing id: MessageType, Payload, Checksum,
// attachments.
struct WireFrames {
  std::vector<Bytes> parts;
};

struct Decoded {
  Message message;
  std::vector<Bytes> attachments;
};

// MessageType, Payload and Checksum of `message`; the checksum is XXH3-64 over the first two, or
// nil. Attachments are appended as they are. Never fails: a message built by this program is valid
// (limits on user data are enforced where that data enters).
WireFrames encode(const Message& message, bool with_checksum, std::vector<Bytes> attachments = {});

// `parts`: the frames after the routing id. `checksum_required`: nil is refused (the connection
// agreed on checksums). A present checksum is always verified. Errors: malformed_message (what and
// where), unsupported_version (another major), with the request id in `request_of` when it could be
// read.
Result<Decoded> decode(std::span<const BytesView> parts, bool checksum_required);

// For parts that decode() refused: they have the number of frames of a message, and a Checksum frame
// that is not nil and contradicts them. What else came over this connection may be damaged or lost,
// so its two ends begin anew.
bool is_damaged(std::span<const BytesView> parts);

// The `request` field of a payload that could not be decoded further, so that its Error can name
// it; else 0.
std::uint64_t request_of(std::span<const BytesView> parts);

// Any described struct (journal records, parts) to msgpack and back; same limits as above.
template <schema::Described S>
Bytes encode_struct(const S& value);
template <schema::Described S>
Result<S> decode_struct(BytesView bytes);

// The message type's name ("Submit"), its number, and a one-line printing for logs (long bytes are
// cut).
const char* name_of(const Message& message);
std::uint16_t number_of(const Message& message);
std::string to_string(const Message& message);

std::uint64_t xxh3(BytesView bytes);

}  // namespace framebus

#include "libmsg/codec/struct_codec.h"  // encode_struct, decode_struct
