// Names and validity of enumerators, read from the enum itself, so that no second list can
// disagree.
//
// Works for enums whose values lie in 0 to 31 (all enums of the schema): the compiler's own
// spelling of a template argument tells an enumerator from a bare number. Compile time only; no
// run-time cost but a table lookup.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

namespace framebus::schema {

inline constexpr std::size_t enum_values_max = 32;

namespace detail {

template <class E, E V>
constexpr std::string_view spelled() {
  const std::string_view text = __PRETTY_FUNCTION__;
  const std::size_t begin = text.find("V = ") + 4;
  std::string_view value = text.substr(begin, text.find_first_of(";,]", begin) - begin);
  // A value without an enumerator is spelled as a cast, "(framebus::Role)7", or as a bare number.
  if (value.find('(') != std::string_view::npos || (value[0] >= '0' && value[0] <= '9')) return {};
  return value.substr(value.rfind(':') + 1);
}

template <class E, std::size_t... I>
constexpr auto name_table(std::index_sequence<I...>) {
  return std::array<std::string_view, sizeof...(I)>{spelled<E, static_cast<E>(I)>()...};
}

template <class E>
inline constexpr auto names = name_table<E>(std::make_index_sequence<enum_values_max>{});

}  // namespace detail

// "running" for TaskState::running; empty for a number that has no enumerator.
template <class E>
requires std::is_enum_v<E>
constexpr std::string_view enum_name(E value) {
  const auto index = static_cast<std::size_t>(value);
  return index < enum_values_max ? detail::names<E>[index] : std::string_view{};
}

template <class E>
requires std::is_enum_v<E>
constexpr bool is_known(E value) {
  return !enum_name(value).empty();
}

}  // namespace framebus::schema
