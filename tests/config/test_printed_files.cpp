// Printed files are as the code would print them now, and what they say is true.
#include <doctest/doctest.h>

#include <filesystem>

#include "broker/shell/config.h"
#include "client/commands/client_config.h"
#include "client/jobfile/jobfile.h"
#include "libmsg/base/json_text.h"
#include "tests/config/printed_files.h"
#include "worker/shell/config.h"

using namespace framebus;

namespace {

const std::filesystem::path root = FRAMEBUS_SOURCE_DIR;

// Loads the printed file and compares what is in effect then with the defaults.
template <class C>
void check_loads(const ConfigTable<C>& table, const std::string& file) {
  const std::string path = (root / file).string();
  const char* const words[] = {"program", "--config", path.c_str(), "--print-config"};
  C config;
  const auto loaded = load_config(table, 4, words, nullptr, config);
  REQUIRE_MESSAGE(loaded, loaded.error().message);
  C defaults;
  const char* const alone[] = {"program", "--print-config"};
  const auto printed = load_config(table, 2, alone, nullptr, defaults);
  REQUIRE(printed);
  CHECK(loaded->text == printed->text);
}

}  // namespace

TEST_CASE("printed files: config/, job.schema.json and JOBFILE.md are what the code prints") {
  for (const PrintedFile& file : printed_files()) {
    CAPTURE(file.path);
    const auto text = read_text_file(root / file.path, 16u << 20);
    REQUIRE_MESSAGE(text, text.error().message);
    CHECK_MESSAGE(
        *text == file.text,
        "out of date: build the target print_config and run `print_config .` in the root");
  }
}

TEST_CASE("printed files: the tables of OPERATING.md are what the code prints") {
  for (const PrintedPart& part : printed_parts()) {
    CAPTURE(part.name);
    const auto page = read_text_file(root / part.path, 16u << 20);
    REQUIRE_MESSAGE(page, page.error().message);
    const std::string wanted = with_part(*page, part);
    REQUIRE_MESSAGE(!wanted.empty(), "the page lacks its markers");
    CHECK_MESSAGE(
        *page == wanted,
        "out of date: build the target print_config and run `print_config .` in the root");
  }
}

TEST_CASE("printed files: the configurations load and change nothing") {
  check_loads(broker::broker_config_table(), "config/broker.json");
  check_loads(worker::worker_config_table(), "config/worker.json");
  check_loads(client::client_config_table(), "config/client.json");
}

TEST_CASE("printed files: the schema is plain JSON whose references lead somewhere") {
  JsonLimits strict;
  strict.comments = false;
  const auto text = read_text_file(root / "config/job.schema.json", 16u << 20);
  REQUIRE(text);
  const auto schema = JsonDocument::parse(*text, "job.schema.json", strict);
  REQUIRE_MESSAGE(schema, schema.error().message);
  const JsonValue definitions = *schema->root().find("$defs");
  std::size_t at = 0, references = 0;
  while ((at = text->find("\"#/$defs/", at)) != std::string::npos) {
    const std::size_t begin = at + 9, end = text->find('"', begin);
    CHECK(definitions.find(text->substr(begin, end - begin)).has_value());
    at = end;
    ++references;
  }
  CHECK(references > 10);
}
