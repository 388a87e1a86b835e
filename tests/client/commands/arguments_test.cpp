#include "client/commands/arguments.h"

#include <doctest/doctest.h>

#include "client/commands/verbs.h"

using namespace framebus;
using namespace framebus::client;

namespace {

Result<Arguments> parse(std::vector<const char*> words) {
  words.insert(words.begin(), "framebus");
  return parse_arguments(static_cast<int>(words.size()), words.data());
}

}  // namespace

TEST_CASE("arguments: options of all verbs may stand before or after the verb") {
  for (const auto& words : {std::vector<const char*>{"--broker", "tcp://a:1", "--json", "jobs"},
                            std::vector<const char*>{"jobs", "--json", "--broker=tcp://a:1"}}) {
    const auto out = parse(words);
    REQUIRE(out);
    CHECK(out->verb == "jobs");
    CHECK(*out->broker == "tcp://a:1");
    CHECK(out->json);
  }
}

TEST_CASE("arguments: submit takes a file and repeated --set") {
  const auto out = parse({"submit", "--set", "frames=1-10", "--set", "sampling.spp=16", "job.json",
                          "--wait", "--priority", "60", "-o", "out"});
  REQUIRE(out);
  CHECK(out->file == "job.json");
  CHECK(out->overrides == std::vector<std::string>{"frames=1-10", "sampling.spp=16"});
  CHECK(out->wait);
  CHECK(*out->priority == 60);
  CHECK(out->output_directory == "out");
}

TEST_CASE(
    "arguments: reading verbs are about the last job when no selector is given, changing ones need "
    "one") {
  for (const char* verb : {"job", "tasks", "wait", "watch", "fetch"})
    CHECK(parse({verb}).has_value());
  for (const char* verb : {"cancel", "pause", "resume", "retry", "explain"})
    CHECK_FALSE(parse({verb}).has_value());
  CHECK(parse({"cancel", "3:2,5-9"})->selector == "3:2,5-9");
}

TEST_CASE("arguments: a wrong verb or option names the nearest right one") {
  CHECK(parse({"submti", "x"}).error().message.find("did you mean \"framebus submit\"?") !=
        std::string::npos);
  CHECK(parse({"--json", "wrokers"}).error().message.find("\"framebus workers\"") !=
        std::string::npos);
  CHECK(parse({"submit", "x.json", "--wiat"}).error().message.find("did you mean --wait?") !=
        std::string::npos);
  CHECK(parse({"qqqqqqqq"}).error().message.find("there are local, submit") != std::string::npos);
}

TEST_CASE("arguments: what is out of range or left over is refused") {
  CHECK_FALSE(parse({"submit", "x.json", "--priority", "101"}));
  CHECK_FALSE(parse({"submit", "x.json", "--priority", "high"}));
  CHECK_FALSE(parse({"local", "x.json", "--workers", "0"}));
  CHECK_FALSE(parse({"jobs", "3"}));
  CHECK_FALSE(parse({"submit"}));
  CHECK_FALSE(parse({"submit", "a.json", "b.json"}));
}

TEST_CASE("arguments: broadcast takes a command and says whom") {
  const auto out = parse({"broadcast", "--worker", "node7:1", "ping", "--payload", "-", "--worker",
                          "ab", "--barrier"});
  REQUIRE(out);
  CHECK(out->command == "ping");
  CHECK(out->payload_file == "-");
  CHECK(out->worker_names == std::vector<std::string>{"node7:1", "ab"});
  CHECK(out->barrier);
  CHECK(parse({"broadcast", "ping", "--next"})->next);
  CHECK(parse({"broadcast", "map", "--sticky"})->sticky);
  CHECK_FALSE(parse({"broadcast"}));
  CHECK_FALSE(parse({"broadcast", "ping", "--next", "--worker", "a"}));
  CHECK_FALSE(parse({"broadcast", "ping", "--next", "--barrier"}));
  CHECK_FALSE(parse({"broadcast", "ping", "--sticky", "--worker", "a"}));
}

TEST_CASE("arguments: worker takes one of four actions and a worker") {
  const auto out = parse({"worker", "drain", "node7:4711", "--reason", "new driver"});
  REQUIRE(out);
  CHECK(out->action == "drain");
  CHECK(out->worker == "node7:4711");
  CHECK(out->reason == "new driver");
  CHECK(parse({"worker", "dran", "x"}).error().message.find("did you mean \"drain\"?") !=
        std::string::npos);
  CHECK(parse({"worker", "feed", "x"}).error().message.find("restart and remove") !=
        std::string::npos);
  CHECK_FALSE(parse({"worker", "drain"}));
}

TEST_CASE("arguments: logs are of the last job unless said otherwise") {
  const auto out = parse({"logs", "3:17", "-f", "--attempt", "2"});
  REQUIRE(out);
  CHECK(out->selector == "3:17");
  CHECK(out->follow);
  CHECK(out->attempt == 2);
  CHECK(parse({"logs"}).has_value());
  CHECK_FALSE(parse({"logs", "--attempt", "0"}));
  CHECK(parse({"jobs", "--archived"})->archived);
}

TEST_CASE("arguments: help lists every verb, and each verb has its own") {
  const auto overview = parse({"--help"});
  REQUIRE(overview);
  for (const Verb& verb : all_verbs()) {
    CHECK(overview->text.find("  " + std::string(verb.name) + " ") != std::string::npos);
    const std::string name(verb.name);
    const auto help = parse({name.c_str(), "--help"});
    REQUIRE(help);
    CHECK(help->text.find("--json") != std::string::npos);
  }
  CHECK(parse({})->text == overview->text);
  CHECK(parse({"help"})->text == overview->text);
}
