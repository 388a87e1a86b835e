// Job files that are wrong, each with the sentence that says how.
#include <doctest/doctest.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "client/jobfile/jobfile.h"
#include "tests/client/jobfile/scene_folder.h"
#include "tests/sanitized.h"

using namespace framebus;
using namespace framebus::client;

namespace {

std::string error_of(const std::string& text) {
  const auto job = load_job_text(text, "x.json", "/tmp");
  if (job) return "no error";
  CHECK(job.error().code == Code::invalid_argument);
  return job.error().message;
}

// What stands before it and the words that must be in it.
struct BadFile {
  const char* text;
  const char* begins;
  const char* contains;
};

}  // namespace

TEST_CASE("bad job files: every one is refused with place, what was found and what is allowed") {
  const BadFile files[] = {
      {R"({"type": "sleep", "params": {"mss": 1}})",
       "x.json:1:37: /params/mss: ", "unknown key 'mss'; did you mean 'ms'?"},
      {R"({"type": "sleep", "params": {"ms": -1}})",
       "x.json:1:36: /params/ms: ", "-1 is not allowed; wanted an integer from 0 to 86400000"},
      {R"({"type": "sleep", "params": {"ms": "soon"}})",
       "x.json:1:36: /params/ms: ", "\"soon\" is not allowed"},
      {R"({"type": "sleep", "params": {"duration": "25h"}})",
       "x.json:1:42: /params/duration: ", "\"25h\" is not allowed; wanted a duration"},
      {R"({"type": "fail", "tasks": [{}, {"params": {"mode": "explode"}}]})",
       "x.json:1:52: /tasks/1/params/mode: ", "wanted one of \"error\" \"abort\""},
      {R"({"type": "fail", "tasks": [{"params": {"permanent": 1}}]})",
       "x.json:1:53: /tasks/0/params/permanent: ", "1 is not allowed; wanted true or false"},
      {R"({"type": "sleep", "sweep": {"ms": [5, 6, 1.5]}})",
       "x.json:1:42: /sweep/ms/2: ", "1.5 is not allowed"},
      {R"({"type": "sleep", "sweep": {"seed": [5]}})",
       "x.json:1:37: /sweep/seed: ", "unknown key 'seed'; there are 'ms' 'duration'"},
      {R"({"type": "sleep", "sweep": {"ms": {"range": "5--5"}}})",
       "x.json:1:45: /sweep/ms/range: ", "-5 is not allowed"},
      {R"({"type": "sleep", "sweep": {"ms": {"range": "3,1,86400001"}}})",
       "x.json:1:45: /sweep/ms/range: ", "86400001 is not allowed"},
      {R"({"type": "sleep", "sweep": {"duration": {"range": "1-3"}}})",
       "x.json:1:51: /sweep/duration/range: ", "1 is not allowed; wanted a duration"},
      {R"({"steps": [{"name": "a", "type": "fail", "params": {"processes": 0}}]})",
       "x.json:1:66: /steps/0/params/processes: ", "an integer from 1 to 100"},
      {"", "x.json:1:1: ", "the file is empty"},
      {"{\"type\": \"echo\"", "x.json:1:16: ", "expected ',' or '}'"},
      {"{\"type\": \"echo\",}", "x.json:1:17: ", "a comma before '}'"},
      {"{\"type\": \"echo\", \"priority\": NaN}",
       "x.json:1:30: ", "found 'NaN'; JSON has finite numbers only"},
      {"{\"type\": \"echo\",\n \"type\": \"sleep\"}",
       "x.json:2:2: ", "the key \"type\" is there twice"},
      {"{\"type\": \"\xC3\x28\"}", "x.json:1:11: ", "is not valid UTF-8"},
      {"[]",
       "x.json:1:1: ", "expected a job: a JSON object with \"type\" or \"steps\", found an array"},
      {"{}", "x.json:1:1: ", "the key \"type\" is missing"},
      {"{\"tpye\": \"echo\"}", "x.json:1:10: /tpye: ", "unknown key; did you mean \"type\"?"},
      {"{\"type\": 3}", "x.json:1:10: /type: ", "expected a string, found a number (3)"},
      {"{\"type\": \"\"}", "x.json:1:10: /type: ", "found an empty string"},
      {"{\"type\": \"command\", \"params\": {}}",
       "x.json:1:10: /type: ", "this version of framebus has no executor for \"command\""},
      {"{\"type\": \"cuda\"}",
       "x.json:1:10: /type: ", "types are \"render\", \"echo\", \"sleep\", \"fail\""},
      {"{\"type\": \"rendr\", \"scene\": \"s.gltf\"}",
       "x.json:1:28: /scene: ", "did you mean the type \"render\"?"},
      {"{\"type\": \"echo\", \"priority\": 101}",
       "x.json:1:30: /priority: ", "101 is outside what is allowed: 0 to 100"},
      {"{\"type\": \"echo\", \"priority\": 1.5}",
       "x.json:1:30: /priority: ", "expected a whole number, 0 to 100, found a number (1.5)"},
      {"{\"type\": \"echo\", \"prioritee\": 1}",
       "x.json:1:31: /prioritee: ", "did you mean \"priority\"?"},
      {"{\"type\": \"echo\", \"timeout\": 90}",
       "x.json:1:29: /timeout: ", "expected a duration in a string"},
      {"{\"type\": \"echo\", \"timeout\": \"90\"}", "x.json:1:29: /timeout: ", "is not a duration"},
      {"{\"type\": \"echo\", \"deadline\": \"0\"}", "x.json:1:30: /deadline: ", "1ms to 3650d"},
      {"{\"type\": \"echo\", \"strategy\": \"laod\"}",
       "x.json:1:30: /strategy: ", "did you mean \"load\"?"},
      {"{\"type\": \"echo\", \"requires\": {\"gpu\": 1}}",
       "x.json:1:38: /requires/gpu: ", "did you mean \"gpus\"?"},
      {"{\"type\": \"echo\", \"requires\": {\"memory\": \"8 gigs\"}}",
       "x.json:1:41: /requires/memory: ", "is not a size"},
      {"{\"type\": \"echo\", \"requires\": {\"compute_capability\": \"nine\"}}",
       "x.json:1:53: ", "a compute capability like \"8.6\""},
      {"{\"type\": \"echo\", \"labels\": {\"a\": 1}}",
       "x.json:1:34: /labels/a: ", "expected a string"},
      {"{\"type\": \"echo\", \"limits\": {\"a\": 0}}", "x.json:1:34: /limits/a: ", "1 to 1000000"},
      {"{\"type\": \"echo\", \"at_most_once\": \"yes\"}",
       "x.json:1:34: /at_most_once: ", "expected true or false, found a string (\"yes\")"},
      {"{\"type\": \"echo\", \"params\": []}",
       "x.json:1:28: /params: ", "expected an object, found an array"},
      {"{\"type\": \"echo\", \"tasks\": []}", "x.json:1:27: /tasks: ", "found an empty list"},
      {"{\"type\": \"echo\", \"tasks\": [{\"param\": {}}]}",
       "x.json:1:38: /tasks/0/param: ", "did you mean \"params\"?"},
      {"{\"type\": \"echo\", \"sweep\": {\"a\": 1}}",
       "x.json:1:33: /sweep/a: ", "a list of values or {\"range\": \"1-100\"}"},
      {"{\"type\": \"echo\", \"sweep\": {\"a\": {\"range\": \"1-\"}}}",
       "x.json:1:43: /sweep/a/range: ", "a number is missing"},
      {"{\"type\": \"echo\", \"tasks\": [{}], \"sweep\": {\"a\": [1]}}",
       "x.json:1:42: /sweep: ", "not both"},
      {"{\"type\": \"echo\", \"sweep\": {\"a\": {\"range\": \"1-10000\"}, \"b\": {\"range\": "
       "\"1-10000\"}}}",
       "x.json:1:27: /sweep: ", "at most 1000000"},
      {"{\"steps\": []}", "x.json:1:11: /steps: ", "found an empty list"},
      {"{\"steps\": [{\"type\": \"echo\"}]}",
       "x.json:1:12: /steps/0: ", "the key \"name\" is missing"},
      {"{\"steps\": [{\"name\": \"a\", \"type\": \"echo\"}], \"timeout\": \"9s\"}",
       "x.json:1:55: /timeout: ", "this key belongs to a step"},
      {"{\"steps\": [{\"name\": \"a\", \"type\": \"echo\"}, {\"name\": \"a\", \"type\": "
       "\"echo\"}]}",
       "x.json:1:52: /steps/1/name: ", "two steps are called \"a\""},
      {"{\"steps\": [{\"name\": \"a\", \"type\": \"echo\", \"depends_on\": [\"b\"]}, {\"name\": "
       "\"b\", \"type\": \"echo\"}]}",
       "x.json:1:57: /steps/0/depends_on/0: ", "no step before this one is called \"b\""},
      {"{\"steps\": [{\"name\": \"a\", \"type\": \"echo\"}, {\"name\": \"b\", \"type\": \"echo\", "
       "\"sweep\": {\"i\": [1, 2]}, \"depends_on\": [{\"step\": \"a\", \"by\": \"task\"}]}]}",
       "x.json:1:112: /steps/1/depends_on/0: ", "this step has 2, \"a\" has 1"},
      {"{\"type\": \"render\"}", "x.json:1:1: ", "the key \"scene\" is missing"},
      {"{\"type\": \"render\", \"scen\": \"a.gltf\"}",
       "x.json:1:28: /scen: ", "did you mean \"scene\"?"},
      {"{\"type\": \"render\", \"scene\": \"a.gltf\", \"params\": {}}",
       "x.json:1:49: /params: ", "unknown key"},
      {"{\"type\": \"render\", \"scene\": \"a.obj\"}",
       "x.json:1:29: /scene: ", "'a.obj': the name must end in .gltf or .glb"},
      {"{\"type\": \"render\", \"scene\": \"none.gltf\"}",
       "x.json:1:29: /scene: ", "/tmp/none.gltf: no such file"},
      {"{\"type\": \"render\", \"scene\": \"a.gltf\", \"film\": {\"width\": 0}}",
       "x.json:1:57: /film/width: ", "0 is outside what is allowed: 1 to 32768"},
      {"{\"type\": \"render\", \"scene\": \"a.gltf\", \"film\": {\"width\": \"wide\"}}",
       "x.json:1:57: /film/width: ", "found a string (\"wide\")"},
      {"{\"type\": \"render\", \"scene\": \"a.gltf\", \"sampling\": {\"spp\": 1e9}}",
       "x.json:1:59: /sampling/spp: ", "1e9 is outside what is allowed: 1 to 65535"},
      {"{\"type\": \"render\", \"scene\": \"a.gltf\", \"sampling\": {\"sampler\": \"sobol\"}}",
       "x.json:1:63: /sampling/sampler: ", "expected \"sobol_owen\" or \"philox\""},
      {"{\"type\": \"render\", \"scene\": \"a.gltf\", \"frames\": \"48-\"}",
       "x.json:1:49: /frames: ", "a number is missing at the end"},
      {"{\"type\": \"render\", \"scene\": \"a.gltf\", \"split\": {\"tile\": [64]}}",
       "x.json:1:57: /split/tile: ", "\"auto\" or [width, height]"},
      {"{\"type\": \"render\", \"scene\": \"a.gltf\", \"camera\": {\"keys\": [{\"frame\": 1, "
       "\"pos\": [0, 0], \"look_at\": [0, 0, 0]}]}}",
       "x.json:1:79: /camera/keys/0/pos: ", "expected three numbers, found 2"},
      {"{\"type\": \"render\", \"scene\": \"a.gltf\", \"camera\": {\"override\": {\"yfov\": 0.6}}}",
       "x.json:1:71: /camera/override/yfov: ", "1 to 170"},
      {"{\"type\": \"render\", \"scene\": \"a.gltf\", \"camera\": {\"keys\": [{\"frame\": 1, "
       "\"pos\": [0, 0, 1], \"look_at\": [0, 0, 1]}]}}",
       "x.json:1:1: /camera/keys/0: ", "the same point"},
      {"{\"type\": \"render\", \"scene\": \"a.gltf\", \"lights\": [{\"kind\": \"lamp\"}]}",
       "x.json:1:59: /lights/0/kind: ", "\"point\", \"spot\" or \"directional\""},
  };
  for (const BadFile& file : files) {
    CAPTURE(file.text);
    const std::string message = error_of(file.text);
    CAPTURE(message);
    CHECK(message.find(file.begins) == 0);
    CHECK(message.find(file.contains) != std::string::npos);
  }
}

TEST_CASE("bad job files: not a file, a folder, too deep") {
  CHECK(load_job_file("/nowhere/job.json").error().message == "/nowhere/job.json: no such file");
  CHECK(load_job_file("/tmp").error().message == "/tmp: is not a regular file");
  const std::string deep = "{\"type\": \"echo\", \"params\": {\"a\": " + std::string(40, '[') +
                           std::string(40, ']') + "}}";
  CHECK(error_of(deep).find("nested deeper than 32 levels") != std::string::npos);
}

TEST_CASE("bad job files: 64 MiB of brackets cost no time to speak of") {
  const SceneFolder folder;
  {
    std::ofstream file(folder.path() / "bomb.json", std::ios::binary);
    const std::string part(1u << 20, '[');
    for (int i = 0; i < 64; ++i) file << part;
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto job = load_job_file(folder.path() / "bomb.json");
  const auto took = std::chrono::steady_clock::now() - begin;
  REQUIRE_FALSE(job);
  CHECK(job.error().message.find("nested deeper than 32 levels") != std::string::npos);
  CHECK(took < std::chrono::seconds(2) * testing::patience);
  std::filesystem::resize_file(folder.path() / "bomb.json", (64u << 20) + 1);
  CHECK(load_job_file(folder.path() / "bomb.json")
            .error()
            .message.find("at most 67108864 are allowed") != std::string::npos);
}
