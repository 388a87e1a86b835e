// Reading values out of the nodes, and the few texts that go the other way.
#include "libmsg/base/json_text.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <system_error>

#include "libmsg/base/check.h"
#include "libmsg/base/json_nodes.h"

namespace framebus {
namespace {

const JsonNode& node_at(const JsonData* data, std::uint32_t index) {
  return data->nodes[index];
}

void append_utf8(std::string& out, unsigned code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

unsigned hex4(std::string_view text, std::size_t at) {
  unsigned code = 0;
  std::from_chars(text.data() + at, text.data() + at + 4, code, 16);
  return code;
}

std::string pointer_escaped(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

}  // namespace

std::string_view name_of(JsonKind kind) {
  switch (kind) {
    case JsonKind::null:
      return "null";
    case JsonKind::boolean:
      return "a boolean";
    case JsonKind::number:
      return "a number";
    case JsonKind::string:
      return "a string";
    case JsonKind::array:
      return "an array";
    case JsonKind::object:
      return "an object";
  }
  return "nothing";
}

TextPosition position_in(std::string_view text, std::size_t offset) {
  TextPosition position;
  offset = std::min(offset, text.size());
  for (std::size_t i = 0; i < offset; ++i) {
    if (text[i] == '\n') {
      ++position.line;
      position.column = 1;
    } else if ((static_cast<unsigned char>(text[i]) & 0xC0u) != 0x80u) {
      ++position.column;
    }
  }
  if (position.line == 1 && text.substr(0, 3) == "\xEF\xBB\xBF" && offset >= 3) --position.column;
  return position;
}

std::string decode_json_string(const JsonData& data, const JsonNode& node) {
  const std::string_view inner =
      std::string_view(data.text).substr(node.begin + 1, node.end - node.begin - 2);
  if (!node.has_escapes) return std::string(inner);
  std::string out;
  out.reserve(inner.size());
  for (std::size_t i = 0; i < inner.size(); ++i) {
    if (inner[i] != '\\') {
      out += inner[i];
      continue;
    }
    const char c = inner[++i];
    switch (c) {
      case 'b':
        out += '\b';
        break;
      case 'f':
        out += '\f';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case 'u': {
        unsigned code = hex4(inner, i + 1);
        i += 4;
        if (code >= 0xD800 && code <= 0xDBFF) {
          code = 0x10000 + ((code - 0xD800) << 10) + (hex4(inner, i + 3) - 0xDC00);
          i += 6;
        }
        append_utf8(out, code);
        break;
      }
      default:
        out += c;
    }
  }
  return out;
}

JsonKind JsonValue::kind() const {
  return node_at(data_, node_).kind;
}
std::size_t JsonValue::size() const {
  return node_at(data_, node_).count;
}

std::string_view JsonValue::text() const {
  const JsonNode& node = node_at(data_, node_);
  return std::string_view(data_->text).substr(node.begin, node.end - node.begin);
}

std::string JsonValue::excerpt() const {
  const std::string_view all = text();
  std::string out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool starts_character = (static_cast<unsigned char>(all[i]) & 0xC0u) != 0x80u;
    if (out.size() >= 40 && starts_character) return out + "...";
    const auto byte = static_cast<unsigned char>(all[i]);
    out += byte < 0x20 || byte == 0x7F ? ' ' : all[i];
  }
  return out;
}

bool JsonValue::boolean() const {
  FRAMEBUS_CHECK(is(JsonKind::boolean), "asked for a boolean");
  return text() == "true";
}

double JsonValue::number() const {
  FRAMEBUS_CHECK(is(JsonKind::number), "asked for a number");
  const std::string_view digits = text();
  double value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

std::optional<std::int64_t> JsonValue::integer() const {
  FRAMEBUS_CHECK(is(JsonKind::number), "asked for an integer");
  const std::string_view digits = text();
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (problem == std::errc{} && end == digits.data() + digits.size()) return value;
  const double real = number();
  // Beyond 2^53 a double no longer says which integer was meant.
  if (std::abs(real) > 9007199254740992.0 || real != std::floor(real)) return std::nullopt;
  return static_cast<std::int64_t>(real);
}

std::string JsonValue::string() const {
  FRAMEBUS_CHECK(is(JsonKind::string), "asked for a string");
  return decode_json_string(*data_, node_at(data_, node_));
}

std::vector<JsonValue> JsonValue::items() const {
  FRAMEBUS_CHECK(is(JsonKind::array), "asked for the elements of an array");
  std::vector<JsonValue> out;
  out.reserve(size());
  const std::uint32_t end = node_at(data_, node_).next;
  for (std::uint32_t i = node_ + 1; i < end; i = node_at(data_, i).next)
    out.push_back(JsonValue(data_, i));
  return out;
}

std::vector<std::pair<std::string, JsonValue>> JsonValue::members() const {
  FRAMEBUS_CHECK(is(JsonKind::object), "asked for the members of an object");
  std::vector<std::pair<std::string, JsonValue>> out;
  out.reserve(size());
  const std::uint32_t end = node_at(data_, node_).next;
  for (std::uint32_t i = node_ + 1; i < end; i = node_at(data_, i + 1).next)
    out.emplace_back(decode_json_string(*data_, node_at(data_, i)), JsonValue(data_, i + 1));
  return out;
}

std::optional<JsonValue> JsonValue::find(std::string_view key) const {
  FRAMEBUS_CHECK(is(JsonKind::object), "asked for a member of an object");
  const std::uint32_t end = node_at(data_, node_).next;
  for (std::uint32_t i = node_ + 1; i < end; i = node_at(data_, i + 1).next)
    if (decode_json_string(*data_, node_at(data_, i)) == key) return JsonValue(data_, i + 1);
  return std::nullopt;
}

JsonDocument::JsonDocument(std::unique_ptr<const JsonData> data) : data_(std::move(data)) {}
JsonDocument::JsonDocument(JsonDocument&&) noexcept = default;
JsonDocument& JsonDocument::operator=(JsonDocument&&) noexcept = default;
JsonDocument::~JsonDocument() = default;

Result<JsonDocument> JsonDocument::parse(std::string text, std::string name,
                                         const JsonLimits& limits) {
  auto data = std::make_unique<JsonData>();
  data->name = std::move(name);
  data->text = std::move(text);
  FRAMEBUS_TRY(parse_json(*data, limits));
  return JsonDocument(std::move(data));
}

JsonValue JsonDocument::root() const {
  return JsonValue(data_.get(), 0);
}
const std::string& JsonDocument::name() const {
  return data_->name;
}
std::string_view JsonDocument::text() const {
  return data_->text;
}

TextPosition JsonDocument::position_of(JsonValue value) const {
  return position_in(data_->text, node_at(data_.get(), value.node_).begin);
}

std::string JsonDocument::pointer_to(JsonValue value) const {
  std::string pointer;
  std::uint32_t at = 0;
  while (at != value.node_) {
    const JsonNode& node = data_->nodes[at];
    const bool is_object = node.kind == JsonKind::object;
    std::uint32_t child = at + 1;
    std::size_t index = 0;
    while (data_->nodes[is_object ? child + 1 : child].next <= value.node_) {
      child = data_->nodes[is_object ? child + 1 : child].next;
      ++index;
    }
    pointer += '/';
    pointer += is_object ? pointer_escaped(decode_json_string(*data_, data_->nodes[child]))
                         : std::to_string(index);
    at = is_object ? child + 1 : child;
  }
  return pointer;
}

std::string JsonDocument::where(JsonValue value) const {
  const TextPosition position = position_of(value);
  const std::string pointer = pointer_to(value);
  std::string out =
      name() + ":" + std::to_string(position.line) + ":" + std::to_string(position.column);
  if (!pointer.empty()) out += ": " + pointer;
  return out;
}

Result<std::string> read_text_file(const std::filesystem::path& path, std::size_t bytes_max) {
  std::error_code problem;
  const auto status = std::filesystem::status(path, problem);
  if (status.type() == std::filesystem::file_type::not_found)
    return fail(Code::invalid_argument, path.string() + ": no such file");
  if (problem) return fail(Code::invalid_argument, path.string() + ": " + problem.message());
  if (status.type() != std::filesystem::file_type::regular)
    return fail(Code::invalid_argument, path.string() + ": is not a regular file");
  const auto size = std::filesystem::file_size(path, problem);
  if (!problem && size > bytes_max)
    return fail(Code::invalid_argument, path.string() + ": " + std::to_string(size) +
                                            " bytes; at most " + std::to_string(bytes_max) +
                                            " are allowed");
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file) return fail(Code::invalid_argument, path.string() + ": " + std::strerror(errno));
  std::string text(static_cast<std::size_t>(size), '\0');
  const std::size_t got = std::fread(text.data(), 1, text.size(), file.get());
  if (std::ferror(file.get()))
    return fail(Code::invalid_argument, path.string() + ": " + std::strerror(errno));
  text.resize(got);
  return text;
}

Result<JsonDocument> read_json_file(const std::filesystem::path& path, const JsonLimits& limits) {
  FRAMEBUS_ASSIGN(std::string text, read_text_file(path, limits.bytes_max));
  return JsonDocument::parse(std::move(text), path.string(), limits);
}

std::string json_quote(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (byte < 0x20)
          out += std::string("\\u00") + digits[byte >> 4] + digits[byte & 15];
        else
          out += c;
    }
  }
  return out + '"';
}

std::string json_number(double number) {
  FRAMEBUS_CHECK(std::isfinite(number), "JSON has finite numbers only");
  char buffer[32];
  const auto [end, problem] = std::to_chars(buffer, buffer + sizeof buffer, number);
  FRAMEBUS_CHECK(problem == std::errc{}, "32 bytes hold any shortest double");
  return std::string(buffer, end);
}

std::string canonical_json(JsonValue value) {
  if (value.is(JsonKind::string)) return json_quote(value.string());
  if (value.is(JsonKind::array)) {
    std::string out = "[";
    for (const JsonValue& item : value.items()) {
      if (out.size() > 1) out += ',';
      out += canonical_json(item);
    }
    return out + ']';
  }
  if (value.is(JsonKind::object)) {
    auto members = value.members();
    std::sort(members.begin(), members.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    std::string out = "{";
    for (const auto& [key, member] : members) {
      if (out.size() > 1) out += ',';
      out += json_quote(key) + ':' + canonical_json(member);
    }
    return out + '}';
  }
  return std::string(value.text());
}

}  // namespace framebus
