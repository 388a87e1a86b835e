// Bytes on the wire and docs/PROTOCOL.md stay what is committed until somebody decides otherwise.
#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <regex>
#include <sstream>

#include "libmsg/codec/codec.h"
#include "tests/golden/message_bytes.h"
#include "tests/golden/protocol_document.h"

namespace {

std::string read_file(const std::string& name) {
  std::ifstream stream(std::string(FRAMEBUS_SOURCE_DIR) + "/" + name);
  REQUIRE_MESSAGE(stream, name << " can not be read");
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

// Names the first line that differs: two long texts side by side help nobody.
void check_equal(const std::string& committed, const std::string& printed,
                 const std::string& how_to_update) {
  if (committed == printed) return;
  std::istringstream a(committed);
  std::istringstream b(printed);
  std::string left;
  std::string right;
  int line = 0;
  bool has_left = true;
  bool has_right = true;
  while (has_left || has_right) {
    has_left = static_cast<bool>(std::getline(a, left));
    has_right = static_cast<bool>(std::getline(b, right));
    ++line;
    if (has_left != has_right || left != right) break;
  }
  FAIL_CHECK("line " << line << " differs\ncommitted: " << (has_left ? left : "(end)")
                     << "\nprinted:   " << (has_right ? right : "(end)")
                     << "\nIf the change is meant: " << how_to_update);
}

}  // namespace

TEST_CASE("golden: the bytes of every message are those that are committed") {
  check_equal(read_file("tests/golden/messages.txt"), framebus::golden::message_bytes(),
              "build/release/tests/golden_messages > tests/golden/messages.txt");
}

TEST_CASE("golden: the committed bytes decode and encode again to themselves") {
  std::istringstream lines(read_file("tests/golden/messages.txt"));
  int message_count = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    std::string name;
    words >> name;
    framebus::WireFrames frames;
    for (std::string hex; words >> hex;) {
      framebus::Bytes part(hex.size() / 2);
      REQUIRE(framebus::from_hex(hex, part.data(), part.size()));
      frames.parts.push_back(std::move(part));
    }
    const std::vector<framebus::BytesView> views(frames.parts.begin(), frames.parts.end());
    const auto decoded = framebus::decode(views, true);
    REQUIRE_MESSAGE(decoded, name << ": " << decoded.error().message);
    CHECK(framebus::name_of(decoded->message) == name);
    CHECK(framebus::encode(decoded->message, true).parts == frames.parts);
    ++message_count;
  }
  CHECK(message_count == static_cast<int>(std::variant_size_v<framebus::Message>));
}

TEST_CASE("golden: docs/PROTOCOL.md is what the schema and docs/protocol.in.md print") {
  const std::string printed = framebus::golden::protocol_document(read_file("docs/protocol.in.md"));
  check_equal(read_file("docs/PROTOCOL.md"), printed,
              "build/release/tests/protocol_doc docs/protocol.in.md > docs/PROTOCOL.md");
  std::istringstream lines(printed);
  for (std::string line; std::getline(lines, line);) {
    CHECK_MESSAGE(!(line.size() > 1 && line.front() == '@' && line.back() == '@'),
                  "the marker " << line << " is not known");
  }
}

TEST_CASE("golden: every bound of limits.h stands in docs/PROTOCOL.md") {
  const std::string header = read_file("libmsg/base/limits.h");
  const std::string table = framebus::golden::limits_table();
  const std::regex constant("inline constexpr std::\\w+ (\\w+) = ");
  int bound_count = 0;
  for (std::sregex_iterator it(header.begin(), header.end(), constant), end; it != end; ++it) {
    const std::string name = (*it)[1];
    if (name == "KiB" || name == "MiB" || name == "GiB") continue;
    CHECK_MESSAGE(table.find("`" + name + "`") != std::string::npos,
                  name << " is missing: add it to limits_table()");
    ++bound_count;
  }
  CHECK(bound_count > 20);
}
