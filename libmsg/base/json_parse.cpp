// Text to nodes: RFC 8259 with optional comments. Every refusal happens before memory is spent on
// what is refused: depth before descending, the number of values before adding one, repeated keys
// when an object closes. Recursion is bounded by JsonLimits::depth_max.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "libmsg/base/check.h"
#include "libmsg/base/json_nodes.h"

namespace framebus {
namespace {

// Bytes of the UTF-8 sequence that starts here, 0 when it is not valid (overlong, surrogate, cut
// short).
std::size_t utf8_length(std::string_view rest) {
  const auto byte = [&](std::size_t i) {
    return i < rest.size() ? static_cast<unsigned char>(rest[i]) : 0u;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (!follows(1) || !follows(2)) return 0;
    if (first == 0xE0 && byte(1) < 0xA0) return 0;
    if (first == 0xED && byte(1) > 0x9F) return 0;
    return 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!follows(1) || !follows(2) || !follows(3)) return 0;
    if (first == 0xF0 && byte(1) < 0x90) return 0;
    if (first == 0xF4 && byte(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$' ||
         c == '.' || c == '+' || c == '-';
}

class Parser {
 public:
  Parser(JsonData& data, const JsonLimits& limits)
      : data_(data), text_(data.text), limits_(limits) {}

  Status run() {
    if (text_.size() > limits_.bytes_max)
      return fail(Code::invalid_argument, data_.name + ": " + std::to_string(text_.size()) +
                                              " bytes; at most " +
                                              std::to_string(limits_.bytes_max) + " are allowed");
    if (text_.substr(0, 3) == "\xEF\xBB\xBF") at_ = 3;
    FRAMEBUS_TRY(skip_space());
    if (at_ == text_.size()) return error("the file is empty; a JSON object is expected");
    FRAMEBUS_TRY(value(1));
    FRAMEBUS_TRY(skip_space());
    if (at_ != text_.size())
      return error("expected the end of the file after the JSON value, found " + found());
    return {};
  }

 private:
  tl::unexpected<Error> error_at(std::size_t offset, const std::string& what) const {
    const TextPosition position = position_in(text_, offset);
    return fail(Code::invalid_argument, data_.name + ":" + std::to_string(position.line) + ":" +
                                            std::to_string(position.column) + ": " + what);
  }
  tl::unexpected<Error> error(const std::string& what) const { return error_at(at_, what); }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  // The word or character at the reading position, as a person would name it.
  std::string found() const {
    if (at_ >= text_.size()) return "the end of the file";
    std::size_t end = at_;
    while (end < text_.size() && end - at_ < 24 && is_word(text_[end])) ++end;
    if (end == at_) {
      const auto byte = static_cast<unsigned char>(text_[at_]);
      if (byte < 0x20 || byte == 0x7F) return "byte " + std::to_string(byte);
      const std::size_t length = utf8_length(text_.substr(at_));
      if (length == 0) return "byte " + std::to_string(byte) + ", which is not UTF-8";
      end = at_ + length;
    }
    return "'" + std::string(text_.substr(at_, end - at_)) + "'";
  }

  Status skip_space() {
    for (;;) {
      while (at_ < text_.size() &&
             (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t'))
        ++at_;
      if (peek() != '/') return {};
      if (!limits_.comments) return error("comments are not allowed here");
      FRAMEBUS_TRY(skip_comment());
    }
  }

  Status skip_comment() {
    const std::string_view start = text_.substr(at_, 2);
    if (start == "//") {
      at_ = std::min(text_.find('\n', at_), text_.size());
      return {};
    }
    if (start != "/*") return error("expected a JSON value or a comment (// or /* */), found '/'");
    const std::size_t end = text_.find("*/", at_ + 2);
    if (end == std::string_view::npos) return error("the comment that starts here has no end (*/)");
    at_ = end + 2;
    return {};
  }

  Result<std::uint32_t> add(JsonKind kind) {
    if (data_.nodes.size() >= limits_.values_max)
      return error("more than " + std::to_string(limits_.values_max) + " values in one file");
    JsonNode node;
    node.kind = kind;
    node.begin = static_cast<std::uint32_t>(at_);
    data_.nodes.push_back(node);
    return static_cast<std::uint32_t>(data_.nodes.size() - 1);
  }

  void close(std::uint32_t index, std::uint32_t count) {
    JsonNode& node = data_.nodes[index];
    node.end = static_cast<std::uint32_t>(at_);
    node.next = static_cast<std::uint32_t>(data_.nodes.size());
    node.count = count;
  }

  Status value(std::size_t depth) {
    const char c = peek();
    if (c == '{' || c == '[') {
      if (depth > limits_.depth_max)
        return error("nested deeper than " + std::to_string(limits_.depth_max) + " levels");
      return c == '{' ? object(depth) : array(depth);
    }
    if (c == '"') return string();
    if (c == '-' || is_digit(c)) return number();
    return word();
  }

  Status object(std::size_t depth) {
    FRAMEBUS_ASSIGN(const std::uint32_t self, add(JsonKind::object));
    ++at_;
    std::uint32_t count = 0;
    for (;;) {
      FRAMEBUS_TRY(skip_space());
      if (peek() == '}' && count == 0) break;
      if (peek() == '}') return error("a comma before '}' is not allowed in JSON: remove it");
      if (peek() != '"')
        return error("expected a key in double quotes" + std::string(count ? "" : " or '}'") +
                     ", found " + found());
      FRAMEBUS_TRY(string());
      FRAMEBUS_TRY(skip_space());
      if (peek() != ':') return error("expected ':' after the key, found " + found());
      ++at_;
      FRAMEBUS_TRY(skip_space());
      FRAMEBUS_TRY(value(depth + 1));
      ++count;
      FRAMEBUS_TRY(skip_space());
      if (peek() == '}') break;
      if (peek() != ',')
        return error("expected ',' or '}' after a member of the object, found " + found());
      ++at_;
    }
    ++at_;
    close(self, count);
    return refuse_repeated_keys(self);
  }

  Status array(std::size_t depth) {
    FRAMEBUS_ASSIGN(const std::uint32_t self, add(JsonKind::array));
    ++at_;
    std::uint32_t count = 0;
    for (;;) {
      FRAMEBUS_TRY(skip_space());
      if (peek() == ']' && count == 0) break;
      if (peek() == ']') return error("a comma before ']' is not allowed in JSON: remove it");
      FRAMEBUS_TRY(value(depth + 1));
      ++count;
      FRAMEBUS_TRY(skip_space());
      if (peek() == ']') break;
      if (peek() != ',')
        return error("expected ',' or ']' after an element of the array, found " + found());
      ++at_;
    }
    ++at_;
    close(self, count);
    return {};
  }

  Status string() {
    FRAMEBUS_ASSIGN(const std::uint32_t self, add(JsonKind::string));
    const std::size_t start = at_++;
    for (;;) {
      if (at_ >= text_.size())
        return error_at(start, "the string that starts here has no closing quote");
      const auto byte = static_cast<unsigned char>(text_[at_]);
      if (byte == '"') break;
      if (byte == '\n' || byte == '\r')
        return error_at(start, "the string that starts here has no closing quote on its line");
      if (byte < 0x20)
        return error("byte " + std::to_string(byte) + " must be written as an escape in a string");
      if (byte == '\\') {
        data_.nodes[self].has_escapes = true;
        FRAMEBUS_TRY(escape());
        continue;
      }
      const std::size_t length = utf8_length(text_.substr(at_, 4));
      if (length == 0)
        return error("byte " + std::to_string(byte) +
                     " is not valid UTF-8; save the file as UTF-8");
      at_ += length;
    }
    ++at_;
    close(self, 0);
    return {};
  }

  Result<unsigned> hex4(std::size_t offset) const {
    unsigned code = 0;
    const std::string_view digits = text_.substr(std::min(offset, text_.size()), 4);
    const auto [end, problem] =
        std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (problem != std::errc{} || end != digits.data() + 4 || digits.size() != 4)
      return error("\\u wants four hexadecimal digits");
    return code;
  }

  Status escape() {
    const char c = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos && c != '\0') {
      at_ += 2;
      return {};
    }
    if (c != 'u')
      return error(
          "unknown escape in a string; allowed are \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX");
    FRAMEBUS_ASSIGN(const unsigned code, hex4(at_ + 2));
    if (code >= 0xDC00 && code <= 0xDFFF) return error("\\u escape with half of a surrogate pair");
    if (code < 0xD800 || code > 0xDBFF) {
      at_ += 6;
      return {};
    }
    if (text_.substr(at_ + 6, 2) != "\\u") return error("\\u escape with half of a surrogate pair");
    FRAMEBUS_ASSIGN(const unsigned low, hex4(at_ + 8));
    if (low < 0xDC00 || low > 0xDFFF) return error("\\u escape with half of a surrogate pair");
    at_ += 12;
    return {};
  }

  Status number() {
    FRAMEBUS_ASSIGN(const std::uint32_t self, add(JsonKind::number));
    const std::size_t start = at_;
    const auto digits = [&] {
      const std::size_t from = at_;
      while (is_digit(peek())) ++at_;
      return at_ - from;
    };
    if (peek() == '-') ++at_;
    const bool leading_zero = peek() == '0';
    const std::size_t whole = digits();
    bool good = whole > 0 && (!leading_zero || whole == 1);
    if (peek() == '.') {
      ++at_;
      good = digits() > 0 && good;
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      good = digits() > 0 && good;
    }
    if (!good || is_word(peek())) {
      at_ = start;
      return error("expected a number, found " + found());
    }
    double parsed = 0;
    const auto [end, problem] = std::from_chars(text_.data() + start, text_.data() + at_, parsed);
    if (problem != std::errc{} || end != text_.data() + at_ || !std::isfinite(parsed)) {
      at_ = start;
      return error("the number " + found() + " does not fit a 64-bit float");
    }
    close(self, 0);
    return {};
  }

  Status word() {
    for (const auto& [name, kind] : {std::pair{std::string_view("null"), JsonKind::null},
                                     std::pair{std::string_view("true"), JsonKind::boolean},
                                     std::pair{std::string_view("false"), JsonKind::boolean}}) {
      if (text_.substr(at_, name.size()) != name) continue;
      if (at_ + name.size() < text_.size() && is_word(text_[at_ + name.size()])) break;
      FRAMEBUS_ASSIGN(const std::uint32_t self, add(kind));
      at_ += name.size();
      close(self, 0);
      return {};
    }
    std::string hint;
    if (peek() == '\'') hint = "; strings stand in double quotes";
    if (found() == "'NaN'" || found() == "'Infinity'") hint = "; JSON has finite numbers only";
    return error("expected a JSON value, found " + found() + hint);
  }

  Status refuse_repeated_keys(std::uint32_t self) {
    const JsonNode& object = data_.nodes[self];
    if (object.count < 2) return {};
    std::vector<std::pair<std::string, std::uint32_t>> keys;
    keys.reserve(object.count);
    for (std::uint32_t i = self + 1; i < object.next; i = data_.nodes[i + 1].next)
      keys.emplace_back(decode_json_string(data_, data_.nodes[i]), i);
    std::sort(keys.begin(), keys.end());
    for (std::size_t i = 1; i < keys.size(); ++i)
      if (keys[i].first == keys[i - 1].first) {
        const TextPosition first = position_in(text_, data_.nodes[keys[i - 1].second].begin);
        return error_at(data_.nodes[keys[i].second].begin, "the key \"" + keys[i].first +
                                                               "\" is there twice; first in line " +
                                                               std::to_string(first.line));
      }
    return {};
  }

  JsonData& data_;
  std::string_view text_;
  const JsonLimits& limits_;
  std::size_t at_ = 0;
};

}  // namespace

Status parse_json(JsonData& data, const JsonLimits& limits) {
  FRAMEBUS_CHECK(limits.depth_max <= 256, "the parser recurses once per level");
  FRAMEBUS_CHECK(limits.bytes_max < 0xFFFFFFFFu, "offsets are 32 bits");
  return Parser(data, limits).run();
}

}  // namespace framebus
