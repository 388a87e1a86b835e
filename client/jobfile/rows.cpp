// Checks of single values, and their bounds in words and as JSON Schema.
#include "client/jobfile/rows.h"

namespace framebus::client {
namespace {

std::string bound(double value) {
  if (value == std::floor(value) && std::abs(value) < 1e15)
    return std::to_string(static_cast<std::int64_t>(value));
  return json_number(value);
}

tl::unexpected<Error> outside(const JsonDocument& document, JsonValue value, Allowed bounds) {
  return wrong(document, value,
               value.excerpt() + " is outside what is allowed: " + allowed_text(bounds));
}

}  // namespace

std::string allowed_text(Allowed bounds) {
  return bound(bounds.min) + " to " + bound(bounds.max);
}

std::string bounds_schema(Allowed bounds) {
  return "\"minimum\": " + bound(bounds.min) + ", \"maximum\": " + bound(bounds.max);
}

std::string choices_text(const std::vector<std::string>& names) {
  std::string out;
  for (std::size_t i = 0; i < names.size(); ++i)
    out += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + ("\"" + names[i] + "\"");
  return out;
}

std::string choices_schema(const std::vector<std::string>& names) {
  std::string out = "\"enum\": [";
  for (std::size_t i = 0; i < names.size(); ++i) out += (i == 0 ? "" : ", ") + json_quote(names[i]);
  return out + "]";
}

Result<double> read_number(const JsonDocument& document, JsonValue value, Allowed bounds) {
  if (!value.is(JsonKind::number))
    return wrong_kind(document, value, "a number, " + allowed_text(bounds));
  const double number = value.number();
  if (!(number >= bounds.min && number <= bounds.max)) return outside(document, value, bounds);
  return number;
}

Result<std::int64_t> read_whole(const JsonDocument& document, JsonValue value, Allowed bounds) {
  if (!value.is(JsonKind::number))
    return wrong_kind(document, value, "a whole number, " + allowed_text(bounds));
  const double number = value.number();
  if (!(number >= bounds.min && number <= bounds.max)) return outside(document, value, bounds);
  const auto whole = value.integer();
  if (!whole) return wrong_kind(document, value, "a whole number, " + allowed_text(bounds));
  return *whole;
}

Result<std::string> read_text(const JsonDocument& document, JsonValue value,
                              std::size_t bytes_max) {
  if (!value.is(JsonKind::string)) return wrong_kind(document, value, "a string");
  std::string text = value.string();
  if (text.empty()) return wrong(document, value, "expected a text, found an empty string");
  if (text.size() > bytes_max)
    return wrong(document, value,
                 "a text of " + std::to_string(text.size()) + " bytes; at most " +
                     std::to_string(bytes_max) + " are allowed");
  if (text.find('\0') != std::string::npos)
    return wrong(document, value, "a zero byte (\\u0000) is not allowed here");
  return text;
}

Result<std::size_t> read_choice(const JsonDocument& document, JsonValue value,
                                const std::vector<std::string>& names) {
  if (!value.is(JsonKind::string)) return wrong_kind(document, value, choices_text(names));
  const std::string found = value.string();
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == found) return i;
  const std::string near = nearest_name(found, names);
  return wrong(document, value,
               "expected " + choices_text(names) + ", found " + value.excerpt() +
                   (near.empty() ? "" : "; did you mean \"" + near + "\"?"));
}

Result<std::array<double, 3>> read_three(const JsonDocument& document, JsonValue value,
                                         Allowed bounds) {
  if (!value.is(JsonKind::array)) return wrong_kind(document, value, "a list of three numbers");
  if (value.size() != 3)
    return wrong(document, value, "expected three numbers, found " + std::to_string(value.size()));
  std::array<double, 3> three{};
  const auto items = value.items();
  for (std::size_t i = 0; i < 3; ++i) {
    FRAMEBUS_ASSIGN(three[i], read_number(document, items[i], bounds));
  }
  return three;
}

}  // namespace framebus::client
