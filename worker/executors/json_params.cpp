#include "worker/executors/json_params.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "libmsg/base/config.h"
#include "libmsg/base/json_text.h"

namespace framebus::worker {

struct JsonParams::Data {
  std::vector<JsonDocument> documents;  // the task's own first
  std::vector<std::string> asked;

  // The value that counts, and the document it stands in.
  std::optional<std::pair<const JsonDocument*, JsonValue>> find(std::string_view key) const {
    for (const JsonDocument& document : documents)
      if (auto value = document.root().find(key)) return std::pair{&document, *value};
    return std::nullopt;
  }
  auto ask(std::string_view key) {
    asked.emplace_back(key);
    return find(key);
  }
};

namespace {

Result<JsonDocument> parse(BytesView bytes, const char* name) {
  JsonLimits bounds;
  bounds.bytes_max = limits::task_spec_bytes_max;
  bounds.values_max = limits::task_spec_bytes_max;
  FRAMEBUS_ASSIGN(
      JsonDocument document,
      JsonDocument::parse(bytes.empty() ? "{}" : std::string(text_of(bytes)), name, bounds));
  if (!document.root().is(JsonKind::object))
    return fail(Code::invalid_argument, std::string(name) + ": must be an object, is " +
                                            std::string(name_of(document.root().kind())));
  return document;
}

tl::unexpected<Error> wrong(const std::pair<const JsonDocument*, JsonValue>& found,
                            const std::string& allowed) {
  return fail(Code::invalid_argument, found.first->where(found.second) + ": " +
                                          found.second.excerpt() + " is not allowed; wanted " +
                                          allowed);
}

}  // namespace

JsonParams::JsonParams(std::unique_ptr<Data> data) : data_(std::move(data)) {}
JsonParams::JsonParams(JsonParams&&) noexcept = default;
JsonParams& JsonParams::operator=(JsonParams&&) noexcept = default;
JsonParams::~JsonParams() = default;

Result<JsonParams> JsonParams::read(const TaskInput& input) {
  auto data = std::make_unique<Data>();
  FRAMEBUS_ASSIGN(JsonDocument own, parse(input.params, "task params"));
  FRAMEBUS_ASSIGN(JsonDocument shared, parse(input.step_params, "step params"));
  data->documents.push_back(std::move(own));
  data->documents.push_back(std::move(shared));
  return JsonParams(std::move(data));
}

bool JsonParams::has(std::string_view key) const {
  return data_->find(key).has_value();
}

Result<std::int64_t> JsonParams::integer(std::string_view key, std::int64_t fallback,
                                         std::int64_t min, std::int64_t max) {
  const auto found = data_->ask(key);
  if (!found) return fallback;
  const std::string allowed =
      "an integer from " + std::to_string(min) + " to " + std::to_string(max);
  if (!found->second.is(JsonKind::number)) return wrong(*found, allowed);
  const std::optional<std::int64_t> value = found->second.integer();
  if (!value || *value < min || *value > max) return wrong(*found, allowed);
  return *value;
}

Result<bool> JsonParams::boolean(std::string_view key, bool fallback) {
  const auto found = data_->ask(key);
  if (!found) return fallback;
  if (!found->second.is(JsonKind::boolean)) return wrong(*found, "true or false");
  return found->second.boolean();
}

Result<std::string> JsonParams::text(std::string_view key, std::string_view fallback) {
  const auto found = data_->ask(key);
  if (!found) return std::string(fallback);
  if (!found->second.is(JsonKind::string)) return wrong(*found, "a text");
  return found->second.string();
}

Result<Duration> JsonParams::duration(std::string_view key, Duration fallback, Duration max) {
  const auto found = data_->ask(key);
  if (!found) return fallback;
  const std::string allowed = "a duration such as \"250ms\" or \"1m30s\", at most " + to_text(max);
  if (!found->second.is(JsonKind::string)) return wrong(*found, allowed);
  const Result<Duration> value = parse_duration(found->second.string());
  if (!value || *value < Duration{0} || *value > max) return wrong(*found, allowed);
  return *value;
}

Status JsonParams::refuse_others() const {
  for (const JsonDocument& document : data_->documents) {
    for (const auto& [key, value] : document.root().members()) {
      if (std::find(data_->asked.begin(), data_->asked.end(), key) != data_->asked.end()) continue;
      std::string text = document.where(value) + ": unknown key '" + key + "'";
      if (const std::string near = nearest_name(key, data_->asked); !near.empty())
        text += "; did you mean '" + near + "'?";
      return fail(Code::invalid_argument, std::move(text));
    }
  }
  return {};
}

tl::unexpected<TaskError> permanent_error(Error error) {
  return tl::unexpected<TaskError>(TaskError{std::move(error), true});
}

}  // namespace framebus::worker
