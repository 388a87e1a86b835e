// The machinery of job file tables: a section is the list of keys an object of a job file may have.
//
// Each key is one row: name, kind, JSON Schema, default, doc (KeyInfo), and how its value gets into
// a struct. Parser, schema and manual all walk the same rows. The rows themselves are in
// job_keys.cpp and render_keys.cpp.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "libmsg/base/json_text.h"
#include "libmsg/base/result.h"

namespace framebus::client {

struct SectionInfo;

struct KeyInfo {
  std::string name;
  std::string kind;           // what is allowed, for people: "whole number, 1 to 65535"
  std::string schema;         // members of a JSON Schema object, without braces
  std::string doc;            // one or two sentences
  std::string fallback = {};  // the default as JSON; empty: none
  bool required = false;
  const SectionInfo* section =
      nullptr;  // the value is an object of this section, or a list of such
};

struct SectionInfo {
  std::string title;  // "film": unique, names it in schema and manual
  std::string doc;
  std::vector<KeyInfo> keys = {};
};

// Makes errors of meaning: "job.json:3:14: /film/width: expected ..., found ...".
tl::unexpected<Error> wrong(const JsonDocument& document, JsonValue value, const std::string& what);
// The same, with what was found: its kind and how it is written.
tl::unexpected<Error> wrong_kind(const JsonDocument& document, JsonValue value,
                                 const std::string& expected);

template <class T>
struct Section {
  SectionInfo info;
  std::vector<std::function<Status(const JsonDocument&, JsonValue, T&)>> readers =
      {};  // one for each key

  Section& add(KeyInfo key, std::function<Status(const JsonDocument&, JsonValue, T&)> read) {
    info.keys.push_back(std::move(key));
    readers.push_back(std::move(read));
    return *this;
  }
};

// Refuses members that none of the sections has (naming the nearest) and keys that are required and
// missing.
Status check_keys(const JsonDocument& document, JsonValue object,
                  const std::vector<const SectionInfo*>& sections);

// Reads the members that the section has; others are none of its business.
template <class T>
Status read_members(const JsonDocument& document, JsonValue object, const Section<T>& section,
                    T& to) {
  for (const auto& [key, value] : object.members())
    for (std::size_t i = 0; i < section.readers.size(); ++i)
      if (section.info.keys[i].name == key) FRAMEBUS_TRY(section.readers[i](document, value, to));
  return {};
}

// An object that consists of this section alone.
template <class T>
Status read_section(const JsonDocument& document, JsonValue object, const Section<T>& section,
                    T& to) {
  if (!object.is(JsonKind::object))
    return wrong_kind(document, object,
                      "an object with the keys of \"" + section.info.title + "\"");
  FRAMEBUS_TRY(check_keys(document, object, {&section.info}));
  return read_members(document, object, section, to);
}

}  // namespace framebus::client
