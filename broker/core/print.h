// Described structs as text for logs and failing tests: "Name{field=value ...}", only what is not
// the default, long bytes cut. Heavy to instantiate: included by print.cpp and tests only.
#pragma once

#include <string>
#include <type_traits>
#include <variant>

#include "broker/core/tables.h"
#include "libmsg/base/bytes.h"
#include "libmsg/base/ids.h"
#include "libmsg/schema/field.h"

namespace framebus::broker::printing {

inline constexpr std::size_t shown_max = 48;

inline void put(std::string& out, const std::string& text) {
  out += '"';
  out += text.size() <= shown_max ? text : text.substr(0, shown_max) + "...";
  out += '"';
}
inline void put(std::string& out, const Bytes& bytes) {
  out += std::to_string(bytes.size()) + " bytes";
}
inline void put(std::string& out, const Token& token) {
  out += std::to_string(token.epoch) + "." + std::to_string(token.grant);
}
inline void put(std::string& out, const TaskRef& task) {
  out += to_string(task);
}
template <class Tag>
void put(std::string& out, const Id64<Tag>& id) {
  out += to_string(id);
}
template <class Tag>
void put(std::string& out, const Id128<Tag>& id) {
  out += to_string(id).substr(0, 8);
}
inline void put(std::string& out, const BlobHash& hash) {
  out += to_string(hash).substr(0, 8);
}
inline void put(std::string& out, TaskState state) {
  out += word(state);
}
inline void put(std::string& out, JobState state) {
  out += word(state);
}
template <class T>
requires(std::is_arithmetic_v<T> || std::is_enum_v<T>) void put(std::string& out, T value) {
  if constexpr (std::is_enum_v<T>) {
    out += std::to_string(static_cast<std::underlying_type_t<T>>(value));
  } else {
    out += std::to_string(value);
  }
}
template <schema::Described S>
void put(std::string& out, const S& value);
template <class T>
void put(std::string& out, const std::vector<T>& values) {
  out += '[';
  std::size_t shown = 0;
  for (const T& value : values) {
    if (shown > 0) out += ' ';
    if (++shown > 8) {
      out += "... " + std::to_string(values.size()) + " in all";
      break;
    }
    put(out, value);
  }
  out += ']';
}
template <schema::Described S>
void put(std::string& out, const S& value) {
  [[maybe_unused]] static const S defaults{};
  out += '{';
  bool first = true;
  schema::for_each_field<S>([&](const auto& field) {
    if (value.*field.member == defaults.*field.member) return;
    if (!first) out += ' ';
    first = false;
    out += field.name;
    out += '=';
    put(out, value.*field.member);
  });
  out += '}';
}

// A variant of named described structs: messages, records.
template <class Variant>
std::string named(const Variant& variant) {
  return std::visit(
      [](const auto& value) {
        std::string out = std::remove_cvref_t<decltype(value)>::name;
        put(out, value);
        return out;
      },
      variant);
}

}  // namespace framebus::broker::printing
