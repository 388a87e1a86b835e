// Job files: JSON written by a person to a JobSpec that a broker takes.
//
// Everything that can be known to be wrong before a task runs is found here: syntax (file, line,
// column), meaning (also the JSON pointer, what was found, what is allowed, the nearest valid
// name), missing or broken scene files, output folders that can not be written. Nothing is sent and
// nothing rendered. The keys are tables (keys.h), from which config/job.schema.json and
// docs/JOBFILE.md are printed. Thread rule: plain functions, no state; two threads may load two
// files.
//
// The way of a job:   load_job_file() -> hash_inputs() -> submit spec, upload what is missing
//                     render steps: parse_render_job(step.params) -> Collector
//                     (client/render/collector.h)
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "client/render/planner.h"
#include "libmsg/base/result.h"
#include "libmsg/schema/parts.h"
#include "worker/executors/render/job/render_job.h"

namespace framebus::client {

struct LoadOptions {
  // "KEY=VALUE", as --set takes them: KEY is a path of names and indices ("frames", "film.width",
  // "steps.0.sampling.spp"), VALUE is JSON, or else taken as a string. Applied before anything is
  // checked.
  std::vector<std::string> overrides;
  // Reads and compiles the scene of render steps, as a worker would (seconds for a large one), so
  // that a damaged file is found now. Without it only the scene's list of files is read.
  bool check_scene = true;
  // Creates missing output folders and tries whether files can be made there. Without it
  // permissions are looked at only and nothing is created (validate, --dry-run).
  bool prepare_outputs = true;
  // What is known of the workers, for "auto" splits.
  PlanHints hints;
};

// A file that the broker must have before it takes the job.
struct JobInput {
  std::filesystem::path path;
  std::uint32_t step = 0;  // index in spec.steps
  std::string name;        // BlobRef::name: how the step refers to it
  std::uint64_t size = 0;  // bytes, when the job was loaded
};

// A render step of the job, still editable: params of its StepSpec are made from it.
struct RenderStep {
  std::uint32_t step = 0;
  render::RenderJob job;
};

struct LoadedJob {
  JobSpec spec;                  // complete but for the hashes of inputs
  std::vector<JobInput> inputs;  // in the order of spec.steps[step].inputs
  std::vector<RenderStep> renders;
  std::vector<std::string> warnings;  // complete sentences
  std::filesystem::path directory;    // of the job file, absolute
};

// All errors are invalid_argument (exit code 2).
Result<LoadedJob> load_job_file(const std::filesystem::path& path, const LoadOptions& options = {});
// The same for a text that lies nowhere; relative paths start at `directory`.
Result<LoadedJob> load_job_text(std::string text, const std::string& name,
                                const std::filesystem::path& directory,
                                const LoadOptions& options = {});

// Hashes every input (about 1 GB/s; `hashed` is told the bytes done so far after each file, may be
// empty) and puts the names into spec.steps[].inputs and, for render steps, into their params.
// invalid_argument when a file can not be read or has changed its size since it was loaded.
Status hash_inputs(LoadedJob& job, const std::function<void(std::uint64_t)>& hashed = {});

// "1-100", "1-100:2", "1-100x2", "1,5,9-12", also descending ("10-1") and negative ("-5--1"). In
// the order written; a number that comes twice is refused. At most `count_max` numbers of magnitude
// at most `limit`.
Result<std::vector<std::int32_t>> parse_ranges(std::string_view text, std::uint32_t count_max,
                                               std::int32_t limit);

// The JSON Schema (2020-12) of job files: config/job.schema.json.
std::string job_schema();
// docs/JOBFILE.md.
std::string job_file_manual();

}  // namespace framebus::client
