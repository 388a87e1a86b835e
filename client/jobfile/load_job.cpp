// The whole of a job file: overrides, keys, steps and what depends on what.
#include <algorithm>
#include <map>
#include <set>
#include <system_error>

#include "client/jobfile/draft.h"
#include "client/jobfile/jobfile.h"
#include "client/jobfile/overrides.h"
#include "client/jobfile/render_step.h"
#include "client/jobfile/rows.h"
#include "client/jobfile/tasks_keys.h"

namespace framebus::client {
namespace {

const std::vector<std::string>& built_in_types() {
  static const std::vector<std::string> types{"render", "echo", "sleep", "fail"};
  return types;
}

// Types with a meaning of their own in later versions: taking them as custom types would only fail
// later.
Status check_type(const JsonDocument& document, JsonValue value, const std::string& type,
                  std::vector<std::string>& warnings) {
  if (type == "command" || type == "cuda")
    return wrong(document, value,
                 "this version of framebus has no executor for \"" + type +
                     "\"; types are \"render\", \"echo\", \"sleep\", \"fail\", or one that a "
                     "worker of yours offers, with \"params\"");
  const std::string near = nearest_name(type, built_in_types());
  if (!near.empty() && near != type)
    warnings.push_back(
        document.where(value) + ": \"" + type +
        "\" is not a built-in type; it waits for a worker that offers it. Did you mean \"" + near +
        "\"?");
  return {};
}

const Section<StepSpec>& step_name_section() {
  static const Section<StepSpec> section = [] {
    Section<StepSpec> made{{"step name", ""}};
    add_text(made, "name", &StepSpec::name, limits::name_bytes_max, "Unique in the job.", true);
    return made;
  }();
  return section;
}

class JobLoader {
 public:
  JobLoader(const JsonDocument& document, const LoadOptions& options, LoadedJob& loaded)
      : document_(document), options_(options), loaded_(loaded) {}

  Status run(const std::string& default_name) {
    const JsonValue root = document_.root();
    if (!root.is(JsonKind::object))
      return wrong_kind(document_, root, "a job: a JSON object with \"type\" or \"steps\"");
    JobDraft draft;
    if (const auto steps = root.find("steps")) {
      FRAMEBUS_TRY(refuse_step_keys(root));
      FRAMEBUS_TRY(check_keys(document_, root, {&job_section().info, &steps_info()}));
      FRAMEBUS_TRY(read_members(document_, root, job_section(), draft));
      loaded_.spec = std::move(draft.spec);
      FRAMEBUS_TRY(read_steps(*steps));
    } else {
      FRAMEBUS_TRY(check_step_keys(root, {&job_section().info}));
      FRAMEBUS_TRY(read_members(document_, root, job_section(), draft));
      loaded_.spec = std::move(draft.spec);
      FRAMEBUS_TRY(read_step(root, ""));
    }
    if (loaded_.spec.name.empty())
      loaded_.spec.name = default_name.substr(0, limits::name_bytes_max);
    return {};
  }

 private:
  // Keys of a step at the top of a job of steps are a common slip, and "unknown key" would not tell
  // why.
  Status refuse_step_keys(JsonValue root) const {
    for (const auto& [key, value] : root.members())
      for (const SectionInfo* section :
           {&step_section().info, &params_section().info, &render_section().info})
        for (const KeyInfo& each : section->keys)
          if (each.name == key)
            return wrong(document_, value,
                         "this key belongs to a step; put it into the entries of \"steps\"");
    return {};
  }

  // The sections that an object with this "type" may have, after those it has anyway.
  Status check_step_keys(JsonValue object, std::vector<const SectionInfo*> sections) const {
    const auto type = object.find("type");
    const bool is_text = type && type->is(JsonKind::string);
    sections.push_back(&step_section().info);
    if (!is_text) {
      // Unknown keys first: the missing "type" may be a typo.
      sections.push_back(&params_section().info);
      SectionInfo optional_render = render_section().info;
      for (KeyInfo& key : optional_render.keys) key.required = false;
      sections.push_back(&optional_render);
      return check_keys(document_, object, sections);
    }
    const std::string name = type->string();
    sections.push_back(name == "render" ? &render_section().info : &params_section().info);
    Status checked = check_keys(document_, object, sections);
    const std::string near = nearest_name(name, built_in_types());
    if (!checked && !near.empty() && near != name) {
      checked.error().message +=
          " (for the custom type \"" + name + "\"; did you mean the type \"" + near + "\"?)";
    }
    return checked;
  }

  Status read_steps(JsonValue steps) {
    if (!steps.is(JsonKind::array)) return wrong_kind(document_, steps, "a list of steps");
    if (steps.size() == 0)
      return wrong(document_, steps, "expected at least one step, found an empty list");
    if (steps.size() > limits::steps_per_job_max)
      return wrong(document_, steps,
                   std::to_string(steps.size()) + " steps; at most " +
                       std::to_string(limits::steps_per_job_max) + " are allowed");
    for (const JsonValue& item : steps.items()) {
      if (!item.is(JsonKind::object))
        return wrong_kind(document_, item, "a step: an object with \"name\" and \"type\"");
      FRAMEBUS_TRY(check_step_keys(item, {&step_name_section().info}));
      StepSpec named;
      FRAMEBUS_TRY(read_members(document_, item, step_name_section(), named));
      if (indices_.count(named.name))
        return wrong(document_, *item.find("name"), "two steps are called \"" + named.name + "\"");
      FRAMEBUS_TRY(read_step(item, named.name));
    }
    return {};
  }

  Status read_step(JsonValue object, const std::string& name) {
    StepDraft draft;
    draft.where = document_.where(object);
    FRAMEBUS_TRY(read_members(document_, object, step_section(), draft));
    FRAMEBUS_TRY(check_type(document_, *object.find("type"), draft.spec.type, loaded_.warnings));
    draft.spec.name = name.empty() ? draft.spec.type : name;
    const auto index = static_cast<std::uint32_t>(loaded_.spec.steps.size());
    const std::uint64_t tasks_max = limits::tasks_per_job_max - tasks_;
    if (tasks_max == 0)
      return wrong(document_, object,
                   "the steps before have all the " + std::to_string(limits::tasks_per_job_max) +
                       " tasks a job may have");
    if (draft.spec.type == "render") {
      RenderDraft render;
      FRAMEBUS_TRY(read_members(document_, object, render_section(), render));
      FRAMEBUS_TRY(make_render_step(std::move(render), draft.where, options_, index, tasks_max,
                                    draft.spec, loaded_));
    } else {
      ParamsDraft params;
      FRAMEBUS_TRY(read_members(document_, object, params_section(), params));
      FRAMEBUS_TRY(read_tasks(document_, params, tasks_max, draft.spec));
    }
    tasks_ += draft.spec.task_count;
    FRAMEBUS_TRY(resolve_dependencies(draft));
    indices_[draft.spec.name] = index;
    loaded_.spec.steps.push_back(std::move(draft.spec));
    return {};
  }

  Status resolve_dependencies(StepDraft& draft) const {
    std::set<std::uint32_t> seen;
    for (const DependencyDraft& dependency : draft.depends_on) {
      const auto found = indices_.find(dependency.step);
      if (found == indices_.end()) {
        std::vector<std::string> names;
        for (const auto& [name, index] : indices_) names.push_back(name);
        const std::string near = nearest_name(dependency.step, names);
        return fail(Code::invalid_argument,
                    dependency.where + ": no step before this one is called \"" + dependency.step +
                        "\"" +
                        (near.empty() ? "; a step may wait for steps that stand before it"
                                      : "; did you mean \"" + near + "\"?"));
      }
      if (!seen.insert(found->second).second)
        return fail(Code::invalid_argument,
                    dependency.where + ": \"" + dependency.step + "\" is there twice");
      const std::uint32_t other = loaded_.spec.steps[found->second].task_count;
      if (dependency.by_task && other != draft.spec.task_count)
        return fail(Code::invalid_argument,
                    dependency.where +
                        ": waiting task by task needs equal numbers of tasks; this step has " +
                        std::to_string(draft.spec.task_count) + ", \"" + dependency.step +
                        "\" has " + std::to_string(other));
      draft.spec.depends_on.push_back({found->second, dependency.by_task});
    }
    return {};
  }

  const JsonDocument& document_;
  const LoadOptions& options_;
  LoadedJob& loaded_;
  std::map<std::string, std::uint32_t> indices_;
  std::uint64_t tasks_ = 0;
};

}  // namespace

Result<LoadedJob> load_job_text(std::string text, const std::string& name,
                                const std::filesystem::path& directory,
                                const LoadOptions& options) {
  for (const std::string& override : options.overrides) {
    FRAMEBUS_ASSIGN(text, apply_override(std::move(text), name, override));
  }
  FRAMEBUS_ASSIGN(const JsonDocument document, JsonDocument::parse(std::move(text), name));
  LoadedJob loaded;
  std::error_code problem;
  loaded.directory = std::filesystem::absolute(directory, problem).lexically_normal();
  const Status status =
      JobLoader(document, options, loaded).run(std::filesystem::path(name).stem().string());
  if (!status) return fail(annotate(status.error(), options.overrides));
  return loaded;
}

Result<LoadedJob> load_job_file(const std::filesystem::path& path, const LoadOptions& options) {
  FRAMEBUS_ASSIGN(std::string text, read_text_file(path, limits::json_file_bytes_max));
  return load_job_text(std::move(text), path.string(),
                       path.has_parent_path() ? path.parent_path() : ".", options);
}

}  // namespace framebus::client
