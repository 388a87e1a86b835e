// Rows for the usual kinds of values: each call gives one key its check, its schema and its words.
//
// Defaults are taken from a default-made struct, so that they stand in one place. Bounds are
// inclusive.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "client/jobfile/sections.h"
#include "libmsg/base/config.h"

namespace framebus::client {

struct Allowed {
  double min = 0, max = 0;
};

std::string allowed_text(Allowed bounds);   // "1 to 65535"
std::string bounds_schema(Allowed bounds);  // "minimum": 1, "maximum": 65535
std::string choices_text(const std::vector<std::string>& names);
std::string choices_schema(const std::vector<std::string>& names);

Result<double> read_number(const JsonDocument& document, JsonValue value, Allowed bounds);
Result<std::int64_t> read_whole(const JsonDocument& document, JsonValue value, Allowed bounds);
// Not empty, at most bytes_max, no zero byte.
Result<std::string> read_text(const JsonDocument& document, JsonValue value, std::size_t bytes_max);
Result<std::size_t> read_choice(const JsonDocument& document, JsonValue value,
                                const std::vector<std::string>& names);
Result<std::array<double, 3>> read_three(const JsonDocument& document, JsonValue value,
                                         Allowed bounds);

inline KeyInfo required(KeyInfo key) {
  key.required = true;
  key.fallback.clear();
  return key;
}

template <class T>
void add_number(Section<T>& section, const std::string& name, double T::*member, Allowed bounds,
                const std::string& doc) {
  section.add({name, "number, " + allowed_text(bounds),
               "\"type\": \"number\", " + bounds_schema(bounds), doc, json_number(T{}.*member)},
              [=](const JsonDocument& document, JsonValue value, T& to) -> Status {
                FRAMEBUS_ASSIGN(to.*member, read_number(document, value, bounds));
                return {};
              });
}

template <class T, class N>
void add_whole(Section<T>& section, const std::string& name, N T::*member, Allowed bounds,
               const std::string& doc, const std::string& fallback = {}) {
  section.add({name, "whole number, " + allowed_text(bounds),
               "\"type\": \"integer\", " + bounds_schema(bounds), doc,
               fallback.empty() ? std::to_string(T{}.*member) : fallback},
              [=](const JsonDocument& document, JsonValue value, T& to) -> Status {
                FRAMEBUS_ASSIGN(const std::int64_t number, read_whole(document, value, bounds));
                to.*member = static_cast<N>(number);
                return {};
              });
}

template <class T>
void add_text(Section<T>& section, const std::string& name, std::string T::*member,
              std::size_t bytes_max, const std::string& doc, bool is_required = false) {
  KeyInfo key{name, "text", "\"type\": \"string\", \"minLength\": 1", doc};
  key.required = is_required;
  section.add(std::move(key), [=](const JsonDocument& document, JsonValue value, T& to) -> Status {
    FRAMEBUS_ASSIGN(to.*member, read_text(document, value, bytes_max));
    return {};
  });
}

template <class T>
void add_boolean(Section<T>& section, const std::string& name, bool T::*member,
                 const std::string& doc) {
  section.add({name, "true or false", "\"type\": \"boolean\"", doc, T{}.*member ? "true" : "false"},
              [=](const JsonDocument& document, JsonValue value, T& to) -> Status {
                if (!value.is(JsonKind::boolean))
                  return wrong_kind(document, value, "true or false");
                to.*member = value.boolean();
                return {};
              });
}

// An enumeration whose values are the indices of `names`.
template <class T, class E>
void add_choice(Section<T>& section, const std::string& name, E T::*member,
                const std::vector<std::string>& names, const std::string& doc) {
  section.add({name, choices_text(names), choices_schema(names), doc,
               json_quote(names[static_cast<std::size_t>(T{}.*member)])},
              [=](const JsonDocument& document, JsonValue value, T& to) -> Status {
                FRAMEBUS_ASSIGN(const std::size_t index, read_choice(document, value, names));
                to.*member = static_cast<E>(index);
                return {};
              });
}

template <class T>
void add_three(Section<T>& section, const std::string& name, std::array<double, 3> T::*member,
               Allowed bounds, const std::string& doc, bool is_required = false) {
  const std::array<double, 3> fallback = T{}.*member;
  KeyInfo key{
      name, "three numbers, " + allowed_text(bounds),
      "\"type\": \"array\", \"minItems\": 3, \"maxItems\": 3, \"items\": {\"type\": \"number\", " +
          bounds_schema(bounds) + "}",
      doc,
      "[" + json_number(fallback[0]) + ", " + json_number(fallback[1]) + ", " +
          json_number(fallback[2]) + "]"};
  section.add(is_required ? required(key) : key,
              [=](const JsonDocument& document, JsonValue value, T& to) -> Status {
                FRAMEBUS_ASSIGN(to.*member, read_three(document, value, bounds));
                return {};
              });
}

// "90s" into milliseconds, at least 1 ms.
template <class T>
void add_duration(Section<T>& section, const std::string& name, std::int64_t T::*member,
                  const std::string& doc) {
  section.add({name, "duration",
               "\"type\": \"string\", \"pattern\": \"^([0-9.]+(d|h|m|min|s|ms|us|ns))+$\"", doc},
              [=](const JsonDocument& document, JsonValue value, T& to) -> Status {
                if (!value.is(JsonKind::string))
                  return wrong_kind(document, value,
                                    "a duration in a string, like \"90s\" or \"1h30m\"");
                const auto duration = parse_duration(value.string());
                if (!duration) return wrong(document, value, duration.error().message);
                if (*duration < milliseconds(1) || *duration > std::chrono::hours(24 * 3650))
                  return wrong(document, value,
                               value.excerpt() + " is outside what is allowed: 1ms to 3650d");
                to.*member = to_ms(*duration);
                return {};
              });
}

// "8GiB" or a number of bytes.
template <class T>
void add_size(Section<T>& section, const std::string& name, std::uint64_t T::*member,
              const std::string& doc) {
  section.add({name, "size", "\"type\": [\"string\", \"integer\"], \"minimum\": 0", doc, "0"},
              [=](const JsonDocument& document, JsonValue value, T& to) -> Status {
                if (!value.is(JsonKind::string) && !value.is(JsonKind::number))
                  return wrong_kind(document, value, "a size like \"8GiB\", or a number of bytes");
                const auto size = parse_size(
                    value.is(JsonKind::string) ? value.string() : std::string(value.text()));
                if (!size) return wrong(document, value, size.error().message);
                to.*member = size->bytes;
                return {};
              });
}

template <class T, class S>
void add_object(Section<T>& section, const std::string& name, S T::*member, const Section<S>& inner,
                const std::string& doc) {
  KeyInfo key{name, "object, see " + inner.info.title, "", doc};
  key.section = &inner.info;
  section.add(std::move(key),
              [member, &inner](const JsonDocument& document, JsonValue value, T& to) -> Status {
                return read_section(document, value, inner, to.*member);
              });
}

template <class T, class S>
void add_list(Section<T>& section, const std::string& name, std::vector<S> T::*member,
              const Section<S>& inner, std::size_t count_max, const std::string& doc) {
  KeyInfo key{name, "list of " + inner.info.title,
              "\"type\": \"array\", \"maxItems\": " + std::to_string(count_max), doc};
  key.section = &inner.info;
  section.add(std::move(key),
              [=, &inner](const JsonDocument& document, JsonValue value, T& to) -> Status {
                if (!value.is(JsonKind::array))
                  return wrong_kind(document, value, "a list of objects");
                if (value.size() > count_max)
                  return wrong(document, value,
                               std::to_string(value.size()) + " entries; at most " +
                                   std::to_string(count_max) + " are allowed");
                for (const JsonValue& item : value.items()) {
                  S entry;
                  FRAMEBUS_TRY(read_section(document, item, inner, entry));
                  (to.*member).push_back(std::move(entry));
                }
                return {};
              });
}

}  // namespace framebus::client
