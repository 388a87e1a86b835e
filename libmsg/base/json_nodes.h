// The flat form of a JSON document, shared by the parser (json_parse.cpp) and the reader
// (json_text.cpp). Nobody else includes this.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libmsg/base/json_text.h"

namespace framebus {

// A value or a key. Nodes lie in text order: an array's elements follow it, an object's members
// follow it as key, value, key, value. `next` is the first node that is not part of this one.
struct JsonNode {
  std::uint32_t begin = 0, end = 0;  // bytes of the text, quotes included
  std::uint32_t next = 0;
  std::uint32_t count = 0;  // elements or members
  JsonKind kind = JsonKind::null;
  bool has_escapes = false;  // string: what is between the quotes is not the value as it is
};

struct JsonData {
  std::string name;
  std::string text;
  std::vector<JsonNode> nodes;
};

// The value of a string node that was checked by the parser.
std::string decode_json_string(const JsonData& data, const JsonNode& node);
// Line and column of a byte of the text.
TextPosition position_in(std::string_view text, std::size_t offset);

Status parse_json(JsonData& data, const JsonLimits& limits);

}  // namespace framebus
