// docs/JOBFILE.md from the tables.
#include <set>

#include "client/jobfile/draft.h"
#include "client/jobfile/jobfile.h"
#include "libmsg/schema/task_params.h"

namespace framebus::client {
namespace {

constexpr const char* introduction = R"(# Job files

A job file is JSON; comments (`//` and `/* */`) are allowed, unknown keys and repeated keys are
not. Everything that can be checked before the job runs is checked by `framebus validate FILE`, and
again at every submit: an error names file, line, column and the place in the file, what was found
and what is allowed. Paths are relative to the job file or absolute. `config/job.schema.json`
describes the format to editors: name it in `$schema`.

This page is printed from the tables that the parser uses (client/jobfile/job_keys.cpp,
render_keys.cpp, libmsg/schema/task_params.cpp).

A picture:

```json
{ "name": "helmet turntable", "type": "render", "scene": "FlightHelmet.gltf", "frames": "1-48",
  "film": {"width": 1280, "height": 720}, "sampling": {"spp": 256},
  "camera": {"keys": [{"frame": 1, "pos": [0, 0.4, 1.3], "look_at": [0, 0.3, 0]},
                      {"frame": 48, "pos": [1.3, 0.4, 0], "look_at": [0, 0.3, 0]}]},
  "outputs": [{"file": "out/helmet.####.exr"}, {"file": "out/helmet.####.png"}] }
```

A sweep over parameters, for a worker of your own that offers the type `simulate`:

```json
{ "name": "ramp metering", "type": "simulate", "params": {"steps": 3600},
  "sweep": {"scenario": ["ramp1", "ramp2"], "seed": {"range": "1-100"}} }
```

`framebus validate` shows how many tasks that makes and the parameters of the first and the last. A
sweep travels as written, so a million tasks are accepted as fast as ten. A long list of `tasks` is
sent in parts, and an interruption does not send it anew.

Steps that wait for each other:

```json
{ "name": "two looks", "steps": [
  {"name": "draft", "type": "render", "scene": "s.gltf", "sampling": {"spp": 4},
   "outputs": [{"file": "draft.png"}]},
  {"name": "final", "type": "render", "scene": "s.gltf", "sampling": {"spp": 512},
   "depends_on": ["draft"], "outputs": [{"file": "final.png"}]} ] }
```

## Values

| kind | written |
|---|---|
| ranges | `"1-100"`, `"1-100:2"` or `"1-100x2"` (every second), `"1,5,9-12"`, `"10-1"` |
| duration | `"90s"`, `"10m"`, `"1h30m"`, `"250ms"` |
| size | `"8GiB"`, `"512KiB"`, `"100MB"`, or a number of bytes |
| path of an output | `####` or `%04d` is the frame number |

`framebus submit --set KEY=VALUE` changes a value for one submit: `--set frames=1-10`,
`--set film.width=640`, `--set steps.final.sampling.spp=64`. VALUE is JSON, or else a text.

)";

std::string cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

void print_section(const SectionInfo& section, std::set<std::string>& printed, std::string& out) {
  if (!printed.insert(section.title).second) return;
  out += "## " + section.title + "\n\n" + section.doc +
         "\n\n| key | value | default | meaning |\n|---|---|---|---|\n";
  for (const KeyInfo& key : section.keys)
    out += "| `" + key.name + "` | " + cell(key.kind) + " | " +
           (key.required           ? "required"
            : key.fallback.empty() ? ""
                                   : "`" + cell(key.fallback) + "`") +
           " | " + cell(key.doc) + " |\n";
  out += "\n";
  for (const KeyInfo& key : section.keys)
    if (key.section) print_section(*key.section, printed, out);
}

// What stands in "params" of the built-in types that do not take everything.
void print_task_params(std::string& out) {
  for (const std::string& type : types_with_params()) {
    out += "## params of " + type + "\n\nWhat `params` of a step of the built-in type \"" + type +
           "\" may have; anything else is refused.\n\n"
           "| key | value | default | meaning |\n|---|---|---|---|\n";
    for (const TaskParam& param : *task_params_of(type))
      out += "| `" + param.name + "` | " + cell(allowed_text(param)) + " | " +
             (param.fallback.empty() ? "" : "`" + cell(param.fallback) + "`") + " | " +
             cell(param.doc) + " |\n";
    out += "\n";
  }
}

}  // namespace

std::string job_file_manual() {
  std::string out = introduction;
  std::set<std::string> printed;
  for (const SectionInfo* section :
       {&job_section().info, &step_section().info, &steps_info(), &params_section().info})
    print_section(*section, printed, out);
  print_task_params(out);
  print_section(render_section().info, printed, out);
  out.pop_back();
  return out;
}

}  // namespace framebus::client
