#include "worker/executors/json_params.h"

#include <optional>
#include <utility>
#include <vector>

#include "libmsg/base/check.h"
#include "libmsg/base/config.h"
#include "libmsg/base/json_text.h"
#include "libmsg/schema/task_params.h"

namespace framebus::worker {

struct JsonParams::Data {
  const std::vector<TaskParam>* list = nullptr;
  std::vector<JsonDocument> documents;  // the task's own first

  // The value that counts.
  std::optional<JsonValue> find(std::string_view key) const {
    FRAMEBUS_CHECK(find_task_param(*list, key) != nullptr, "a parameter that is in no list");
    for (const JsonDocument& document : documents)
      if (auto value = document.root().find(key)) return value;
    return std::nullopt;
  }
};

namespace {

Result<JsonDocument> parse(BytesView bytes, const char* name, const std::vector<TaskParam>& list) {
  JsonLimits bounds;
  bounds.bytes_max = limits::task_spec_bytes_max;
  bounds.values_max = limits::task_spec_bytes_max;
  FRAMEBUS_ASSIGN(
      JsonDocument document,
      JsonDocument::parse(bytes.empty() ? "{}" : std::string(text_of(bytes)), name, bounds));
  if (!document.root().is(JsonKind::object))
    return fail(Code::invalid_argument, std::string(name) + ": must be an object, is " +
                                            std::string(name_of(document.root().kind())));
  if (const auto bad = find_bad_task_param(list, document.root()))
    return fail(Code::invalid_argument, document.where(bad->value) + ": " + bad->why);
  return document;
}

}  // namespace

JsonParams::JsonParams(std::unique_ptr<Data> data) : data_(std::move(data)) {}
JsonParams::JsonParams(JsonParams&&) noexcept = default;
JsonParams& JsonParams::operator=(JsonParams&&) noexcept = default;
JsonParams::~JsonParams() = default;

Result<JsonParams> JsonParams::read(const TaskInput& input, std::string_view type) {
  auto data = std::make_unique<Data>();
  data->list = task_params_of(type);
  FRAMEBUS_CHECK(data->list != nullptr, "a type without a list of parameters");
  FRAMEBUS_ASSIGN(JsonDocument own, parse(input.params, "task params", *data->list));
  FRAMEBUS_ASSIGN(JsonDocument shared, parse(input.step_params, "step params", *data->list));
  data->documents.push_back(std::move(own));
  data->documents.push_back(std::move(shared));
  return JsonParams(std::move(data));
}

bool JsonParams::has(std::string_view key) const {
  return data_->find(key).has_value();
}

std::int64_t JsonParams::integer(std::string_view key, std::int64_t fallback) const {
  const auto found = data_->find(key);
  return found ? found->integer().value_or(fallback) : fallback;
}

bool JsonParams::boolean(std::string_view key, bool fallback) const {
  const auto found = data_->find(key);
  return found ? found->boolean() : fallback;
}

std::string JsonParams::text(std::string_view key, std::string_view fallback) const {
  const auto found = data_->find(key);
  return found ? found->string() : std::string(fallback);
}

Duration JsonParams::duration(std::string_view key, Duration fallback) const {
  const auto found = data_->find(key);
  return found ? parse_duration(found->string()).value_or(fallback) : fallback;
}

tl::unexpected<TaskError> permanent_error(Error error) {
  return tl::unexpected<TaskError>(TaskError{std::move(error), true});
}

}  // namespace framebus::worker
