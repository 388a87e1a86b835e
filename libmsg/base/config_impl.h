// The thin typed side of config.h: turns a table of member pointers into a table of addresses, for
// which the code exists once (config_load.cpp, config_print.cpp). Included by config.h only.
#pragma once

#include <type_traits>

namespace framebus {
namespace config_detail {

using Target = std::variant<bool*, std::uint32_t*, std::int64_t*, double*, std::string*, Duration*,
                            ByteSize*, std::vector<std::string>*>;

// One key of one configuration object: a ConfigKey whose member is an address.
struct Slot {
  std::string name;
  Target target;
  std::string doc;
  double min, max;
  std::vector<std::string> choices;
  std::string environment;  // empty: made of the name
};

struct Slots {
  std::string program;
  std::string summary;
  std::vector<Slot> keys;
};

Result<ConfigOutcome> load(const Slots& slots, int argc, const char* const* argv,
                           const char* const* environment);
std::string print_json(const Slots& slots, bool with_comments);
std::string print_help(const Slots& slots);
std::string print_markdown(const Slots& slots);

template <class C>
Slots slots_of(const ConfigTable<C>& table, C& config) {
  Slots slots{table.program, table.summary, {}};
  for (const ConfigKey<C>& key : table.keys)
    slots.keys.push_back(
        {key.name, std::visit([&](auto member) -> Target { return &(config.*member); }, key.member),
         key.doc, key.min, key.max, key.choices, key.environment});
  return slots;
}

}  // namespace config_detail

template <class C>
Result<ConfigOutcome> load_config(const ConfigTable<C>& table, int argc, const char* const* argv,
                                  const char* const* environment, C& config) {
  return config_detail::load(config_detail::slots_of(table, config), argc, argv, environment);
}

template <class C>
std::string print_default_config(const ConfigTable<C>& table, const C& defaults) {
  C copy = defaults;
  return config_detail::print_json(config_detail::slots_of(table, copy), true);
}

template <class C>
std::string help_text(const ConfigTable<C>& table, const C& defaults) {
  C copy = defaults;
  return config_detail::print_help(config_detail::slots_of(table, copy));
}

template <class C>
std::string markdown_rows(const ConfigTable<C>& table, const C& defaults) {
  C copy = defaults;
  return config_detail::print_markdown(config_detail::slots_of(table, copy));
}

}  // namespace framebus
