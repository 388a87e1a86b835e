// The JSON reader and everything built on it that takes files: job files and configuration values.
//
// What parses must be readable in full, keep its canonical text when that is parsed again, and
// every value's place must be known.
#include "client/jobfile/jobfile.h"
#include "libmsg/base/check.h"
#include "libmsg/base/json_text.h"
#include "tests/fuzz/fuzz_target.h"

using namespace framebus;

namespace {

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
  if (const auto job = client::load_job_text(text, "fuzz.json", "/nonexistent", options))
    for (const StepSpec& step : job->spec.steps)
      FRAMEBUS_CHECK(step.task_count >= 1, "a step has a task");
  return 0;
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
            {"name": "b", "type": "t", "depends_on": ["a", {"step": "a", "by": "task"}]}]})",
       R"({"type": "render", "scene": "s.gltf", "frames": "1-3,7", "film": {"width": 64, "filter": "box"},
            "camera": {"override": {"yfov": 40},
            "keys": [{"frame": 1, "pos": [0, 0, 1], "look_at": [0, 0, 0]}]}, "lights": [{"kind": "spot"}],
            "split": {"tile": [8, 8], "spp_per_task": "auto"},
            "outputs": [{"file": "a.####.png", "layers": ["rgb"]}] /* c */ })"})
    seeds.emplace_back(text.begin(), text.end());
  return seeds;
}
