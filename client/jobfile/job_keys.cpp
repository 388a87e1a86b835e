// Keys of jobs and of steps of any type.
#include "client/jobfile/draft.h"
#include "client/jobfile/jobfile.h"
#include "client/jobfile/rows.h"

namespace framebus::client {
namespace {

constexpr std::size_t name_bytes = limits::name_bytes_max;

Status read_labels(const JsonDocument& document, JsonValue value, std::vector<Label>& to) {
  if (!value.is(JsonKind::object))
    return wrong_kind(document, value, "an object of texts, like {\"project\": \"film\"}");
  if (value.size() > limits::labels_max)
    return wrong(document, value,
                 std::to_string(value.size()) + " labels; at most " +
                     std::to_string(limits::labels_max) + " are allowed");
  for (const auto& [key, text] : value.members()) {
    if (key.empty() || key.size() > name_bytes)
      return wrong(document, text,
                   "a label's name has 1 to " + std::to_string(name_bytes) + " bytes");
    if (!text.is(JsonKind::string)) return wrong_kind(document, text, "a string");
    if (text.string().size() > name_bytes)
      return wrong(document, text,
                   "a label's value has at most " + std::to_string(name_bytes) + " bytes");
    to.push_back({key, text.string()});
  }
  return {};
}

KeyInfo labels_key(const std::string& doc) {
  return {"labels", "object of texts",
          "\"type\": \"object\", \"additionalProperties\": {\"type\": \"string\"}", doc};
}

Status read_limits(const JsonDocument& document, JsonValue value, StepDraft& to) {
  if (!value.is(JsonKind::object))
    return wrong_kind(document, value, "an object of whole numbers, like {\"licences\": 1}");
  if (value.size() > limits::labels_max)
    return wrong(document, value, "more than " + std::to_string(limits::labels_max) + " limits");
  for (const auto& [name, amount] : value.members()) {
    if (name.empty() || name.size() > name_bytes)
      return wrong(document, amount,
                   "a limit's name has 1 to " + std::to_string(name_bytes) + " bytes");
    FRAMEBUS_ASSIGN(const std::int64_t number, read_whole(document, amount, {1, 1e6}));
    to.spec.limits.push_back({name, static_cast<std::uint32_t>(number)});
  }
  return {};
}

// "8.6" or 8.6 into 86.
Status read_capability(const JsonDocument& document, JsonValue value, Requirements& to) {
  const std::string expected = "a compute capability like \"8.6\"";
  if (!value.is(JsonKind::string) && !value.is(JsonKind::number))
    return wrong_kind(document, value, expected);
  const std::string text = value.is(JsonKind::string) ? value.string() : std::string(value.text());
  const bool shaped = text.size() >= 3 && text.size() <= 4 && text[text.size() - 2] == '.';
  std::uint32_t number = 0;
  for (const char c : text) {
    if (c == '.') continue;
    if (c < '0' || c > '9' || !shaped) return wrong_kind(document, value, expected);
    number = number * 10 + static_cast<std::uint32_t>(c - '0');
  }
  to.compute_capability = number;
  return {};
}

Status read_dependency(const JsonDocument& document, JsonValue item, StepDraft& to) {
  DependencyDraft dependency;
  dependency.where = document.where(item);
  if (item.is(JsonKind::string)) {
    dependency.step = item.string();
  } else if (item.is(JsonKind::object)) {
    static const SectionInfo info{
        "dependency",
        "",
        {{"step", "text", "", "name of the step waited for", "", true},
         {"by", "\"step\" or \"task\"", "", "wait for the whole step, or task on task"}}};
    FRAMEBUS_TRY(check_keys(document, item, {&info}));
    FRAMEBUS_ASSIGN(dependency.step, read_text(document, *item.find("step"), name_bytes));
    if (const auto by = item.find("by")) {
      FRAMEBUS_ASSIGN(const std::size_t index, read_choice(document, *by, {"step", "task"}));
      dependency.by_task = index == 1;
    }
  } else {
    return wrong_kind(document, item, "the name of a step, or {\"step\": NAME, \"by\": \"task\"}");
  }
  to.depends_on.push_back(std::move(dependency));
  return {};
}

Section<Requirements> make_requirements() {
  Section<Requirements> section{
      {"requires",
       "What a worker must have to be given a task. What is left out is not asked for."}};
  add_whole(section, "gpus", &Requirements::gpus, {0, 64},
            "GPUs, each with the memory and capability below.");
  add_size(section, "gpu_memory", &Requirements::gpu_memory_bytes, "Memory of each GPU.");
  section.add({"compute_capability", "text like \"8.6\"", "\"type\": [\"string\", \"number\"]",
               "Lowest CUDA compute capability of each GPU."},
              read_capability);
  add_whole(section, "cpus", &Requirements::cpus, {0, 4096}, "CPU threads.");
  add_size(section, "memory", &Requirements::memory_bytes, "Memory of the host.");
  section.add(labels_key("Labels that the worker must have, with these values."),
              [](const JsonDocument& document, JsonValue value, Requirements& to) {
                return read_labels(document, value, to.labels);
              });
  return section;
}

// Forwards a row's reader to a struct inside the draft.
template <class Outer, class Inner>
void embed(Section<Outer>& outer, Section<Inner> inner, std::function<Inner&(Outer&)> reach) {
  for (std::size_t i = 0; i < inner.readers.size(); ++i)
    outer.add(inner.info.keys[i], [read = inner.readers[i], reach](const JsonDocument& document,
                                                                   JsonValue value, Outer& to) {
      return read(document, value, reach(to));
    });
}

Section<JobDraft> make_job() {
  Section<JobSpec> spec;
  spec.add({"$schema", "text", "\"type\": \"string\"",
            "Where an editor finds the schema of job files; not looked at otherwise."},
           [](const JsonDocument& document, JsonValue value, JobSpec&) -> Status {
             if (!value.is(JsonKind::string)) return wrong_kind(document, value, "a string");
             return {};
           });
  add_text(spec, "name", &JobSpec::name, name_bytes,
           "What people call the job. Default: the file's name.");
  add_whole(spec, "priority", &JobSpec::priority, {0, 100}, "Larger goes first.");
  spec.add(labels_key("For people and filters."),
           [](const JsonDocument& document, JsonValue value, JobSpec& to) {
             return read_labels(document, value, to.labels);
           });
  add_duration(spec, "deadline", &JobSpec::deadline_ms,
               "From submission on; tasks that have not started by then expire.");
  add_choice(spec, "strategy", &JobSpec::strategy, {"broker_default", "roundrobin", "load"},
             "How workers are chosen.");
  add_whole(spec, "max_parallel", &JobSpec::max_parallel, {0, 1e6},
            "Tasks run at once at most; 0: no bound.");
  add_choice(spec, "on_failure", &JobSpec::on_failure, {"continue", "stop"},
             "What happens to the other tasks when one has failed for good.");
  add_whole(spec, "max_failures", &JobSpec::max_failures, {0, 1e6},
            "Stop when more tasks than this have failed; 0: no bound.");
  Section<JobDraft> section{{"job", "Keys of the whole job."}};
  embed<JobDraft, JobSpec>(section, std::move(spec),
                           [](JobDraft& draft) -> JobSpec& { return draft.spec; });
  return section;
}

Section<StepDraft> make_step() {
  static const Section<Requirements> requirements = make_requirements();
  Section<StepSpec> spec;
  add_text(spec, "type", &StepSpec::type, name_bytes,
           "What kind of work: \"render\", \"echo\", \"sleep\", \"fail\", or any type that a "
           "worker of yours offers.",
           true);
  add_object(spec, "requires", &StepSpec::requires_, requirements, "What a worker must have.");
  add_whole(spec, "max_attempts", &StepSpec::max_attempts, {1, 1000},
            "How often a task is tried before it is given up.", "3");
  add_duration(spec, "timeout", &StepSpec::timeout_ms,
               "Longest run of one attempt. Default: no bound.");
  add_duration(spec, "progress_timeout", &StepSpec::progress_timeout_ms,
               "Longest silence of a running attempt. Default: no bound.");
  add_boolean(spec, "at_most_once", &StepSpec::at_most_once,
              "Never run a task twice, even if its outcome is lost.");
  Section<StepDraft> section{
      {"step", "Keys of a step of any type. A job of one step has them beside its own."}};
  embed<StepDraft, StepSpec>(section, std::move(spec),
                             [](StepDraft& draft) -> StepSpec& { return draft.spec; });
  section.add(
      {"limits", "object of whole numbers",
       "\"type\": \"object\", \"additionalProperties\": {\"type\": \"integer\", \"minimum\": 1}",
       "Named limits of the broker that each running task holds, like {\"licences\": 1}."},
      read_limits);
  section.add({"depends_on", "list of step names",
               "\"type\": \"array\", \"items\": {\"oneOf\": [{\"type\": \"string\"}, {\"type\": "
               "\"object\", \"required\": [\"step\"], "
               "\"additionalProperties\": false, \"properties\": {\"step\": {\"type\": "
               "\"string\"}, \"by\": {\"enum\": [\"step\", \"task\"]}}}]}",
               "Earlier steps waited for: a name, or {\"step\": NAME, \"by\": \"task\"} so that "
               "task i waits for task i only."},
              [](const JsonDocument& document, JsonValue value, StepDraft& to) -> Status {
                if (!value.is(JsonKind::array))
                  return wrong_kind(document, value, "a list of step names");
                if (value.size() > limits::steps_per_job_max)
                  return wrong(document, value, "more dependencies than steps");
                for (const JsonValue& item : value.items())
                  FRAMEBUS_TRY(read_dependency(document, item, to));
                return {};
              });
  return section;
}

Section<ParamsDraft> make_params() {
  Section<ParamsDraft> section{
      {"params",
       "Keys of every type but \"render\". Without tasks and sweep the step is one task."}};
  section.add(
      {"params", "object", "\"type\": \"object\"",
       "What the handler is given, the same for all tasks. Its keys are the handler's own."},
      [](const JsonDocument& document, JsonValue value, ParamsDraft& to) -> Status {
        if (!value.is(JsonKind::object)) return wrong_kind(document, value, "an object");
        to.params = value;
        return {};
      });
  section.add({"tasks", "list of objects",
               "\"type\": \"array\", \"minItems\": 1, \"items\": {\"type\": \"object\", "
               "\"additionalProperties\": false, \"properties\": "
               "{\"params\": {\"type\": \"object\"}}}",
               "One entry for each task: {\"params\": {...}}, laid over those of the step."},
              [](const JsonDocument&, JsonValue value, ParamsDraft& to) -> Status {
                to.tasks = value;
                return {};
              });
  section.add({"sweep", "object of lists",
               "\"type\": \"object\", \"minProperties\": 1, \"additionalProperties\": {\"oneOf\": "
               "[{\"type\": \"array\", \"minItems\": 1}, "
               "{\"type\": \"object\", \"required\": [\"range\"], \"additionalProperties\": false, "
               "\"properties\": {\"range\": {\"type\": \"string\"}}}]}",
               "One task for each combination of values: {\"seed\": {\"range\": \"1-100\"}, "
               "\"map\": [\"a\", \"b\"]}. The last key varies fastest. Kept as it is, however many "
               "tasks it makes."},
              [](const JsonDocument&, JsonValue value, ParamsDraft& to) -> Status {
                to.sweep = value;
                return {};
              });
  return section;
}

}  // namespace

const Section<JobDraft>& job_section() {
  static const Section<JobDraft> section = make_job();
  return section;
}

const Section<StepDraft>& step_section() {
  static const Section<StepDraft> section = make_step();
  return section;
}

const Section<ParamsDraft>& params_section() {
  static const Section<ParamsDraft> section = make_params();
  return section;
}

const SectionInfo& steps_info() {
  static const SectionInfo info{
      "steps",
      "A job of several steps has this key instead of those of a step.",
      {{"steps", "list of steps", "",
        "Each with a \"name\" of its own and the keys of a step. A step may wait for earlier ones.",
        "", true}}};
  return info;
}

}  // namespace framebus::client
