// config/job.schema.json from the tables.
#include <map>

#include "client/jobfile/draft.h"
#include "client/jobfile/jobfile.h"
#include "libmsg/base/check.h"

namespace framebus::client {
namespace {

std::string definition_name(const SectionInfo& section) {
  std::string name = section.title;
  for (char& c : name)
    if (c == ' ') c = '_';
  return name;
}

std::string reference(const std::string& name) {
  return "\"$ref\": \"#/$defs/" + name + "\"";
}

std::string property(const KeyInfo& key) {
  std::string text = "{\"description\": " + json_quote(key.doc);
  if (!key.fallback.empty()) text += ", \"default\": " + key.fallback;
  if (key.section && key.schema.empty())
    text += ", " + reference(definition_name(*key.section));
  else if (!key.schema.empty())
    text += ", " + key.schema;
  if (key.section && !key.schema.empty())
    text += ", \"items\": {" + reference(definition_name(*key.section)) + "}";
  return text + "}";
}

// An object that may have the keys of all these sections and no others.
std::string object_schema(const std::vector<const SectionInfo*>& sections,
                          const std::string& more_properties, const std::string& more_required) {
  std::string properties = more_properties, required = more_required;
  for (const SectionInfo* section : sections)
    for (const KeyInfo& key : section->keys) {
      properties += (properties.empty() ? "" : ", ") + json_quote(key.name) + ": " + property(key);
      if (key.required) required += (required.empty() ? "" : ", ") + json_quote(key.name);
    }
  return "{\"type\": \"object\", \"additionalProperties\": false, " +
         (required.empty() ? "" : "\"required\": [" + required + "], ") + "\"properties\": {" +
         properties + "}}";
}

void collect(const SectionInfo& section, std::map<std::string, std::string>& definitions) {
  for (const KeyInfo& key : section.keys) {
    if (!key.section) continue;
    definitions[definition_name(*key.section)] = object_schema({key.section}, "", "");
    collect(*key.section, definitions);
  }
}

std::string choose_by_type(const std::string& render, const std::string& other) {
  return "\"if\": {\"required\": [\"type\"], \"properties\": {\"type\": {\"const\": \"render\"}}}, "
         "\"then\": {" +
         reference(render) + "}, \"else\": {" + reference(other) + "}";
}

bool is_plain(JsonValue value) {
  if (value.is(JsonKind::object)) return value.size() == 0;
  if (!value.is(JsonKind::array)) return true;
  for (const JsonValue& item : value.items())
    if (!is_plain(item)) return false;
  return true;
}

// Two spaces a level; lists of plain values on one line.
std::string pretty(JsonValue value, const std::string& indent) {
  if (is_plain(value))
    return value.is(JsonKind::array) || value.is(JsonKind::object) ? canonical_json(value)
                                                                   : std::string(value.text());
  const std::string inner = indent + "  ";
  std::string out;
  if (value.is(JsonKind::object))
    for (const auto& [key, member] : value.members())
      out += (out.empty() ? "" : ",\n") + inner + json_quote(key) + ": " + pretty(member, inner);
  else
    for (const JsonValue& item : value.items())
      out += (out.empty() ? "" : ",\n") + inner + pretty(item, inner);
  const bool is_object = value.is(JsonKind::object);
  return (is_object ? "{\n" : "[\n") + out + "\n" + indent + (is_object ? "}" : "]");
}

}  // namespace

std::string job_schema() {
  const SectionInfo& job = job_section().info;
  const SectionInfo& step = step_section().info;
  std::map<std::string, std::string> definitions;
  for (const SectionInfo* section : {&step, &params_section().info, &render_section().info})
    collect(*section, definitions);
  const std::string step_name =
      "\"name\": {\"description\": \"Unique in the job.\", \"type\": \"string\", \"minLength\": 1}";
  definitions["render_job"] = object_schema({&job, &step, &render_section().info}, "", "");
  definitions["other_job"] = object_schema({&job, &step, &params_section().info}, "", "");
  definitions["render_step"] =
      object_schema({&step, &render_section().info}, step_name, "\"name\"");
  definitions["other_step"] = object_schema({&step, &params_section().info}, step_name, "\"name\"");
  definitions["job_of_steps"] =
      object_schema({&job},
                    "\"steps\": {\"description\": " + json_quote(steps_info().keys.front().doc) +
                        ", \"type\": \"array\", \"minItems\": 1, \"maxItems\": " +
                        std::to_string(limits::steps_per_job_max) + ", \"items\": {" +
                        choose_by_type("render_step", "other_step") + "}}",
                    "\"steps\"");
  std::string text =
      "{\"$schema\": \"https://json-schema.org/draft/2020-12/schema\", \"title\": \"framebus "
      "job\", \"type\": \"object\", "
      "\"if\": {\"required\": [\"steps\"]}, \"then\": {" +
      reference("job_of_steps") + "}, \"else\": {" + choose_by_type("render_job", "other_job") +
      "}, \"$defs\": {";
  bool first = true;
  for (const auto& [name, schema] : definitions) {
    text += (first ? "" : ", ") + json_quote(name) + ": " + schema;
    first = false;
  }
  text += "}}";
  const auto document = JsonDocument::parse(std::move(text), "schema");
  FRAMEBUS_CHECK(document.has_value(), document ? "" : document.error().message);
  return pretty(document->root(), "") + "\n";
}

}  // namespace framebus::client
