// Prints a configuration table: JSON for config/*.json and --print-config, --help, rows of
// Markdown.
#include <algorithm>
#include <cmath>

#include "libmsg/base/config.h"
#include "libmsg/base/config_slots.h"
#include "libmsg/base/json_text.h"

namespace framebus::config_detail {
namespace {

constexpr std::size_t line_columns = 100;

// Breaks `text` at spaces so that no line is longer than `columns`; every line but the first is
// indented.
std::string wrapped(const std::string& text, std::size_t first_columns, std::size_t columns,
                    const std::string& indent) {
  std::string out, line;
  std::size_t room = first_columns;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    at = end + 1;
    if (!line.empty() && line.size() + 1 + word.size() > room) {
      out += line + "\n" + indent;
      line.clear();
      room = columns;
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return out + line;
}

// A bound in the unit the key is written in.
std::string bound_text(const Slot& slot, double bound) {
  if (std::holds_alternative<Duration*>(slot.target))
    return to_text(Duration{std::llround(std::min(bound, 9.2e9) * 1e9)});
  if (std::holds_alternative<ByteSize*>(slot.target))
    return to_text(ByteSize{static_cast<std::uint64_t>(std::min(std::max(bound, 0.0), 9.2e18))});
  if (bound == std::floor(bound) && std::abs(bound) < 1e15)
    return std::to_string(static_cast<std::int64_t>(bound));
  return json_number(bound);
}

std::string text_of_value(const Slot& slot) {
  struct Text {
    std::string operator()(const bool* v) const { return *v ? "true" : "false"; }
    std::string operator()(const std::uint32_t* v) const { return std::to_string(*v); }
    std::string operator()(const std::int64_t* v) const { return std::to_string(*v); }
    std::string operator()(const double* v) const { return json_number(*v); }
    std::string operator()(const std::string* v) const { return *v; }
    std::string operator()(const Duration* v) const { return to_text(*v); }
    std::string operator()(const ByteSize* v) const { return to_text(*v); }
    std::string operator()(const std::vector<std::string>* v) const {
      std::string out;
      for (const std::string& each : *v) out += (out.empty() ? "" : ", ") + each;
      return out;
    }
  };
  return std::visit(Text{}, slot.target);
}

std::string default_text(const Slot& slot) {
  const std::string text = text_of_value(slot);
  return text.empty() ? "none" : text;
}

// With a capital at its begin and a full stop at its end.
std::string sentence(std::string doc) {
  if (doc.empty()) return doc;
  if (doc.front() >= 'a' && doc.front() <= 'z')
    doc.front() = static_cast<char>(doc.front() - 'a' + 'A');
  if (doc.back() != '.') doc += '.';
  return doc;
}

std::string escaped_for_markdown(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::string json_name(const Slot& slot) {
  std::string name = slot.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::string environment_name(const Slot& slot) {
  if (!slot.environment.empty()) return slot.environment;
  std::string name = "FRAMEBUS_" + json_name(slot);
  for (char& c : name)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return name;
}

std::string json_text(const Slot& slot) {
  if (std::holds_alternative<bool*>(slot.target) ||
      std::holds_alternative<std::uint32_t*>(slot.target) ||
      std::holds_alternative<std::int64_t*>(slot.target) ||
      std::holds_alternative<double*>(slot.target))
    return text_of_value(slot);
  if (auto* const* list = std::get_if<std::vector<std::string>*>(&slot.target)) {
    std::string out = "[";
    for (const std::string& each : **list) out += (out.size() > 1 ? ", " : "") + json_quote(each);
    return out + "]";
  }
  return json_quote(text_of_value(slot));
}

std::string allowed_text(const Slot& slot) {
  if (!slot.choices.empty()) {
    std::string out;
    for (std::size_t i = 0; i < slot.choices.size(); ++i)
      out += (i == 0 ? "" : i + 1 == slot.choices.size() ? " or " : ", ") + slot.choices[i];
    return out;
  }
  if (std::isfinite(slot.min) && std::isfinite(slot.max))
    return bound_text(slot, slot.min) + " to " + bound_text(slot, slot.max);
  if (std::isfinite(slot.min)) return "at least " + bound_text(slot, slot.min);
  if (std::isfinite(slot.max)) return "at most " + bound_text(slot, slot.max);
  return {};
}

std::string_view placeholder(const Slot& slot) {
  struct Name {
    std::string_view operator()(const bool*) const { return ""; }
    std::string_view operator()(const std::uint32_t*) const { return "NUMBER"; }
    std::string_view operator()(const std::int64_t*) const { return "NUMBER"; }
    std::string_view operator()(const double*) const { return "NUMBER"; }
    std::string_view operator()(const std::string*) const { return "TEXT"; }
    std::string_view operator()(const Duration*) const { return "DURATION"; }
    std::string_view operator()(const ByteSize*) const { return "SIZE"; }
    std::string_view operator()(const std::vector<std::string>*) const { return "TEXT..."; }
  };
  return std::visit(Name{}, slot.target);
}

std::string print_json(const Slots& slots, bool with_comments) {
  std::string out;
  if (with_comments) {
    out += "// " +
           wrapped(slots.program + ": " + sentence(slots.summary), line_columns - 3,
                   line_columns - 3, "// ") +
           "\n";
    out += "// " +
           wrapped(
               "These are the defaults. Use a copy with --config FILE and keep only the keys you "
               "change; "
               "environment variables and flags go before the file.",
               line_columns - 3, line_columns - 3, "// ") +
           "\n";
  }
  out += "{\n";
  for (std::size_t i = 0; i < slots.keys.size(); ++i) {
    const Slot& slot = slots.keys[i];
    if (with_comments) {
      const std::string allowed = allowed_text(slot);
      out += i == 0 ? "" : "\n";
      out += "  // " +
             wrapped(sentence(slot.doc) + (allowed.empty() ? "" : " Allowed: " + allowed + "."),
                     line_columns - 5, line_columns - 5, "  // ") +
             "\n";
    }
    out += "  " + json_quote(json_name(slot)) + ": " + json_text(slot) +
           (i + 1 < slots.keys.size() ? ",\n" : "\n");
  }
  return out + "}\n";
}

std::string print_help(const Slots& slots) {
  constexpr std::size_t text_column = 32;
  const std::string indent(text_column, ' ');
  std::string out =
      wrapped(slots.program + ": " + sentence(slots.summary), line_columns, line_columns, "") +
      "\n\n";
  out += "Usage: " + slots.program + " [--config FILE] [--KEY VALUE]...\n\nSettings:\n";
  const auto row = [&](const std::string& flag, const std::string& text) {
    std::string head = "  " + flag;
    // A flag that leaves no room for two spaces gets a line of its own.
    if (head.size() + 2 > text_column)
      head += "\n" + indent;
    else
      head += std::string(text_column - head.size(), ' ');
    out +=
        head + wrapped(text, line_columns - text_column, line_columns - text_column, indent) + "\n";
  };
  for (const Slot& slot : slots.keys) {
    const bool is_switch = std::holds_alternative<bool*>(slot.target);
    const std::string allowed = allowed_text(slot);
    row("--" + (is_switch ? "[no-]" + slot.name : slot.name + " " + std::string(placeholder(slot))),
        sentence(slot.doc) + " [" + (allowed.empty() ? "" : allowed + "; ") + "default " +
            default_text(slot) +
            (slot.environment.empty() ? "" : "; environment " + slot.environment) + "]");
  }
  out += "\nOther flags:\n";
  row("--config FILE", "Read settings from a JSON file (comments allowed).");
  row("--print-config", "Print the settings in effect as JSON and exit.");
  row("--version", "Print the version and exit.");
  row("--help", "Print this and exit.");
  out +=
      "\n" +
      wrapped(
          "Durations are written 90s, 250ms or 1h30m; sizes 8GiB or 512KiB; TEXT... may be given "
          "several times. "
          "A flag --some-key is \"some_key\" in the file and FRAMEBUS_SOME_KEY in the environment, "
          "unless another "
          "variable is named above. "
          "Flags go before the environment, the environment before the file.",
          line_columns, line_columns, "") +
      "\n";
  return out;
}

std::string print_markdown(const Slots& slots) {
  std::string out;
  for (const Slot& slot : slots.keys) {
    const std::string allowed = allowed_text(slot);
    const std::string any = std::holds_alternative<bool*>(slot.target) ? "true or false" : "any";
    out += "| `" + json_name(slot) + "` | `" + escaped_for_markdown(default_text(slot)) + "` | " +
           escaped_for_markdown(allowed.empty() ? any : allowed) + " | " +
           escaped_for_markdown(sentence(slot.doc)) +
           (slot.environment.empty() ? "" : " Environment: `" + slot.environment + "`.") + " |\n";
  }
  return out;
}

}  // namespace framebus::config_detail
