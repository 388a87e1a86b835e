// What the pages show works: every job file in a ```json block is taken by the parser of job files,
// every command in a ``` block by the parser of the program it names. Scenes and surroundings that
// a job names are stood in for by a triangle and two pixels.
#include <doctest/doctest.h>

#include <filesystem>
#include <regex>
#include <sstream>

#include "broker/shell/config.h"
#include "broker/shell/data_commands.h"
#include "client/commands/arguments.h"
#include "client/commands/client_config.h"
#include "client/jobfile/jobfile.h"
#include "libmsg/base/json_text.h"
#include "tests/client/jobfile/scene_folder.h"
#include "worker/shell/config.h"

using namespace framebus;
namespace fs = std::filesystem;

namespace {

const fs::path root = FRAMEBUS_SOURCE_DIR;

struct Block {
  std::string page;      // relative to the root
  std::string language;  // after the backticks, may be empty
  std::string text;
};

std::vector<fs::path> pages() {
  std::vector<fs::path> found{root / "README.md"};
  for (const char* folder : {"docs", "examples"})
    for (const auto& entry : fs::recursive_directory_iterator(root / folder))
      if (entry.path().extension() == ".md") found.push_back(entry.path());
  return found;
}

std::vector<Block> blocks() {
  std::vector<Block> found;
  for (const fs::path& page : pages()) {
    const auto text = read_text_file(page, 16u << 20);
    REQUIRE_MESSAGE(text, text.error().message);
    std::istringstream lines(*text);
    Block block;
    bool is_inside = false;
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("```")) {
        if (is_inside) block.text += line + "\n";
        continue;
      }
      if (is_inside) found.push_back(block);
      block = {fs::relative(page, root).string(), line.substr(3), {}};
      is_inside = !is_inside;
    }
    CHECK_MESSAGE(!is_inside, page.string() << ": a block is not closed");
  }
  return found;
}

bool is_job_file(const Block& block) {
  if (block.language != "json") return false;
  const auto document = JsonDocument::parse(block.text, block.page, JsonLimits{});
  REQUIRE_MESSAGE(document, document.error().message);
  return document->root().is(JsonKind::object) &&
         (document->root().find("type") || document->root().find("steps"));
}

std::vector<std::string> values_of(const std::string& text, const std::string& pattern) {
  const std::regex expression(pattern);
  std::vector<std::string> values;
  for (std::sregex_iterator at(text.begin(), text.end(), expression), end; at != end; ++at)
    values.push_back((*at)[1]);
  return values;
}

// Puts a file where the job expects one.
void stand_in(const SceneFolder& folder, const std::string& job) {
  for (const std::string& scene : values_of(job, "\"scene\": *\"([^\"]+)\"")) {
    folder.write(scene, SceneFolder::gltf());
    const fs::path buffer = (folder.path() / scene).parent_path() / "triangle.bin";
    if (!fs::exists(buffer)) fs::copy_file(folder.path() / "triangle.bin", buffer);
  }
  const std::string picture = "#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1 +X 2\n" +
                              std::string("\x80\x80\x80\x81", 4) +
                              std::string("\x80\x80\x80\x81", 4);
  for (const std::string& name : values_of(job, "\"file\": *\"([^\"]+\\.hdr)\""))
    folder.write(name, picture);
}

struct ShownCommand {
  std::string page;
  std::vector<std::string> words;
};

// The commands of Framebus in blocks of shell: up to a comment, a pipe, a redirection or "&".
std::vector<ShownCommand> commands() {
  std::vector<ShownCommand> found;
  for (const Block& block : blocks()) {
    if (!block.language.empty() && block.language != "sh") continue;
    std::istringstream lines(block.text);
    for (std::string line; std::getline(lines, line);) {
      ShownCommand command{block.page, {}};
      std::istringstream words(line);
      for (std::string word; words >> word;) {
        if (word.starts_with('#') || word.starts_with('|') || word.starts_with('>') || word == "&")
          break;
        const bool is_variable = command.words.empty() && word.find('=') != std::string::npos;
        if (!is_variable && !(command.words.empty() && word == "$")) command.words.push_back(word);
      }
      if (!command.words.empty() && command.words[0].starts_with("framebus"))
        found.push_back(command);
    }
  }
  return found;
}

Status taken(const ShownCommand& command) {
  std::vector<const char*> words;
  for (const std::string& word : command.words) words.push_back(word.c_str());
  const int count = static_cast<int>(words.size());
  const std::string& program = command.words[0];
  if (program == "framebus") {
    FRAMEBUS_TRY(client::parse_arguments(count, words.data()));
    return {};
  }
  if (program == "framebus-broker") {
    // `journal verify` and its like: with --help their words and flags are checked, nothing is done.
    std::vector<const char*> asking = words;
    asking.push_back("--help");
    if (const auto code = broker::run_data_command(count + 1, asking.data(), nullptr)) {
      if (*code == 0) return {};
      return fail(Code::invalid_argument, "ends with " + std::to_string(*code));
    }
    broker::BrokerConfig config;
    FRAMEBUS_TRY(load_config(broker::broker_config_table(), count, words.data(), nullptr, config));
    return {};
  }
  if (program == "framebus-worker") {
    worker::WorkerConfig config;
    FRAMEBUS_TRY(load_config(worker::worker_config_table(), count, words.data(), nullptr, config));
    return {};
  }
  return fail(Code::invalid_argument, "there is no program " + program);
}

}  // namespace

TEST_CASE("documents: every job file they show is taken") {
  std::size_t count = 0;
  for (const Block& block : blocks()) {
    if (!is_job_file(block)) continue;
    ++count;
    CAPTURE(block.page);
    CAPTURE(block.text);
    const SceneFolder folder;
    stand_in(folder, block.text);
    const auto job = client::load_job_text(block.text, block.page, folder.path());
    CHECK_MESSAGE(job, job.error().message);
  }
  CHECK(count >= 4);
}

TEST_CASE("documents: every command they show is one") {
  const std::vector<ShownCommand> found = commands();
  CHECK(found.size() >= 10);
  for (const ShownCommand& command : found) {
    std::string line;
    for (const std::string& word : command.words) line += word + " ";
    CAPTURE(command.page);
    CAPTURE(line);
    const Status status = taken(command);
    CHECK_MESSAGE(status, status.error().message);
  }
}

TEST_CASE("documents: the index of decisions names each of them") {
  const auto index = read_text_file(root / "docs/decisions/README.md", 1u << 20);
  REQUIRE(index);
  for (const auto& entry : fs::directory_iterator(root / "docs/decisions")) {
    const std::string name = entry.path().filename().string();
    if (name == "README.md") continue;
    CAPTURE(name);
    CHECK(index->find("(" + name + ")") != std::string::npos);
  }
}

TEST_CASE("documents: files that README and docs link to exist") {
  std::size_t count = 0;
  for (const fs::path& page : pages()) {
    const auto text = read_text_file(page, 16u << 20);
    REQUIRE(text);
    for (const std::string& target : values_of(*text, "\\]\\(([^)#]+)[^)]*\\)")) {
      if (target.find("://") != std::string::npos) continue;
      CAPTURE(page.string());
      CAPTURE(target);
      CHECK(fs::exists(page.parent_path() / target));
      ++count;
    }
  }
  CHECK(count > 10);
}
