// Bad scenes and jobs: a clear error with exit code 2 before anything is rendered, never a crash,
// and a running farm is not disturbed.
#include <doctest/doctest.h>

#include <fstream>

#include "tests/system/render/scenes.h"

namespace framebus::test {
namespace {

namespace fs = std::filesystem;

// A triangle; `edit` may spoil the document and the buffer before they are written.
fs::path write_triangle(Farm& farm, const std::string& folder,
                        const std::function<void(Json& gltf, std::string& buffer)>& edit) {
  std::string buffer;
  const float corners[] = {0, 0, 0, 1, 0, 0, 0, 1, 0};
  buffer.assign(reinterpret_cast<const char*>(corners), sizeof corners);
  Json gltf{
      {"asset", {{"version", "2.0"}}},
      {"scene", 0},
      {"scenes", {{{"nodes", {0}}}}},
      {"nodes", {{{"mesh", 0}}}},
      {"meshes", {{{"primitives", {{{"attributes", {{"POSITION", 0}}}}}}}}},
      {"accessors", {{{"bufferView", 0}, {"componentType", 5126}, {"count", 3}, {"type", "VEC3"}}}},
      {"bufferViews", {{{"buffer", 0}, {"byteLength", 36}}}},
      {"buffers", {{{"uri", "triangle.bin"}, {"byteLength", 36}}}}};
  edit(gltf, buffer);
  fs::create_directories(farm.path(folder));
  std::ofstream(farm.path(folder) / "triangle.bin", std::ios::binary) << buffer;
  farm.write_file(folder + "/scene.gltf", gltf.dump());
  return farm.path(folder) / "scene.gltf";
}

struct Bad {
  std::string name;
  fs::path scene;
  std::string expected;  // what the message must say
  std::function<void(RenderText&)> edit = [](RenderText&) {};
};

std::vector<Bad> bad_scenes(Farm& farm) {
  const auto nothing = [](Json&, std::string&) {};
  std::vector<Bad> cases;
  const auto add = [&](const std::string& name, const std::string& expected,
                       const std::function<void(Json&, std::string&)>& spoil) {
    cases.push_back({name, write_triangle(farm, name, spoil), expected});
  };
  add("accessor_out_of_range", "accessors",
      [](Json& gltf, std::string&) { gltf["accessors"][0]["count"] = 1000; });
  add("missing_texture", "nowhere.png", [](Json& gltf, std::string&) {
    gltf["images"] = {{{"uri", "nowhere.png"}}};
    gltf["textures"] = {{{"source", 0}}};
    gltf["materials"] = {{{"pbrMetallicRoughness", {{"baseColorTexture", {{"index", 0}}}}}}};
    gltf["meshes"][0]["primitives"][0]["material"] = 0;
  });
  add("nan_positions", "/accessors/0", [](Json&, std::string& buffer) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    for (std::size_t i = 0; i < 9; ++i)
      buffer.replace(4 * i, 4, reinterpret_cast<const char*>(&nan), 4);
  });
  add("short_buffer", "/buffers/0", [](Json&, std::string& buffer) { buffer.resize(7); });
  const fs::path truncated = write_triangle(farm, "truncated", nothing);
  fs::resize_file(truncated, fs::file_size(truncated) / 2);
  cases.push_back({"truncated", truncated, "scene.gltf"});
  cases.push_back({"zero_sized", write_triangle(farm, "zero", nothing), "/film/width",
                   [](RenderText& text) { text.width = 0; }});
  cases.push_back({"a_billion_samples", write_triangle(farm, "samples", nothing), "65",
                   [](RenderText& text) { text.spp = 1'000'000'000; }});
  cases.push_back(
      {"unwritable_output", write_triangle(farm, "unwritable", nothing), "/proc/nowhere",
       [](RenderText& text) { text.outputs = R"([{"file": "/proc/nowhere/picture.png"}])"; }});
  return cases;
}

void check_refused(const std::string& name, const CliResult& result, const std::string& expected) {
  CHECK_MESSAGE(result.exit_code == 2,
                name << " ended with " << result.exit_code << ": " << result.errors);
  CHECK_MESSAGE(result.errors.find(expected) != std::string::npos,
                name << " does not say \"" << expected << "\": " << result.errors);
}

}  // namespace

TEST_CASE(
    "bad input: each scene and job that can not be rendered is refused with exit code 2, a running "
    "job goes on") {
  Farm farm;
  farm.worker({"--threads", "1"});
  farm.wait_for_workers(1);
  const std::string running =
      farm.submit(R"({"name": "long", "type": "sleep", "params": {"ms": 4000}})");
  farm.wait_for_state(running, "running");

  for (const Bad& bad : bad_scenes(farm)) {
    RenderText text;
    text.scene = bad.scene;
    bad.edit(text);
    const fs::path file = farm.write_file(bad.name + ".json", render_job(text));
    check_refused(bad.name, farm.cli({"submit", file.string()}), bad.expected);
    check_refused(bad.name + " (local)", farm.cli({"local", file.string()}), bad.expected);
  }

  const fs::path typo =
      farm.write_file("typo.json", "{\n  \"name\": \"x\",\n  \"type\" \"render\"\n}\n");
  check_refused("a typo in JSON", farm.cli({"submit", typo.string()}), "typo.json:3:");
  const fs::path wrong = farm.write_file("wrong.json", "{\"type\": \"render\", \"scene\": 7}\n");
  check_refused("a wrong type", farm.cli({"submit", wrong.string()}), "/scene");
  const fs::path misspelt =
      farm.write_file("misspelt.json", "{\"type\": \"echo\", \"priorty\": 7}\n");
  check_refused("an unknown key", farm.cli({"submit", misspelt.string()}), "\"priority\"");
  const fs::path brackets = farm.write_file("brackets.json", std::string(64u << 20, '['));
  check_refused("64 MiB of brackets", farm.cli({"submit", brackets.string()}), "brackets.json");

  CHECK(farm.json({"jobs"}).at("jobs").size() == 1);  // nothing of all that reached the broker
  farm.wait_for_state(running, "succeeded");
}

}  // namespace framebus::test
