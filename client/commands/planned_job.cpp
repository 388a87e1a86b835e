#include "client/commands/planned_job.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <set>
#include <system_error>

#include "client/commands/task_params.h"
#include "client/jobfile/jobfile.h"
#include "client/lib/submission.h"
#include "client/output/text.h"

namespace framebus::client {
namespace {

Validated summary_of(const std::string& file, const LoadedJob& job) {
  Validated out;
  out.file = file;
  out.name = job.spec.name;
  out.priority = job.spec.priority;
  out.warnings = job.warnings;
  for (const StepSpec& step : job.spec.steps) {
    // A render's tasks are tiles: their parameters say nothing to people.
    const bool has_params = step.type != "render";
    out.steps.push_back({step.name, step.type, step.task_count,
                         static_cast<std::uint32_t>(step.inputs.size()),
                         has_params ? own_params(step, 0) : Bytes{},
                         has_params ? own_params(step, step.task_count - 1) : Bytes{}});
  }
  std::set<std::filesystem::path> files;
  for (const JobInput& input : job.inputs)
    if (files.insert(input.path).second) out.input_bytes += input.size;
  out.input_count = static_cast<std::uint32_t>(files.size());
  for (const RenderStep& step : job.renders)
    for (const render::OutputSettings& output : step.job.outputs)
      out.outputs.push_back(output.file);
  return out;
}

// The hashed references of the steps and the files they came from, which are in the same order.
Result<std::vector<InputSource>> sources_of(const LoadedJob& job) {
  std::vector<InputSource> out;
  std::vector<std::size_t> next(job.spec.steps.size(), 0);
  for (const JobInput& input : job.inputs) {
    const std::vector<BlobRef>& refs = job.spec.steps.at(input.step).inputs;
    std::size_t& at = next.at(input.step);
    if (at >= refs.size())
      return fail(Code::internal, "input " + input.path.string() + " has no place in its step");
    out.push_back({refs[at++], input.path});
  }
  return out;
}

// What -o names is made and tried now, not after hours of rendering.
Status prepare_directory(const std::string& directory) {
  std::error_code problem;
  std::filesystem::create_directories(directory, problem);
  if (!problem && ::access(directory.c_str(), W_OK | X_OK) != 0)
    problem = {errno, std::generic_category()};
  if (!problem) return {};
  return fail(Code::invalid_argument, "-o " + directory + ": no files can be written there (" +
                                          problem.message() + "); name another folder");
}

}  // namespace

Result<PlannedJob> plan_job(const Cli& cli, PlanDepth depth,
                            const std::vector<WorkerInfo>& workers) {
  const Arguments& arguments = cli.arguments();
  LoadOptions options;
  options.overrides = arguments.overrides;
  options.check_scene = depth != PlanDepth::keys_only;
  options.prepare_outputs =
      depth == PlanDepth::ready_to_submit && arguments.output_directory.empty();
  options.hints = hints_of(workers);
  FRAMEBUS_ASSIGN(LoadedJob job, load_job_file(arguments.file, options));
  if (arguments.priority) job.spec.priority = *arguments.priority;
  FRAMEBUS_TRY(check_job_size(job.spec));
  PlannedJob out;
  out.summary = summary_of(arguments.file, job);
  if (depth == PlanDepth::ready_to_submit) {
    if (!arguments.output_directory.empty())
      FRAMEBUS_TRY(prepare_directory(arguments.output_directory));
    for (const std::string& warning : job.warnings) cli.say("warning: " + one_line(warning));
    FRAMEBUS_TRY(hash_inputs(job));
    FRAMEBUS_ASSIGN(out.inputs, sources_of(job));
  }
  out.directory = job.directory;
  out.spec = std::move(job.spec);
  return out;
}

}  // namespace framebus::client
