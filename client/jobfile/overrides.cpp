#include "client/jobfile/overrides.h"

#include <charconv>
#include <optional>

#include "libmsg/base/json_text.h"

namespace framebus::client {
namespace {

struct Override {
  std::vector<std::string> path;
  std::string json;
};

std::vector<std::string> split_path(std::string_view key) {
  std::vector<std::string> path;
  for (;;) {
    const std::size_t end = key.find('.');
    path.emplace_back(key.substr(0, end));
    if (end == std::string_view::npos) return path;
    key.remove_prefix(end + 1);
  }
}

Result<Override> parse_override(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0)
    return fail(Code::invalid_argument,
                "--set " + text + ": expected KEY=VALUE, like frames=1-10 or film.width=640");
  Override out{split_path(std::string_view(text).substr(0, equals)), text.substr(equals + 1)};
  for (const std::string& part : out.path)
    if (part.empty())
      return fail(Code::invalid_argument, "--set " + text + ": an empty name in the key");
  JsonLimits strict;
  strict.comments = false;
  // What is no JSON is meant as a text: frames=1-10 needs no quotes.
  if (!JsonDocument::parse(out.json, "value", strict)) out.json = json_quote(out.json);
  return out;
}

// The element of a list by its index, or by the "name" that the object there has.
std::optional<JsonValue> element(JsonValue list, const std::string& part) {
  const auto items = list.items();
  std::size_t index = 0;
  const auto [end, problem] = std::from_chars(part.data(), part.data() + part.size(), index);
  if (problem == std::errc{} && end == part.data() + part.size()) {
    if (index < items.size()) return items[index];
    return std::nullopt;
  }
  for (const JsonValue& item : items) {
    if (!item.is(JsonKind::object)) continue;
    const auto name = item.find("name");
    if (name && name->is(JsonKind::string) && name->string() == part) return item;
  }
  return std::nullopt;
}

}  // namespace

Result<std::string> apply_override(std::string text, const std::string& file_name,
                                   const std::string& override) {
  FRAMEBUS_ASSIGN(const Override change, parse_override(override));
  FRAMEBUS_ASSIGN(const JsonDocument document, JsonDocument::parse(text, file_name));
  JsonValue at = document.root();
  for (std::size_t i = 0; i < change.path.size(); ++i) {
    std::optional<JsonValue> inner;
    if (at.is(JsonKind::object)) inner = at.find(change.path[i]);
    if (at.is(JsonKind::array)) inner = element(at, change.path[i]);
    if (inner) {
      at = *inner;
      continue;
    }
    if (!at.is(JsonKind::object))
      return fail(Code::invalid_argument, "--set " + override + ": " + document.where(at) + " is " +
                                              std::string(name_of(at.kind())) + " and has no \"" +
                                              change.path[i] + "\"");
    std::string added;
    for (std::size_t j = i; j < change.path.size(); ++j)
      added += (j == i ? "" : "{") + json_quote(change.path[j]) + ": ";
    added +=
        change.json + std::string(change.path.size() - 1 - i, '}') + (at.size() > 0 ? ", " : "");
    const auto brace = static_cast<std::size_t>(at.text().data() - document.text().data());
    return text.insert(brace + 1, added);
  }
  const auto begin = static_cast<std::size_t>(at.text().data() - document.text().data());
  return text.replace(begin, at.text().size(), change.json);
}

Error annotate(Error error, const std::vector<std::string>& overrides) {
  for (const std::string& override : overrides) {
    std::string pointer = ": ";
    for (const std::string& part :
         split_path(std::string_view(override).substr(0, override.find('='))))
      pointer += "/" + part;
    if (error.message.find(pointer + ":") == std::string::npos) continue;
    error.message += " (set by --set " + override + ")";
    break;
  }
  return error;
}

}  // namespace framebus::client
