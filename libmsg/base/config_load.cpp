// Reads a configuration: file, then environment, then flags. Every value goes through set_text() or
// set_json(), which check type, bounds and choices; the caller puts the source's name in front.
#include <charconv>
#include <cmath>
#include <cstring>

#include "libmsg/base/config.h"
#include "libmsg/base/config_slots.h"
#include "libmsg/base/json_text.h"

namespace framebus::config_detail {
namespace {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

Status check_bounds(const Slot& slot, double number, std::string_view found) {
  // Written so that a NaN fails too.
  if (number >= slot.min && number <= slot.max) return {};
  return fail(Code::invalid_argument,
              std::string(found) + " is outside what is allowed: " + allowed_text(slot));
}

Status check_choice(const Slot& slot, const std::string& found) {
  if (slot.choices.empty()) return {};
  for (const std::string& choice : slot.choices)
    if (choice == found) return {};
  const std::string near = nearest_name(found, slot.choices);
  return fail(Code::invalid_argument, "'" + found +
                                          "' is not allowed; allowed: " + allowed_text(slot) +
                                          (near.empty() ? "" : ". Did you mean '" + near + "'?"));
}

// A number inside [lowest, highest] of its type, before the key's own bounds.
template <class N>
Result<N> parse_number(std::string_view text) {
  N number{};
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view kind = std::is_floating_point_v<N> ? "a number" : "a whole number";
  if (problem == std::errc::result_out_of_range)
    return fail(Code::invalid_argument, "'" + std::string(text) + "' is too large or too small");
  if (text.empty() || problem != std::errc{} || end != text.data() + text.size())
    return fail(Code::invalid_argument, "'" + std::string(text) + "' is not " + std::string(kind) +
                                            (std::is_unsigned_v<N> ? " from 0" : ""));
  return number;
}

struct SetText {
  const Slot& slot;
  std::string_view text;

  Status operator()(bool* to) const {
    for (const std::string_view yes : {"true", "1", "yes", "on"})
      if (text == yes) return *to = true, Status{};
    for (const std::string_view no : {"false", "0", "no", "off"})
      if (text == no) return *to = false, Status{};
    return fail(Code::invalid_argument, "'" + std::string(text) + "' is neither true nor false");
  }
  template <class N>
  Status number(N* to) const {
    FRAMEBUS_ASSIGN(const N value, parse_number<N>(text));
    FRAMEBUS_TRY(check_bounds(slot, static_cast<double>(value), text));
    *to = value;
    return {};
  }
  Status operator()(std::uint32_t* to) const { return number(to); }
  Status operator()(std::int64_t* to) const { return number(to); }
  Status operator()(double* to) const { return number(to); }
  Status operator()(std::string* to) const {
    FRAMEBUS_TRY(check_choice(slot, std::string(text)));
    *to = std::string(text);
    return {};
  }
  Status operator()(Duration* to) const {
    FRAMEBUS_ASSIGN(const Duration value, parse_duration(text));
    FRAMEBUS_TRY(check_bounds(slot, std::chrono::duration<double>(value).count(), text));
    *to = value;
    return {};
  }
  Status operator()(ByteSize* to) const {
    FRAMEBUS_ASSIGN(const ByteSize value, parse_size(text));
    FRAMEBUS_TRY(check_bounds(slot, static_cast<double>(value.bytes), text));
    *to = value;
    return {};
  }
  Status operator()(std::vector<std::string>* to) const {
    std::vector<std::string> values = split(text, ',');
    for (const std::string& value : values) FRAMEBUS_TRY(check_choice(slot, value));
    *to = std::move(values);
    return {};
  }
};

Status set_text(const Slot& slot, std::string_view text) {
  return std::visit(SetText{slot, text}, slot.target);
}

Status wrong_kind(std::string_view wanted, JsonValue found) {
  return fail(Code::invalid_argument, "expected " + std::string(wanted) + ", found " +
                                          std::string(name_of(found.kind())) + " (" +
                                          found.excerpt() + ")");
}

struct SetJson {
  const Slot& slot;
  JsonValue value;

  Status operator()(bool* to) const {
    if (!value.is(JsonKind::boolean)) return wrong_kind("true or false", value);
    *to = value.boolean();
    return {};
  }
  template <class N>
  Status whole(N* to) const {
    if (!value.is(JsonKind::number)) return wrong_kind("a whole number", value);
    const auto integer = value.integer();
    if (!integer && value.number() == std::floor(value.number()))
      return check_bounds(slot, value.number(), value.text());
    if (!integer) return wrong_kind("a whole number", value);
    FRAMEBUS_TRY(check_bounds(slot, static_cast<double>(*integer), value.text()));
    if (*integer < static_cast<std::int64_t>(std::numeric_limits<N>::min()) ||
        *integer > static_cast<std::int64_t>(std::numeric_limits<N>::max()))
      return fail(Code::invalid_argument, std::string(value.text()) + " is too large or too small");
    *to = static_cast<N>(*integer);
    return {};
  }
  Status operator()(std::uint32_t* to) const { return whole(to); }
  Status operator()(std::int64_t* to) const { return whole(to); }
  Status operator()(double* to) const {
    if (!value.is(JsonKind::number)) return wrong_kind("a number", value);
    FRAMEBUS_TRY(check_bounds(slot, value.number(), value.text()));
    *to = value.number();
    return {};
  }
  Status operator()(std::string*) const { return text("a string"); }
  Status operator()(Duration*) const { return text("a duration in a string, like \"90s\""); }
  Status operator()(ByteSize*) const {
    // Bytes may be a bare number; a unit needs a string.
    if (value.is(JsonKind::number)) return set_text(slot, value.text());
    return text("a size in a string, like \"8GiB\"");
  }
  Status text(std::string_view wanted) const {
    if (!value.is(JsonKind::string)) return wrong_kind(wanted, value);
    return set_text(slot, value.string());
  }
  Status operator()(std::vector<std::string>* to) const {
    if (!value.is(JsonKind::array)) return wrong_kind("an array of strings", value);
    std::vector<std::string> values;
    for (const JsonValue& item : value.items()) {
      if (!item.is(JsonKind::string)) return wrong_kind("an array of strings", item);
      FRAMEBUS_TRY(check_choice(slot, item.string()));
      values.push_back(item.string());
    }
    *to = std::move(values);
    return {};
  }
};

tl::unexpected<Error> prefixed(const std::string& source, const Error& error) {
  return fail(error.context(source));
}

Status load_file(const Slots& slots, const std::string& path) {
  FRAMEBUS_ASSIGN(const JsonDocument document, read_json_file(path));
  if (!document.root().is(JsonKind::object))
    return fail(Code::invalid_argument, document.where(document.root()) +
                                            ": a configuration is a JSON object, found " +
                                            std::string(name_of(document.root().kind())));
  std::vector<std::string> names;
  for (const Slot& slot : slots.keys) names.push_back(json_name(slot));
  for (const auto& [key, value] : document.root().members()) {
    const Slot* slot = nullptr;
    for (const Slot& candidate : slots.keys)
      if (json_name(candidate) == key) slot = &candidate;
    if (!slot) {
      const std::string near = nearest_name(key, names);
      return fail(Code::invalid_argument, document.where(value) + ": " + slots.program +
                                              " has no such key" +
                                              (near.empty() ? "; see " + slots.program + " --help"
                                                            : ". Did you mean '" + near + "'?"));
    }
    if (const Status set = std::visit(SetJson{*slot, value}, slot->target); !set)
      return prefixed(document.where(value), set.error());
  }
  return {};
}

Status load_environment(const Slots& slots, const char* const* environment) {
  for (; environment && *environment; ++environment) {
    const std::string_view entry = *environment;
    const std::size_t equals = entry.find('=');
    if (equals == std::string_view::npos) continue;
    for (const Slot& slot : slots.keys) {
      if (entry.substr(0, equals) != environment_name(slot)) continue;
      if (const Status set = set_text(slot, entry.substr(equals + 1)); !set)
        return prefixed(environment_name(slot), set.error());
    }
  }
  return {};
}

// One word of the command line, taken apart. `value` is empty-handed for "--key" alone.
struct Flag {
  std::string name;
  std::optional<std::string> value;
};

Result<Flag> parse_flag(const std::string& word) {
  if (word.rfind("--", 0) != 0 || word.size() < 3)
    return fail(Code::invalid_argument,
                "unexpected word '" + word + "'; settings are written --KEY VALUE, see --help");
  const std::size_t equals = word.find('=');
  if (equals == std::string::npos) return Flag{word.substr(2), std::nullopt};
  return Flag{word.substr(2, equals - 2), word.substr(equals + 1)};
}

class Flags {
 public:
  Flags(const Slots& slots, int argc, const char* const* argv)
      : slots_(slots), seen_(slots.keys.size(), false) {
    for (int i = 1; i < argc; ++i) words_.emplace_back(argv[i]);
  }

  bool has(std::string_view word) const {
    for (const std::string& each : words_)
      if (each == word) return true;
    return false;
  }

  // The last --config, empty when there is none.
  Result<std::string> config_file() {
    std::string path;
    for (at_ = 0; at_ < words_.size(); ++at_) {
      const auto flag = parse_flag(words_[at_]);
      if (!flag || flag->name != "config") continue;
      FRAMEBUS_ASSIGN(path, value_of(*flag));
      if (path.empty()) return fail(Code::invalid_argument, "--config: a file name is missing");
    }
    return path;
  }

  Status apply() {
    for (at_ = 0; at_ < words_.size(); ++at_) {
      FRAMEBUS_ASSIGN(const Flag flag, parse_flag(words_[at_]));
      if (flag.name == "print-config") continue;
      if (flag.name == "config") {
        FRAMEBUS_TRY(value_of(flag));
        continue;
      }
      FRAMEBUS_TRY(apply_one(flag));
    }
    return {};
  }

 private:
  Result<std::string> value_of(const Flag& flag) {
    if (flag.value) return *flag.value;
    if (at_ + 1 >= words_.size() || words_[at_ + 1].rfind("--", 0) == 0)
      return fail(Code::invalid_argument, "--" + flag.name + ": a value is missing");
    return words_[++at_];
  }

  Status apply_one(const Flag& flag) {
    for (std::size_t i = 0; i < slots_.keys.size(); ++i) {
      const Slot& slot = slots_.keys[i];
      const bool is_switch = std::holds_alternative<bool*>(slot.target);
      std::string value;
      if (is_switch && flag.name == "no-" + slot.name && !flag.value) {
        value = "false";
      } else if (flag.name != slot.name) {
        continue;
      } else if (is_switch) {
        value = flag.value.value_or("true");
      } else {
        FRAMEBUS_ASSIGN(value, value_of(flag));
      }
      const Status set = append_or_set(i, value);
      if (!set) return prefixed("--" + flag.name, set.error());
      return {};
    }
    std::vector<std::string> names{"config", "print-config", "help", "version"};
    for (const Slot& slot : slots_.keys) names.push_back(slot.name);
    const std::string near = nearest_name(flag.name, names);
    return fail(Code::invalid_argument,
                "--" + flag.name + ": " + slots_.program + " has no such flag" +
                    (near.empty() ? "; see --help" : ". Did you mean --" + near + "?"));
  }

  // The first use of a list's flag replaces what file and environment said; the next ones add to
  // it. A comma does not split here: repeating the flag is how a list is written.
  Status append_or_set(std::size_t index, const std::string& value) {
    const Slot& slot = slots_.keys[index];
    auto* const* list = std::get_if<std::vector<std::string>*>(&slot.target);
    if (!list) return set_text(slot, value);
    FRAMEBUS_TRY(check_choice(slot, value));
    if (!seen_[index]) (*list)->clear();
    seen_[index] = true;
    (*list)->push_back(value);
    return {};
  }

  const Slots& slots_;
  std::vector<bool> seen_;
  std::vector<std::string> words_;
  std::size_t at_ = 0;
};

}  // namespace

Result<ConfigOutcome> load(const Slots& slots, int argc, const char* const* argv,
                           const char* const* environment) {
  ConfigOutcome outcome;
  Flags flags(slots, argc, argv);
  if (flags.has("--help") || flags.has("-h")) {
    outcome.help = true;
    outcome.text = print_help(slots);
    return outcome;
  }
  if (flags.has("--version")) {
    outcome.version = true;
    outcome.text = slots.program + " " FRAMEBUS_VERSION "\n";
    return outcome;
  }
  FRAMEBUS_ASSIGN(const std::string path, flags.config_file());
  if (!path.empty()) FRAMEBUS_TRY(load_file(slots, path));
  FRAMEBUS_TRY(load_environment(slots, environment));
  FRAMEBUS_TRY(flags.apply());
  if (flags.has("--print-config")) {
    outcome.print = true;
    outcome.text = print_json(slots, false);
  }
  return outcome;
}

}  // namespace framebus::config_detail
