// A job file as its keys say it, before files are looked up and dependencies resolved.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/jobfile/sections.h"
#include "client/render/planner.h"
#include "libmsg/schema/parts.h"
#include "worker/executors/render/job/render_job.h"

namespace framebus::client {

// Keys of the whole job.
struct JobDraft {
  JobSpec spec;
};

struct DependencyDraft {
  std::string step;
  bool by_task = false;
  std::string where;  // for errors: file, line, column and pointer
};

// Keys that every step has, whatever its type.
struct StepDraft {
  StepSpec spec;
  std::string where;
  std::vector<DependencyDraft> depends_on;
};

// Keys of steps that are not renders.
struct ParamsDraft {
  std::optional<JsonValue> params, tasks, sweep;
};

struct CameraOverride {
  double yfov_degrees = 0;  // 0: as in the scene
};

// Sections whose structs in RenderJob are shaped differently than the file.
struct FilmDraft {
  std::uint32_t width = render::RenderJob{}.width, height = render::RenderJob{}.height;
  render::Filter filter = render::RenderJob{}.filter;
};

struct CameraDraft {
  std::string from_gltf;
  CameraOverride override;
  std::vector<render::CameraKey> keys;
};

struct OutputDraft {
  render::OutputSettings settings;
  std::string where;
};

struct RenderDraft {
  std::string scene;  // path as written
  std::string scene_where;
  std::string environment_where;
  FilmDraft film;
  CameraDraft camera;
  SplitSettings split;
  std::vector<OutputDraft> outputs;
  render::RenderJob job;  // what needs no other form
};

// The tables. Made once, read by parser, schema and manual.
const Section<JobDraft>& job_section();
const Section<StepDraft>& step_section();
const Section<ParamsDraft>& params_section();
const Section<RenderDraft>& render_section();

// The key "steps" itself, for the schema and the manual.
const SectionInfo& steps_info();

}  // namespace framebus::client
