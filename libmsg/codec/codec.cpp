// The one file that includes msgpack.hpp: packing, and stepping over values nobody here knows.
//
// Values of known fields are read by Reader (reader.h), which is given the type it must find and
// never builds an object tree; values of unknown fields can be anything and are walked by msgpack's
// iterative parser with a visitor that stores nothing and stops at the bounds.
#include "libmsg/codec/codec.h"

#include <limits>

#define MSGPACK_DISABLE_LEGACY_NIL
#include <msgpack.hpp>

#include "libmsg/codec/reader.h"
#include "libmsg/codec/writer.h"

namespace framebus::codec {
namespace {

// What msgpack::packer writes into.
struct Sink {
  Bytes& bytes;
  void write(const char* data, std::size_t size) {
    const auto* begin = reinterpret_cast<const std::uint8_t*>(data);
    bytes.insert(bytes.end(), begin, begin + size);
  }
};

// Stops the parser when a value nests too deep or declares more elements than there are bytes.
struct BoundedVisitor : msgpack::v2::null_visitor {
  BoundedVisitor(std::size_t bytes_left, int depth)
      : elements_left(bytes_left), depth_left(depth) {}

  bool open(std::uint64_t elements) {
    if (elements > elements_left || depth_left == 0) return false;
    elements_left -= elements;
    --depth_left;
    return true;
  }
  bool close() {
    ++depth_left;
    return true;
  }
  bool start_array(std::uint32_t count) { return open(count); }
  bool end_array() { return close(); }
  bool start_map(std::uint32_t count) { return open(2 * std::uint64_t{count}); }
  bool end_map() { return close(); }
  void parse_error(std::size_t, std::size_t) {}
  void insufficient_bytes(std::size_t, std::size_t) {}

  std::uint64_t elements_left;
  int depth_left;
};

}  // namespace

void Writer::map(std::uint32_t pair_count) {
  Sink sink{out_};
  msgpack::packer<Sink>(sink).pack_map(pair_count);
}

void Writer::array(std::uint32_t element_count) {
  Sink sink{out_};
  msgpack::packer<Sink>(sink).pack_array(element_count);
}

void Writer::uint(std::uint64_t value) {
  if (value < 128) {  // field numbers and most counts: the byte is the value
    out_.push_back(static_cast<std::uint8_t>(value));
    return;
  }
  Sink sink{out_};
  msgpack::packer<Sink>(sink).pack_uint64(value);
}

void Writer::sint(std::int64_t value) {
  Sink sink{out_};
  msgpack::packer<Sink>(sink).pack_int64(value);
}

void Writer::boolean(bool value) {
  Sink sink{out_};
  value ? msgpack::packer<Sink>(sink).pack_true() : msgpack::packer<Sink>(sink).pack_false();
}

void Writer::text(std::string_view value) {
  Sink sink{out_};
  msgpack::packer<Sink> packer(sink);
  packer.pack_str(static_cast<std::uint32_t>(value.size()));
  packer.pack_str_body(value.data(), static_cast<std::uint32_t>(value.size()));
}

void Writer::bin(BytesView value) {
  Sink sink{out_};
  msgpack::packer<Sink> packer(sink);
  packer.pack_bin(static_cast<std::uint32_t>(value.size()));
  packer.pack_bin_body(reinterpret_cast<const char*>(value.data()),
                       static_cast<std::uint32_t>(value.size()));
}

void Writer::nil() {
  Sink sink{out_};
  msgpack::packer<Sink>(sink).pack_nil();
}

void Writer::uint64_full(std::uint64_t value) {
  Sink sink{out_};
  msgpack::packer<Sink>(sink).pack_fix_uint64(value);
}

bool Reader::skip(int depth_left) {
  BoundedVisitor visitor(left(), depth_left);
  std::size_t offset = 0;
  bool is_complete = false;
  try {
    is_complete = msgpack::parse(reinterpret_cast<const char*>(cursor_), left(), offset, visitor);
  } catch (const std::exception& error) {
    // msgpack reports some oversized lengths by throwing on 32-bit machines, and may run out of
    // memory.
    return refuse(std::string("a value could not be read: ") + error.what());
  }
  if (!is_complete) {
    return refuse(
        "a value is cut short, nests deeper than the limit or declares more elements than there "
        "are bytes");
  }
  cursor_ += offset;
  return true;
}

}  // namespace framebus::codec
