// Field tables to msgpack and back, for any described struct: messages, their parts, journal
// records.
//
// A struct is a map {field number: value} without the fields that equal their default; TaskRef is
// [job, index], Token is [epoch, grant, mac], ids are numbers or byte strings. Unknown fields are
// stepped over; a field number that comes twice, or an enumerator that is not known here, is
// refused. Recursion follows the types of the program, never the bytes, so its depth is fixed at
// compile time. Free of msgpack.hpp. Thread rule: pure functions.
#pragma once

#include <array>
#include <bit>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "libmsg/codec/field_limits.h"
#include "libmsg/codec/reader.h"
#include "libmsg/codec/writer.h"
#include "libmsg/schema/enum_names.h"

namespace framebus::codec {

using schema::Described;

template <class T>
inline constexpr bool is_list = false;
template <class T>
inline constexpr bool is_list<std::vector<T>> = true;
template <>
inline constexpr bool is_list<Bytes> = false;

template <class T>
concept HasByteArray = !Described<T> && requires(T value) {
  value.bytes.data();
};  // Id128, BlobHash, and not a struct that has a field of that name
template <class T>
concept IsNumberId = requires(T value) {
  value.is_none();
  value.value + 1;
};  // Id64

template <class T>
inline constexpr bool is_unsupported = false;

// ---- nesting, checked at compile time
// ------------------------------------------------------------

template <class T>
constexpr int nesting() {
  if constexpr (std::is_same_v<T, TaskRef> || std::is_same_v<T, Token>) {
    return 1;
  } else if constexpr (is_list<T>) {
    return 1 + nesting<typename T::value_type>();
  } else if constexpr (Described<T>) {
    int deepest = 0;
    schema::for_each_field<T>([&]<class M>(const schema::Field<T, M>&) {
      if (nesting<M>() > deepest) deepest = nesting<M>();
    });
    return 1 + deepest;
  } else {
    return 0;
  }
}

// ---- writing
// -------------------------------------------------------------------------------------

template <Described S>
void write_struct(Writer& out, const S& value);

template <class T>
void write_value(Writer& out, const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    out.boolean(value);
  } else if constexpr (std::is_enum_v<T>) {
    out.uint(static_cast<std::uint64_t>(value));
  } else if constexpr (std::is_integral_v<T> && std::is_unsigned_v<T>) {
    out.uint(value);
  } else if constexpr (std::is_integral_v<T>) {
    out.sint(value);
  } else if constexpr (std::is_same_v<T, std::string>) {
    out.text(value);
  } else if constexpr (std::is_same_v<T, Bytes>) {
    out.bin(value);
  } else if constexpr (std::is_same_v<T, TaskRef>) {
    out.array(2);
    out.uint(value.job.value);
    out.uint(value.index);
  } else if constexpr (std::is_same_v<T, Token>) {
    out.array(3);
    out.uint(value.epoch);
    out.uint(value.grant);
    out.bin(value.mac);
  } else if constexpr (HasByteArray<T>) {
    out.bin(value.bytes);
  } else if constexpr (IsNumberId<T>) {
    out.uint(value.value);
  } else if constexpr (is_list<T>) {
    out.array(static_cast<std::uint32_t>(value.size()));
    for (const auto& element : value) write_value(out, element);
  } else if constexpr (Described<T>) {
    write_struct(out, value);
  } else {
    static_assert(is_unsupported<T>,
                  "a field of this type has no wire form: see docs/PROTOCOL.md, 'values'");
  }
}

template <Described S>
void write_struct(Writer& out, const S& value) {
  static_assert(schema::numbers_are_unique<S>());
  static_assert(nesting<S>() <= static_cast<int>(limits::msgpack_depth_max));
  const S& defaults = schema::defaults_of<S>();
  std::uint32_t present = 0;
  std::uint32_t bit = 1;
  static_assert(std::tuple_size_v<decltype(S::fields())> <= 32);
  schema::for_each_field<S>([&](const auto& field) {
    if (!(value.*field.member == defaults.*field.member)) present |= bit;
    bit <<= 1;
  });
  out.map(static_cast<std::uint32_t>(std::popcount(present)));
  bit = 1;
  schema::for_each_field<S>([&](const auto& field) {
    if (present & bit) {
      out.uint(field.number);
      write_value(out, value.*field.member);
    }
    bit <<= 1;
  });
}

// ---- reading
// -------------------------------------------------------------------------------------

template <Described S>
bool read_struct(Reader& in, S& value, int depth);

template <class E>
bool read_enum(Reader& in, E& value) {
  std::uint64_t number = 0;
  if (!in.read_uint(number, UINT64_MAX)) return false;
  if (number >= schema::enum_values_max || !schema::is_known(static_cast<E>(number))) {
    return in.refuse("the value " + std::to_string(number) +
                     " has no meaning here; the sender speaks a newer version");
  }
  value = static_cast<E>(number);
  return true;
}

inline bool read_task(Reader& in, TaskRef& value) {
  std::uint32_t count = 0;
  std::uint64_t index = 0;
  if (!in.read_array(count, 2)) return false;
  if (count != 2) return in.refuse("a task is [job, index]");
  if (!in.read_uint(value.job.value, UINT64_MAX) || !in.read_uint(index, UINT32_MAX)) return false;
  value.index = static_cast<std::uint32_t>(index);
  return true;
}

inline bool read_token(Reader& in, Token& value) {
  std::uint32_t count = 0;
  if (!in.read_array(count, 3)) return false;
  if (count != 3) return in.refuse("a token is [epoch, grant, mac]");
  return in.read_uint(value.epoch, UINT64_MAX) && in.read_uint(value.grant, UINT64_MAX) &&
         in.read_bin_exactly(value.mac.data(), value.mac.size());
}

// `depth`: containers that are open around the value. `bin_max`: bound of a byte string.
template <class T>
bool read_value(Reader& in, T& value, int depth, std::size_t bin_max);

template <class T>
bool read_list(Reader& in, std::vector<T>& list, int depth, std::size_t bin_max) {
  std::uint32_t count = 0;
  if (!in.read_array(count, elements_max<T>) || !in.charge(count * sizeof(T))) return false;
  list.clear();
  list.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    if (!read_value(in, list.emplace_back(), depth + 1, bin_max)) {
      in.add_path(std::size_t{i});
      return false;
    }
  }
  return true;
}

template <class T>
bool read_value(Reader& in, T& value, int depth, std::size_t bin_max) {
  if constexpr (std::is_same_v<T, bool>) {
    return in.read_bool(value);
  } else if constexpr (std::is_enum_v<T>) {
    return read_enum(in, value);
  } else if constexpr (std::is_integral_v<T> && std::is_unsigned_v<T>) {
    std::uint64_t number = 0;
    if (!in.read_uint(number, std::numeric_limits<T>::max())) return false;
    value = static_cast<T>(number);
    return true;
  } else if constexpr (std::is_integral_v<T>) {
    static_assert(std::is_same_v<T, std::int64_t>, "signed fields are int64");
    return in.read_sint(value);
  } else if constexpr (std::is_same_v<T, std::string>) {
    return in.read_text(value, limits::text_bytes_max);
  } else if constexpr (std::is_same_v<T, Bytes>) {
    return in.read_bin(value, bin_max);
  } else if constexpr (std::is_same_v<T, TaskRef>) {
    return read_task(in, value);
  } else if constexpr (std::is_same_v<T, Token>) {
    return read_token(in, value);
  } else if constexpr (HasByteArray<T>) {
    return in.read_bin_exactly(value.bytes.data(), value.bytes.size());
  } else if constexpr (IsNumberId<T>) {
    return in.read_uint(value.value, UINT64_MAX);
  } else if constexpr (is_list<T>) {
    return read_list(in, value, depth, bin_max);
  } else if constexpr (Described<T>) {
    return read_struct(in, value, depth);
  } else {
    static_assert(is_unsupported<T>,
                  "a field of this type has no wire form: see docs/PROTOCOL.md, 'values'");
  }
}

template <Described S>
bool read_struct(Reader& in, S& value, int depth) {
  std::uint32_t entry_count = 0;
  if (!in.read_map(entry_count, 127)) return false;
  std::uint64_t seen[2] = {0, 0};
  for (std::uint32_t i = 0; i < entry_count; ++i) {
    std::uint64_t key = 0;
    if (!in.read_uint(key, 127)) return false;
    std::uint64_t& word = seen[key >> 6];
    const std::uint64_t bit = std::uint64_t{1} << (key & 63);
    if (key == 0 || (word & bit) != 0) {
      return in.refuse(key == 0 ? "field numbers begin at 1"
                                : "field " + std::to_string(key) + " comes twice");
    }
    word |= bit;
    bool is_read = true;
    const auto try_field = [&]<class M>(const schema::Field<S, M>& field) {
      if (field.number != key) return false;
      is_read = read_value(in, value.*field.member, depth + 1, bin_bytes_max<S>(field.number));
      if (!is_read) in.add_path(field.name);
      return true;
    };
    const bool is_known =
        std::apply([&](const auto&... field) { return (try_field(field) || ...); }, S::fields());
    if (!is_known) is_read = in.skip(static_cast<int>(limits::msgpack_depth_max) - depth - 1);
    if (!is_read) return false;
  }
  return true;
}

}  // namespace framebus::codec

namespace framebus {

template <schema::Described S>
Bytes encode_struct(const S& value) {
  Bytes bytes;
  bytes.reserve(64);
  codec::Writer writer(bytes);
  codec::write_struct(writer, value);
  return bytes;
}

template <schema::Described S>
Result<S> decode_struct(BytesView bytes) {
  codec::Reader reader(bytes);
  S value;
  if (!codec::read_struct(reader, value, 0) || !reader.expect_end()) {
    return fail(Code::malformed_message, reader.error());
  }
  return value;
}

}  // namespace framebus
