// Errors of meaning, unknown and missing keys.
#include "client/jobfile/sections.h"

#include "libmsg/base/config.h"

namespace framebus::client {

tl::unexpected<Error> wrong(const JsonDocument& document, JsonValue value,
                            const std::string& what) {
  return fail(Code::invalid_argument, document.where(value) + ": " + what);
}

tl::unexpected<Error> wrong_kind(const JsonDocument& document, JsonValue value,
                                 const std::string& expected) {
  std::string found(name_of(value.kind()));
  if (value.is(JsonKind::number) || value.is(JsonKind::string) || value.is(JsonKind::boolean))
    found += " (" + value.excerpt() + ")";
  return wrong(document, value, "expected " + expected + ", found " + found);
}

Status check_keys(const JsonDocument& document, JsonValue object,
                  const std::vector<const SectionInfo*>& sections) {
  std::vector<std::string> names;
  for (const SectionInfo* section : sections)
    for (const KeyInfo& key : section->keys) names.push_back(key.name);
  const auto members = object.members();
  for (const auto& [name, value] : members) {
    bool known = false;
    for (const std::string& each : names) known = known || each == name;
    if (known) continue;
    const std::string near = nearest_name(name, names);
    std::string allowed;
    for (const std::string& each : names)
      if (each.front() != '$') allowed += (allowed.empty() ? "" : ", ") + each;
    return wrong(document, value,
                 "unknown key" + (near.empty() ? "." : "; did you mean \"" + near + "\"?") +
                     " Allowed here: " + allowed);
  }
  for (const SectionInfo* section : sections)
    for (const KeyInfo& key : section->keys) {
      bool present = false;
      for (const auto& member : members) present = present || member.first == key.name;
      if (key.required && !present)
        return wrong(document, object,
                     "the key \"" + key.name + "\" is missing (" + key.kind + ": " + key.doc + ")");
    }
  return {};
}

}  // namespace framebus::client
