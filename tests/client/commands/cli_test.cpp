// The command line where no broker is needed: words, files, exit codes.
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/client/commands/cli_process.h"
#include "tests/sanitized.h"

using namespace framebus::client;
namespace fs = std::filesystem;

namespace {

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

struct Folder {
  fs::path path = fs::temp_directory_path() / ("framebus-cli-" + std::to_string(getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  std::string file(const std::string& name, const std::string& text) const {
    std::ofstream(path / name) << text;
    return (path / name).string();
  }
};

const std::string nobody = "--broker=tcp://127.0.0.1:1";

}  // namespace

TEST_CASE("cli: help and version exit 0") {
  CHECK(run_framebus({"--help"}).exit_code == 0);
  CHECK(has(run_framebus({}).out, "usage: framebus VERB"));
  CHECK(has(run_framebus({"--version"}).out, "framebus "));
  CHECK(has(run_framebus({"version", "--json"}).out, "\"protocol_major\":1"));
  CHECK(has(run_framebus({"submit", "--help"}).out, "--dry-run"));
}

TEST_CASE("cli: a wrong verb suggests the nearest one, exit 2") {
  const Ran ran = run_framebus({"sumbit", "job.json"});
  CHECK(ran.exit_code == 2);
  CHECK(has(ran.err, "did you mean \"framebus submit\"?"));
  CHECK(ran.out.empty());
}

TEST_CASE("cli: no broker is said with the URL and what to type, exit 3, within the time given") {
  for (const auto& words : std::vector<std::vector<std::string>>{{"jobs"},
                                                                 {"job", "3"},
                                                                 {"tasks", "3"},
                                                                 {"workers"},
                                                                 {"status"},
                                                                 {"cancel", "3"},
                                                                 {"explain", "3:1"},
                                                                 {"fetch"},
                                                                 {"logs", "3:1"},
                                                                 {"worker", "drain", "node7"},
                                                                 {"broadcast", "ping"},
                                                                 {"broadcast", "ping", "--next"},
                                                                 {"jobs", "--archived"},
                                                                 {"wait"}}) {
    std::vector<std::string> all = words;
    all.insert(all.end(), {nobody, "--timeout", "300ms"});
    const Ran ran = run_framebus(all);
    CAPTURE(words[0]);
    CHECK(ran.exit_code == 3);
    CHECK(has(ran.err, "no broker answers at tcp://127.0.0.1:1"));
    CHECK(has(ran.err, "framebus-broker"));
    CHECK(has(ran.err, "FRAMEBUS_BROKER=URL"));
    CHECK(ran.out.empty());
    CHECK(ran.took.count() < 3000 * framebus::testing::patience);
  }
}

TEST_CASE("cli: a folder of -o that can not be written is found before anything runs") {
  Folder folder;
  const std::string job = folder.file("job.json", R"({"type": "echo"})");
  const std::string is_a_file = folder.file("taken", "x");
  const Ran ran = run_framebus({"local", job, "-o", is_a_file + "/out"});
  CHECK(ran.exit_code == 2);
  CHECK(has(ran.err, "-o " + is_a_file + "/out: no files can be written there"));
  CHECK(ran.out.empty());
}

TEST_CASE("cli: the broker's URL comes from a flag, the environment or a file, in this order") {
  Folder folder;
  const std::string file =
      folder.file("client.json", R"({"broker": "tcp://127.0.0.1:3", "timeout": "200ms"})");
  CHECK(has(run_framebus({"status", "--config", file}).err, "127.0.0.1:3"));
  CHECK(has(run_framebus({"status", "--config", file}, {"FRAMEBUS_BROKER=tcp://127.0.0.1:2"}).err,
            "127.0.0.1:2"));
  CHECK(has(
      run_framebus({"status", "--config", file, nobody}, {"FRAMEBUS_BROKER=tcp://127.0.0.1:2"}).err,
      "127.0.0.1:1 "));
}

TEST_CASE("cli: bad configuration and selectors are refused before anything is tried, exit 2") {
  CHECK(run_framebus({"jobs", "--broker", "nonsense"}).exit_code == 2);
  CHECK(run_framebus({"jobs", "--timeout", "soon"}).exit_code == 2);
  CHECK(run_framebus({"jobs", "--config", "/nonexistent/client.json"}).exit_code == 2);
  const Ran ran = run_framebus({"cancel", "8-5", nobody});
  CHECK(ran.exit_code == 2);
  CHECK(has(ran.err, "8-5 runs backwards"));
  CHECK(ran.took.count() < 1000 * framebus::testing::patience);
}

TEST_CASE("cli: wrong parameters of a built-in type are told before any broker is asked, exit 2") {
  Folder folder;
  const std::string file =
      folder.file("nap.json", R"({"type": "sleep", "tasks": [{"params": {"ms": -1}}]})");
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"validate", file}, {"submit", file, nobody}, {"submit", "--dry-run", file}}) {
    const Ran ran = run_framebus(words);
    CHECK(ran.exit_code == 2);
    CHECK(has(ran.err, "/tasks/0/params/ms: -1 is not allowed; wanted an integer from 0 to "));
    CHECK_FALSE(has(ran.err, "broker"));
  }
}

TEST_CASE("cli: validate accepts a good file and names what is wrong in a bad one") {
  Folder folder;
  const Ran good = run_framebus(
      {"validate",
       folder.file(
           "good.json",
           R"({"name": "e", "type": "echo", "tasks": [{"params": {"x": 1}}, {"params": {}}]})")});
  CAPTURE(good.err);
  CHECK(good.exit_code == 0);
  CHECK(has(good.out, "valid"));
  CHECK(has(good.out, "echo"));

  const Ran syntax = run_framebus(
      {"validate", folder.file("syntax.json", "{\"name\": \"e\",\n  \"type\" \"echo\"}")});
  CHECK(syntax.exit_code == 2);
  CHECK(has(syntax.err, "syntax.json:2:"));

  const Ran typo = run_framebus(
      {"validate",
       folder.file("typo.json", R"({"name": "e", "type": "echo", "priorty": 3, "tasks": [{}]})")});
  CHECK(typo.exit_code == 2);
  CHECK(has(typo.err, "priorty"));
  CHECK(has(typo.err, "priority"));

  CHECK(run_framebus({"validate", (folder.path / "missing.json").string()}).exit_code == 2);
  CHECK(run_framebus({"submit", "--dry-run", folder.file("bad.json", "[1]")}).exit_code == 2);
  CHECK(run_framebus({"local", folder.file("bad2.json", "{}")}).exit_code == 2);
}

TEST_CASE("cli: a sweep of a million tasks is checked at once, with its first and last task") {
  Folder folder;
  const std::string file = folder.file(
      "sweep.json",
      R"({"type": "echo", "sweep": {"seed": {"range": "1-1000"}, "map": {"range": "0-999"}}})");
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"validate", file, "--json"}, {"submit", file, "--dry-run", "--json"}}) {
    const Ran ran = run_framebus(words);
    CAPTURE(ran.err);
    CHECK(ran.exit_code == 0);
    CHECK(has(ran.out, R"("task_count":1000000)"));
    CHECK(has(ran.out, R"("first_params":{"map":0,"seed":1})"));
    CHECK(has(ran.out, R"("last_params":{"map":999,"seed":1000})"));
    CHECK(ran.took.count() < 3000 * framebus::testing::patience);
  }
}

TEST_CASE("cli: a payload that can not be read or is too large is told before anything is sent") {
  Folder folder;
  CHECK(run_framebus({"broadcast", "ping", "--payload", "/nonexistent/x", nobody}).exit_code == 2);
  const std::string large = folder.file("large", std::string(300'000, 'x'));
  const Ran ran = run_framebus({"broadcast", "ping", "--payload", large, nobody});
  CHECK(ran.exit_code == 2);
  CHECK(has(ran.err, "262144"));
}

TEST_CASE("cli: a bad job file is reported as such even when there is no broker") {
  Folder folder;
  const Ran ran =
      run_framebus({"submit", folder.file("bad.json", "{"), nobody, "--timeout", "200ms"});
  CHECK(ran.exit_code == 2);
  CHECK(has(ran.err, "bad.json:1:"));
}

TEST_CASE("cli: --print-config prints the configuration in effect") {
  const Ran ran = run_framebus({"--print-config"}, {"FRAMEBUS_BROKER=tcp://10.0.0.1:5"});
  CHECK(ran.exit_code == 0);
  CHECK(has(ran.out, "tcp://10.0.0.1:5"));
}
