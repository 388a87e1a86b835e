#include "worker/shell/child_protocol.h"

#include <array>
#include <type_traits>

#include "libmsg/codec/struct_codec.h"

namespace framebus::worker {
namespace {

constexpr std::size_t head_bytes = 5;

using Decode = Result<ChildMessage> (*)(BytesView);

template <class S>
Result<ChildMessage> decode_as(BytesView bytes) {
  FRAMEBUS_ASSIGN(S value, decode_struct<S>(bytes));
  return ChildMessage(std::move(value));
}

struct Row {
  std::uint8_t kind;
  Decode decode;
};

template <class... S>
constexpr auto rows_of(std::type_identity<std::variant<S...>>) {
  return std::array<Row, sizeof...(S)>{Row{S::kind, &decode_as<S>}...};
}
constexpr auto rows = rows_of(std::type_identity<ChildMessage>{});

Result<ChildMessage> decode_frame(std::uint8_t kind, BytesView body) {
  for (const Row& row : rows)
    if (row.kind == kind) return row.decode(body);
  return fail(Code::malformed_message, "no message has the kind " + std::to_string(kind));
}

}  // namespace

Bytes encode_child(const ChildMessage& message) {
  return std::visit(
      [](const auto& value) {
        const Bytes body = encode_struct(value);
        const auto length = static_cast<std::uint32_t>(body.size() + 1);
        Bytes frame(head_bytes);
        for (unsigned i = 0; i < 4; ++i) frame[i] = static_cast<std::uint8_t>(length >> (8 * i));
        frame[4] = value.kind;
        frame.insert(frame.end(), body.begin(), body.end());
        return frame;
      },
      message);
}

Result<std::optional<ChildMessage>> ChildFrames::next() {
  const BytesView left = BytesView(buffer_).subspan(begin_);
  if (left.size() < head_bytes) return std::optional<ChildMessage>{};
  std::size_t length = 0;
  for (unsigned i = 0; i < 4; ++i) length |= std::size_t{left[i]} << (8 * i);
  if (length == 0 || length > child_frame_bytes_max)
    return fail(Code::malformed_message, "a frame of " + std::to_string(length) + " bytes; 1 to " +
                                             std::to_string(child_frame_bytes_max) +
                                             " are allowed");
  if (left.size() < 4 + length) return std::optional<ChildMessage>{};
  auto message = decode_frame(left[4], left.subspan(head_bytes, length - 1));
  begin_ += 4 + length;
  if (begin_ == buffer_.size() || begin_ > 64 * limits::KiB) {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
  }
  if (!message) return fail(std::move(message).error());
  return std::optional<ChildMessage>(std::move(*message));
}

}  // namespace framebus::worker
