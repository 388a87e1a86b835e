// The field table: how a struct says once what its fields are called, numbered and mean.
//
//   struct Point {
//     std::int32_t x = 0;
//     static constexpr auto fields() {
//       using S = Point;
//       return std::tuple{FRAMEBUS_FIELD(1, x, "metres, east")};
//     }
//     bool operator==(const Point&) const = default;
//   };
//
// The codec, printing, docs/PROTOCOL.md, the fuzz dictionary and the golden bytes are all derived
// from it. Field numbers are unique in their struct, 1 to 127, and never reused.
#pragma once

#include <cstdint>
#include <tuple>
#include <type_traits>

namespace framebus::schema {

template <class S, class T>
struct Field {
  std::uint8_t number;
  const char* name;
  T S::*member;
  const char* doc;
};

template <class S, class T>
constexpr Field<S, T> field(std::uint8_t number, const char* name, T S::*member, const char* doc) {
  return {number, name, member, doc};
}

// A struct with a field table: a message, a part of one, or a journal record.
template <class S>
concept Described = requires {
  S::fields();
};

// Calls visit(Field) for each field, in the table's order.
template <Described S, class Visitor>
constexpr void for_each_field(Visitor&& visit) {
  std::apply([&](const auto&... each) { (visit(each), ...); }, S::fields());
}

// The value whose fields mean "absent".
template <Described S>
const S& defaults_of() {
  static const S defaults{};
  return defaults;
}

template <Described S>
constexpr bool numbers_are_unique() {
  bool seen[128] = {};
  bool unique = true;
  for_each_field<S>([&](const auto& each) {
    if (each.number == 0 || each.number > 127 || seen[each.number & 127]) unique = false;
    seen[each.number & 127] = true;
  });
  return unique;
}

}  // namespace framebus::schema

#define FRAMEBUS_FIELD(number, member, doc) \
  ::framebus::schema::field(number, #member, &S::member, doc)
// Number and name of a message on the wire, and a sentence for people.
#define FRAMEBUS_MESSAGE(number_, name_, doc_)     \
  static constexpr std::uint16_t number = number_; \
  static constexpr const char* name = name_;       \
  static constexpr const char* doc = doc_
