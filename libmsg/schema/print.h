// Any described struct as one line of text, for logs, failing tests and crash dumps.
//
//   print(Started{...})  ->  {attempts=[{task=3:17, token=1.42}]}
//
// Fields at their default are left out; long texts, byte strings and lists are cut. Never parsed
// back. Header-only and free of third-party code, so that the pure cores may print their records
// and actions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "libmsg/base/bytes.h"
#include "libmsg/base/ids.h"
#include "libmsg/schema/enum_names.h"
#include "libmsg/schema/field.h"

namespace framebus::schema {

inline constexpr std::size_t printed_text_bytes_max = 80;
inline constexpr std::size_t printed_bytes_max = 8;
inline constexpr std::size_t printed_elements_max = 8;

template <Described S>
void print_to(std::string& out, const S& value);

inline void print_value(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text.substr(0, printed_text_bytes_max)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += '?';
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  out += '"';
  if (text.size() > printed_text_bytes_max) {
    out += '+';
    out += std::to_string(text.size() - printed_text_bytes_max);
  }
}

inline void print_value(std::string& out, const Bytes& bytes) {
  const std::size_t shown = bytes.size() < printed_bytes_max ? bytes.size() : printed_bytes_max;
  out += "0x";
  out += to_hex(bytes.data(), shown);
  if (bytes.size() > shown) {
    out += '+';
    out += std::to_string(bytes.size() - shown);
  }
}

inline void print_value(std::string& out, const Token& token) {
  out += std::to_string(token.epoch);
  out += '.';
  out += std::to_string(token.grant);
}

template <class T>
void print_value(std::string& out, const T& value);

template <class T>
void print_list(std::string& out, const std::vector<T>& list) {
  out += '[';
  std::size_t shown = 0;
  for (const auto& element : list) {
    if (shown != 0) out += ", ";
    if (shown == printed_elements_max) {
      out += std::to_string(list.size() - shown);
      out += " more";
      break;
    }
    print_value(out, element);
    ++shown;
  }
  out += ']';
}

template <class T>
inline constexpr bool is_list = false;
template <class T>
inline constexpr bool is_list<std::vector<T>> = true;
template <>
inline constexpr bool is_list<Bytes> = false;

template <class T>
void print_value(std::string& out, const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    out += value ? "true" : "false";
  } else if constexpr (std::is_enum_v<T>) {
    const std::string_view name = enum_name(value);
    out += name;
    if (name.empty()) out += std::to_string(static_cast<unsigned>(value));
  } else if constexpr (std::is_arithmetic_v<T>) {
    out += std::to_string(value);
  } else if constexpr (std::is_same_v<T, std::string>) {
    print_value(out, std::string_view(value));
  } else if constexpr (is_list<T>) {
    print_list(out, value);
  } else if constexpr (Described<T>) {
    print_to(out, value);
  } else {
    out += to_string(value);
  }
}

template <Described S>
void print_to(std::string& out, const S& value) {
  const S& defaults = defaults_of<S>();
  out += '{';
  bool is_first = true;
  for_each_field<S>([&](const auto& field) {
    if (value.*field.member == defaults.*field.member) return;
    if (!is_first) out += ", ";
    is_first = false;
    out += field.name;
    out += '=';
    print_value(out, value.*field.member);
  });
  out += '}';
}

template <Described S>
std::string print(const S& value) {
  std::string out;
  print_to(out, value);
  return out;
}

}  // namespace framebus::schema
