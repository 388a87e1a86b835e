// The JSON reader and the reader of job files on it. (Configurations: fuzz_config.cpp.)
//
// What parses must be readable in full, keep its canonical text when that is parsed again, and
// every value's place must be known.
#include "client/jobfile/jobfile.h"
#include "libmsg/base/check.h"
#include "libmsg/base/json_text.h"
#include "libmsg/codec/codec.h"
#include "tests/fuzz/fuzz_target.h"

using namespace framebus;

namespace {

enum Reached : std::size_t { is_json, is_job };
// What job files name beside themselves: without a scene a job that renders ends early.
constexpr const char* scene_folder = FRAMEBUS_SOURCE_DIR "/tests/fuzz/corpus/gltf";

FuzzMilestone milestones[] = {{"is JSON", 20}, {"is a whole job", 6}};

void walk(const JsonDocument& document, JsonValue value, int& budget) {
  // where() costs the offset of the value: enough of them, not all of a large input.
  if (--budget > 0) FRAMEBUS_CHECK(!document.where(value).empty(), "a place has a name");
  if (value.is(JsonKind::object))
    for (const auto& [key, member] : value.members()) walk(document, member, budget);
  if (value.is(JsonKind::array))
    for (const JsonValue& item : value.items()) walk(document, item, budget);
  if (value.is(JsonKind::string)) value.string();
  if (value.is(JsonKind::number))
    FRAMEBUS_CHECK(!value.integer() || value.number() < 1e19, "integers are 64 bits");
  value.excerpt();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto document = JsonDocument::parse(text, "fuzz")) {
    ++milestones[is_json].count;
    int budget = 200;
    walk(*document, document->root(), budget);
    const std::string canonical = canonical_json(document->root());
    const auto again = JsonDocument::parse(canonical, "again");
    FRAMEBUS_CHECK(again.has_value(), again ? "" : again.error().message);
    FRAMEBUS_CHECK(canonical_json(again->root()) == canonical, "canonical text is stable");
  }
  client::LoadOptions options;
  options.check_scene = false;
  options.prepare_outputs = false;
  const auto loaded = client::load_job_text(text, "fuzz.json", scene_folder, options);
  if (!loaded) return 0;
  ++milestones[is_job].count;
  for (const StepSpec& step : loaded->spec.steps)
    FRAMEBUS_CHECK(step.task_count >= 1, "a step has a task");
  const auto sent = decode_struct<JobSpec>(encode_struct(loaded->spec));
  FRAMEBUS_CHECK(sent && *sent == loaded->spec, "what a file says arrives at the broker");
  return 0;
}

std::span<FuzzMilestone> fuzz_milestones() {
  return milestones;
}

std::vector<std::vector<std::uint8_t>> fuzz_seeds() {
  std::vector<std::vector<std::uint8_t>> seeds;
  for (
      const std::string_view text :
      {R"({"name": "a", "type": "echo", "priority": 60, "labels": {"a": "b"},
            "timeout": "1h30m", "params": {"x": [1, -2.5e3, null]}})",
       R"({"type": "t", "sweep": {"seed": {"range": "1-9:2"}, "map": ["a", "\u00e9\n"]},
            "requires": {"memory": "8GiB"}})",
       R"({"steps": [{"name": "a", "type": "fail", "tasks": [{"params": {}}]},
            {"name": "b", "type": "t", "depends_on": [{"step": "a", "by": "task"}]}]})",
       R"({"type": "render", "scene": "one_triangle.gltf", "frames": "1-3,7", "film": {"width": 64, "filter": "box"},
            "camera": {"override": {"yfov": 40},
            "keys": [{"frame": 1, "pos": [0, 0, 1], "look_at": [0, 0, 0]}]}, "lights": [{"kind": "spot"}],
            "split": {"tile": [8, 8], "spp_per_task": "auto"},
            "outputs": [{"file": "a.####.png", "layers": ["rgb"]}] /* c */ })"})
    seeds.emplace_back(text.begin(), text.end());
  return seeds;
}
