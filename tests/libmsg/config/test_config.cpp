// Configuration tables: precedence, errors that name their source, printing.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "libmsg/base/config.h"
#include "libmsg/base/json_text.h"

using namespace framebus;
using namespace std::chrono_literals;

namespace {

struct Settings {
  bool quiet = false;
  std::uint32_t slots = 1;
  std::int64_t offset = -5;
  double scale = 0.5;
  std::string strategy = "roundrobin";
  Duration lease_time = 15s;
  ByteSize cache = {1ull << 30};
  std::vector<std::string> label;
};

const ConfigTable<Settings>& table() {
  using S = Settings;
  static const ConfigTable<S> rows{
      "framebus-try",
      "a program for trying out settings",
      {{"quiet", &S::quiet, "Say nothing", {}, {}, {}},
       {"slots", &S::slots, "Attempts run at once", 1, 1024, {}},
       {"offset", &S::offset, "A whole number that may be negative", -10, 10, {}},
       {"scale", &S::scale, "A factor", 0, 1, {}},
       {"strategy", &S::strategy, "How workers are chosen", {}, {}, {"roundrobin", "load"}},
       {"lease-time", &S::lease_time, "How long a lease outlives the last heartbeat", 1, 3600, {}},
       {"cache", &S::cache, "Bytes of cache", 1024, 1e15, {}},
       {"label", &S::label, "KEY=VALUE, for requirements", {}, {}, {}}}};
  return rows;
}

// The default bounds are infinite; rows above that leave them out with {} would get 0.
ConfigTable<Settings> unbounded(ConfigTable<Settings> rows) {
  for (auto& key : rows.keys)
    if (key.min == 0 && key.max == 0)
      key.min = -std::numeric_limits<double>::infinity(),
      key.max = std::numeric_limits<double>::infinity();
  return rows;
}

class ScratchFile {
 public:
  explicit ScratchFile(const std::string& text) {
    char name[] = "/tmp/framebus-config-XXXXXX";
    const int descriptor = mkstemp(name);
    REQUIRE(descriptor >= 0);
    close(descriptor);
    path_ = name;
    std::ofstream(path_) << text;
  }
  ~ScratchFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Loaded {
  Settings settings;
  Result<ConfigOutcome> outcome;
};

Loaded load(std::vector<const char*> words, std::vector<const char*> environment = {}) {
  words.insert(words.begin(), "framebus-try");
  environment.push_back(nullptr);
  Settings settings;
  auto outcome = load_config(unbounded(table()), static_cast<int>(words.size()), words.data(),
                             environment.data(), settings);
  return {settings, std::move(outcome)};
}

std::string error_of(std::vector<const char*> words, std::vector<const char*> environment = {}) {
  const Loaded loaded = load(std::move(words), std::move(environment));
  REQUIRE_FALSE(loaded.outcome);
  CHECK(loaded.outcome.error().code == Code::invalid_argument);
  return loaded.outcome.error().message;
}

}  // namespace

TEST_CASE(
    "config: a flag goes before the environment, the environment before the file, the file before "
    "the default") {
  const ScratchFile file(R"({"slots": 2, "scale": 0.25, "lease_time": "2m", // comments are fine
                             "label": ["a=1", "b=2"], "quiet": true})");
  const std::string config = "--config=" + file.path();
  const Loaded loaded =
      load({config.c_str(), "--slots", "4", "--no-quiet"},
           {"FRAMEBUS_SLOTS=3", "FRAMEBUS_SCALE=0.75", "FRAMEBUS_OTHER_PROGRAM=1"});
  REQUIRE_MESSAGE(loaded.outcome, loaded.outcome.error().message);
  CHECK(loaded.settings.slots == 4);
  CHECK(loaded.settings.scale == 0.75);
  CHECK(loaded.settings.lease_time == Duration(2min));
  CHECK(loaded.settings.label == std::vector<std::string>{"a=1", "b=2"});
  CHECK_FALSE(loaded.settings.quiet);
  CHECK(loaded.settings.offset == -5);
}

TEST_CASE("config: every kind of value is read from flags and from the environment") {
  const Loaded flags = load({"--quiet", "--offset=-7", "--strategy", "load", "--cache", "64MiB",
                             "--label", "x=1,2", "--label", "y"});
  REQUIRE_MESSAGE(flags.outcome, flags.outcome.error().message);
  CHECK(flags.settings.quiet);
  CHECK(flags.settings.offset == -7);
  CHECK(flags.settings.strategy == "load");
  CHECK(flags.settings.cache == ByteSize{64u << 20});
  CHECK(flags.settings.label == std::vector<std::string>{"x=1,2", "y"});
  const Loaded environment =
      load({}, {"FRAMEBUS_QUIET=yes", "FRAMEBUS_LABEL=a,b", "FRAMEBUS_LEASE_TIME=90s"});
  REQUIRE(environment.outcome);
  CHECK(environment.settings.quiet);
  CHECK(environment.settings.label == std::vector<std::string>{"a", "b"});
  CHECK(environment.settings.lease_time == Duration(90s));
}

TEST_CASE("config: errors name the source, what was found, what is allowed and the nearest name") {
  CHECK(error_of({"--slots", "0"}) == "--slots: 0 is outside what is allowed: 1 to 1024");
  CHECK(error_of({"--slots", "many"}) == "--slots: 'many' is not a whole number from 0");
  CHECK(error_of({"--slots"}) == "--slots: a value is missing");
  CHECK(error_of({"--slot", "1"}) ==
        "--slot: framebus-try has no such flag. Did you mean --slots?");
  CHECK(error_of({"7"}).find("unexpected word '7'") == 0);
  CHECK(error_of({"--strategy", "laod"}) ==
        "--strategy: 'laod' is not allowed; allowed: roundrobin or load. Did you mean 'load'?");
  CHECK(error_of({"--lease-time", "30"}).find("--lease-time: '30' is not a duration") == 0);
  CHECK(error_of({"--lease-time", "2h"}) ==
        "--lease-time: 2h is outside what is allowed: 1s to 1h");
  CHECK(error_of({"--scale", "nan"}) == "--scale: nan is outside what is allowed: 0 to 1");
  CHECK(error_of({}, {"FRAMEBUS_SLOTS=-1"}) == "FRAMEBUS_SLOTS: '-1' is not a whole number from 0");
  CHECK(error_of({"--quiet=maybe"}) == "--quiet: 'maybe' is neither true nor false");
}

TEST_CASE("config: errors in the file name line, column and pointer") {
  const auto error_in = [](const std::string& text) {
    const ScratchFile file(text);
    const std::string message = error_of({"--config", file.path().c_str()});
    CHECK(message.find(file.path()) == 0);
    return message.substr(std::min(file.path().size(), message.size()));
  };
  CHECK(error_in("{\n  \"slotz\": 3}") ==
        ":2:12: /slotz: framebus-try has no such key. Did you mean 'slots'?");
  CHECK(error_in("{\"slots\": \"3\"}") ==
        ":1:11: /slots: expected a whole number, found a string (\"3\")");
  CHECK(error_in("{\"slots\": 1.5}") ==
        ":1:11: /slots: expected a whole number, found a number (1.5)");
  CHECK(error_in("{\"slots\": 1e30}") ==
        ":1:11: /slots: 1e30 is outside what is allowed: 1 to 1024");
  CHECK(error_in("{\"slots\": 3,}") ==
        ":1:13: a comma before '}' is not allowed in JSON: remove it");
  CHECK(error_in("{\"slots\": 3,\n\"slots\": 4}") ==
        ":2:1: the key \"slots\" is there twice; first in line 1");
  CHECK(error_in("{\"lease_time\": 30}")
            .find(":1:16: /lease_time: expected a duration in a string") == 0);
  CHECK(error_in("[]").find(":1:1: a configuration is a JSON object, found an array") == 0);
  CHECK(error_of({"--config", "/nowhere/x.json"}) == "/nowhere/x.json: no such file");
}

TEST_CASE("config: what is printed is read back as the same settings") {
  const std::string printed = print_default_config(unbounded(table()), Settings{});
  CHECK(printed.find("// Attempts run at once. Allowed: 1 to 1024.") != std::string::npos);
  const ScratchFile file(printed);
  const Loaded loaded = load({"--config", file.path().c_str(), "--print-config"});
  REQUIRE_MESSAGE(loaded.outcome, loaded.outcome.error().message);
  CHECK(loaded.outcome->print);
  CHECK(loaded.outcome->text.find("\"lease_time\": \"15s\"") != std::string::npos);
  CHECK(loaded.settings.cache == Settings{}.cache);
}

TEST_CASE("config: help names every key and no line is wider than 100 columns") {
  const Loaded loaded = load({"--slots", "0", "--help"});
  REQUIRE(loaded.outcome);
  CHECK(loaded.outcome->help);
  const std::string& help = loaded.outcome->text;
  for (const auto& key : table().keys) CHECK(help.find(key.name) != std::string::npos);
  std::size_t start = 0;
  while (start < help.size()) {
    const std::size_t end = help.find('\n', start);
    REQUIRE(end != std::string::npos);
    CHECK(end - start <= 100);
    start = end + 1;
  }
  CHECK(load({"--version"}).outcome->text == std::string("framebus-try " FRAMEBUS_VERSION "\n"));
  CHECK(markdown_rows(unbounded(table()), Settings{})
            .find("| `slots` | `1` | 1 to 1024 | Attempts run at once. |\n") != std::string::npos);
}

TEST_CASE("config: a key with a variable of its own does not hear the common one") {
  ConfigTable<Settings> rows = unbounded(table());
  rows.keys[1].environment = "FRAMEBUS_TRY_SLOTS";
  const char* const words[] = {"framebus-try"};
  const char* const environment[] = {"FRAMEBUS_SLOTS=7", "FRAMEBUS_TRY_SLOTS=3", nullptr};
  Settings settings;
  REQUIRE(load_config(rows, 1, words, environment, settings));
  CHECK(settings.slots == 3);
  const char* const common_only[] = {"FRAMEBUS_SLOTS=7", nullptr};
  Settings untouched;
  REQUIRE(load_config(rows, 1, words, common_only, untouched));
  CHECK(untouched.slots == Settings{}.slots);
  CHECK(help_text(rows, Settings{}).find("FRAMEBUS_TRY_SLOTS") != std::string::npos);
  CHECK(markdown_rows(rows, Settings{}).find("Environment: `FRAMEBUS_TRY_SLOTS`") !=
        std::string::npos);
  const char* const wrong[] = {"FRAMEBUS_TRY_SLOTS=0", nullptr};
  CHECK(load_config(rows, 1, words, wrong, settings).error().message.find("FRAMEBUS_TRY_SLOTS") ==
        0);
}
