// See mutations.h: texts, token by token. What a token, a value and a member are is taken from
// JSON; lines of settings ("--slots=4") have tokens and values of the same kinds.
#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "tests/fuzz/mutations.h"

namespace framebus::fuzz {
namespace {

enum class Kind : std::uint8_t { quoted, word, sign };

struct Token {
  std::size_t begin, end;  // bytes
  Kind kind;
};

struct Span {
  std::size_t begin = 0, end = 0;  // bytes
};

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '.' || c == '-' || c == '+' || static_cast<unsigned char>(c) >= 0x80;
}

std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t begin = at;
    const char c = text[at++];
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') continue;
    if (c == '"') {
      while (at < text.size() && text[at] != '"' && text[at] != '\n')
        at += text[at] == '\\' ? 2u : 1u;
      at = std::min(at + 1, text.size());
      tokens.push_back({begin, at, Kind::quoted});
    } else if (is_word(c)) {
      while (at < text.size() && is_word(text[at])) ++at;
      tokens.push_back({begin, at, Kind::word});
    } else {
      tokens.push_back({begin, at, Kind::sign});
    }
  }
  return tokens;
}

struct Text {
  std::string_view text;
  std::vector<Token> tokens;

  explicit Text(const Input& input)
      : text(reinterpret_cast<const char*>(input.data()), input.size()), tokens(tokens_of(text)) {}

  char sign(std::size_t token) const {
    return tokens[token].kind == Kind::sign ? text[tokens[token].begin] : '\0';
  }
  // The last token of the value that begins with this one: a bracket goes to its partner.
  std::size_t last_of(std::size_t token) const {
    int depth = 0;
    for (std::size_t i = token; i < tokens.size(); ++i) {
      if (sign(i) == '{' || sign(i) == '[') ++depth;
      if (sign(i) == '}' || sign(i) == ']') --depth;
      if (depth <= 0) return i;
    }
    return tokens.size() - 1;
  }
  bool begins_value(std::size_t token) const {
    if (sign(token) == '{' || sign(token) == '[') return true;
    const bool is_key = token + 1 < tokens.size() && sign(token + 1) == ':';
    return tokens[token].kind != Kind::sign && !is_key;
  }
  Span value(std::size_t token) const { return {tokens[token].begin, tokens[last_of(token)].end}; }
  // A random token that begins a value; none in a text without any.
  std::optional<std::size_t> any_value(Random& random) const {
    for (int tries = 0; tries < 16 && !tokens.empty(); ++tries) {
      const std::size_t token = random.below(tokens.size());
      if (begins_value(token)) return token;
    }
    return std::nullopt;
  }
  // The member ("key": value) or list element around a value, without comma.
  Span member(std::size_t token) const {
    Span span = value(token);
    if (token >= 2 && sign(token - 1) == ':') span.begin = tokens[token - 2].begin;
    return span;
  }
  Span line(Random& random) const {
    const std::size_t at = random.below(text.size() + 1);
    const std::size_t before = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
    const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
    return {begin, std::min(text.find('\n', at), text.size())};
  }
  std::string of(Span span) const {
    return std::string(text.substr(span.begin, span.end - span.begin));
  }
};

void replace(Input& input, Span span, std::string_view by) {
  if (input.size() - (span.end - span.begin) + by.size() > input_bytes_max) return;
  const auto at = input.erase(input.begin() + static_cast<std::ptrdiff_t>(span.begin),
                              input.begin() + static_cast<std::ptrdiff_t>(span.end));
  input.insert(at, by.begin(), by.end());
}

// By the kind of what they replace, so that most of them are wrong in their value only.
constexpr std::array<std::string_view, 24> extreme_numbers{"0",
                                                           "1",
                                                           "-1",
                                                           "2",
                                                           "0.5",
                                                           "-0.0",
                                                           "1e308",
                                                           "-1e308",
                                                           "5e-324",
                                                           "1e400",
                                                           "255",
                                                           "256",
                                                           "65535",
                                                           "65536",
                                                           "1000000",
                                                           "1000001",
                                                           "2147483647",
                                                           "4294967295",
                                                           "4294967296",
                                                           "9007199254740993",
                                                           "9223372036854775807",
                                                           "9223372036854775808",
                                                           "-9223372036854775808",
                                                           "18446744073709551615"};
constexpr std::array<std::string_view, 12> extreme_texts{"\"\"",          "\"0\"",
                                                         "\"1s\"",        "\"292y\"",
                                                         "\"1-1000000\"", "\"../x\"",
                                                         "\"/\"",         "\"a####\"",
                                                         "\"\\u0000\"",   "\"\\ud83d\\ude00\"",
                                                         "\"8GiB\"",      "\"tcp://[::1]:0\""};
constexpr std::array<std::string_view, 7> extreme_others{"true", "false", "null",     "[]",
                                                         "{}",   "[[]]",  "{\"\": 0}"};

bool is_number(std::string_view text) {
  return text[0] == '-' || (text[0] >= '0' && text[0] <= '9');
}

std::string_view extreme_for(std::string_view text, Random& random) {
  const std::size_t way = random.below(8);  // one in four is of any kind
  if (way == 0 || (is_number(text) && way > 1))
    return extreme_numbers[random.below(extreme_numbers.size())];
  if (way == 1 || text[0] == '"') return extreme_texts[random.below(extreme_texts.size())];
  return extreme_others[random.below(extreme_others.size())];
}

// The number beside the one that is there, or one that differs a little more.
std::string changed_number(const std::string& text, Random& random) {
  const double number = std::strtod(text.c_str(), nullptr);
  switch (random.below(6)) {
    case 0:
      return std::to_string(static_cast<std::int64_t>(std::clamp(number, -1e15, 1e15)) + 1);
    case 1:
      return std::to_string(static_cast<std::int64_t>(std::clamp(number, -1e15, 1e15)) - 1);
    case 2:
      return "-" + text;
    case 3:
      return text + "0";
    case 4:
      return text + ".5";
    default:
      return std::to_string(random.below(1'000));
  }
}

void change_value(Input& input, const Text& text, Random& random) {
  const auto token = text.any_value(random);
  if (!token) return;
  const Span span = text.value(*token);
  const std::string was = text.of(span);
  if (is_number(was) && random.below(3) != 0)
    return replace(input, span, changed_number(was, random));
  replace(input, span, extreme_for(was, random));
}

// A key or value by one that stands elsewhere: wrong places for right things.
void change_token(Input& input, const Text& text, const Text& other, Random& random) {
  if (text.tokens.empty() || other.tokens.empty()) return;
  const Token& token = text.tokens[random.below(text.tokens.size())];
  for (int tries = 0; tries < 16; ++tries) {
    const Token& by = other.tokens[random.below(other.tokens.size())];
    if (by.kind != token.kind) continue;
    return replace(input, {token.begin, token.end}, other.of({by.begin, by.end}));
  }
}

// A value by another one, mostly of its kind.
void copy_value(Input& input, const Text& text, const Text& other, Random& random) {
  const auto to = text.any_value(random);
  auto from = other.any_value(random);
  if (!to || !from) return;
  const auto kind_of = [](const Text& in, std::size_t token) {
    const char c = in.text[in.tokens[token].begin];
    return is_number({&c, 1}) ? '0' : c;
  };
  for (int tries = 0; tries < 12 && from && kind_of(text, *to) != kind_of(other, *from); ++tries)
    from = other.any_value(random);
  if (from) replace(input, text.value(*to), other.of(other.value(*from)));
}

void swap_values(Input& input, const Text& text, Random& random) {
  const auto one = text.any_value(random), two = text.any_value(random);
  if (!one || !two) return;
  Span first = text.value(*one), second = text.value(*two);
  if (second.begin < first.begin) std::swap(first, second);
  if (second.begin < first.end) return;  // one is inside the other
  const std::string was_first = text.of(first), was_second = text.of(second);
  replace(input, second, was_first);
  replace(input, first, was_second);
}

void remove_member(Input& input, const Text& text, Random& random) {
  const auto token = text.any_value(random);
  if (!token) return;
  Span span = text.member(*token);
  const std::size_t after = text.last_of(*token) + 1;
  if (after < text.tokens.size() && text.sign(after) == ',') {
    span.end = text.tokens[after].end;
  } else {
    const std::size_t comma = span.begin == 0 ? std::string_view::npos
                                              : text.text.find_last_not_of(" \n\t", span.begin - 1);
    if (comma != std::string_view::npos && text.text[comma] == ',') span.begin = comma;
  }
  replace(input, span, {});
}

// A member or element of the other text, before one of this.
void insert_member(Input& input, const Text& text, const Text& other, Random& random) {
  const auto at = text.any_value(random), from = other.any_value(random);
  if (!at || !from) return;
  const Span before = text.member(*at);
  const std::string inserted = other.of(other.member(*from)) + ", ";
  replace(input, {before.begin, before.begin}, inserted);
}

void change_line(Input& input, const Text& text, const Text& other, Random& random) {
  const Span line = text.line(random);
  switch (random.below(3)) {
    case 0:
      return replace(input, line, {});
    case 1:
      return replace(input, line, other.of(other.line(random)));
    default:
      return replace(input, {line.begin, line.begin}, other.of(other.line(random)) + "\n");
  }
}

}  // namespace

bool is_text(const Input& input) {
  return !input.empty() && std::all_of(input.begin(), input.end(), [](std::uint8_t c) {
    return (c >= 0x20 && c != 0x7f) || c == '\n' || c == '\t' || c == '\r';
  });
}

void mutate_text(Input& input, const Input& other, Random& random) {
  const Text text(input);
  const Text donor(random.below(2) == 0 ? input : other);
  switch (random.below(8)) {
    case 0:
    case 1:
      return change_value(input, text, random);
    case 2:
      return change_token(input, text, donor, random);
    case 3:
      return copy_value(input, text, donor, random);
    case 4:
      return swap_values(input, text, random);
    case 5:
      return remove_member(input, text, random);
    case 6:
      return insert_member(input, text, donor, random);
    default:
      return change_line(input, text, donor, random);
  }
}

}  // namespace framebus::fuzz
