// docs/RELIABILITY.md says where each thing is tested: every test that it names exists. A name is
// the beginning of a test case, `ctest -L LABEL`, a test program, or a filter after -tc= or
// --test-case=.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>

#include "libmsg/base/json_text.h"

using namespace framebus;
namespace fs = std::filesystem;

namespace {

const fs::path root = FRAMEBUS_SOURCE_DIR;

std::string text_of_file(const fs::path& path) {
  const auto text = read_text_file(path, 16u << 20);
  REQUIRE_MESSAGE(text, text.error().message);
  return *text;
}

// What stands between two texts, everywhere.
std::vector<std::string> between(const std::string& text, const std::string& begin,
                                 const std::string& end) {
  std::vector<std::string> found;
  std::size_t at = 0;
  while ((at = text.find(begin, at)) != std::string::npos) {
    at += begin.size();
    const std::size_t stop = text.find(end, at);
    if (stop == std::string::npos) break;
    found.push_back(text.substr(at, stop - at));
    at = stop + end.size();
  }
  return found;
}

struct Tests {
  std::set<std::string> cases;     // of doctest, as they are named in the sources
  std::set<std::string> programs;  // that CMake makes
  std::string build_texts;         // every CMakeLists.txt of the tests
};

Tests read_tests() {
  Tests tests;
  for (const auto& entry : fs::recursive_directory_iterator(root / "tests")) {
    const fs::path path = entry.path();
    if (path.filename() == "CMakeLists.txt" || path.extension() == ".cmake")
      tests.build_texts += text_of_file(path);
    if (path.extension() != ".cpp") continue;
    for (const std::string& head : between(text_of_file(path), "TEST_CASE(", "{")) {
      const std::vector<std::string> names = between(head, "\"", "\"");
      if (!names.empty()) tests.cases.insert(names.front());
    }
  }
  for (const std::string& words : between(tests.build_texts, "framebus_test(", ")")) {
    std::istringstream stream(words);
    std::string name;
    stream >> name;
    tests.programs.insert(name);
  }
  return tests;
}

bool is_case(const Tests& tests, const std::string& beginning) {
  return std::any_of(tests.cases.begin(), tests.cases.end(), [&](const std::string& name) {
    return !beginning.empty() && name.starts_with(beginning);
  });
}

// Of the table whose last column is "test": the texts in backticks of that column.
std::vector<std::string> names_in_table(const std::string& page) {
  std::vector<std::string> names;
  std::istringstream lines(page);
  bool is_inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with("| test |")) is_inside = true;
    if (!line.starts_with("|")) is_inside = false;
    if (!is_inside || line.size() < 2) continue;
    const std::size_t column = line.rfind('|', line.size() - 2);
    for (const std::string& name : between(line.substr(column), "`", "`")) names.push_back(name);
  }
  return names;
}

}  // namespace

TEST_CASE("reliability page: the tests named in the table of reference cases exist") {
  const Tests tests = read_tests();
  REQUIRE(tests.cases.size() > 500);
  const std::vector<std::string> names = names_in_table(text_of_file(root / "docs/RELIABILITY.md"));
  CHECK(names.size() >= 30);
  for (const std::string& name : names) {
    CAPTURE(name);
    if (name.starts_with("ctest -L ")) {
      // A label stands in a list, or alone before the next argument.
      const std::string label = name.substr(9);
      const auto has = [&](const std::string& text) {
        return tests.build_texts.find(text) != std::string::npos;
      };
      CHECK((has("LABELS " + label) || has("LABELS \"" + label)));
      continue;
    }
    CHECK(is_case(tests, name));
  }
}

TEST_CASE("reliability page: every row of the reference table names a test") {
  std::istringstream lines(text_of_file(root / "docs/RELIABILITY.md"));
  std::size_t rows = 0;
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| W")) continue;
    CAPTURE(line);
    ++rows;
    CHECK(names_in_table("| test |\n" + line).size() >= 1);
  }
  CHECK(rows >= 20);
}

TEST_CASE("reliability page: the test programs and filters it names exist") {
  const Tests tests = read_tests();
  const std::string page = text_of_file(root / "docs/RELIABILITY.md");
  std::size_t count = 0;
  for (const std::string& code : between(page, "`", "`")) {
    CAPTURE(code);
    std::istringstream words(code);
    for (std::string word; words >> word;) {
      const std::string name = word.substr(word.rfind('/') + 1);
      if (!name.ends_with("_test")) continue;
      CHECK(tests.programs.contains(name));
      ++count;
    }
    for (const char* const flag : {"-tc=\"", "--test-case=\""}) {
      for (const std::string& filter : between(code, flag, "\"")) {
        CHECK(filter.ends_with('*'));
        CHECK(is_case(tests, filter.substr(0, filter.size() - 1)));
        ++count;
      }
    }
  }
  CHECK(count >= 5);
}
