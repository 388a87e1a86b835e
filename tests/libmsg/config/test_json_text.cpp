// The JSON reader: what it accepts, how it refuses, and what a refusal costs.
#include <doctest/doctest.h>

#include <chrono>

#include "libmsg/base/json_text.h"
#include "tests/sanitized.h"

using namespace framebus;

namespace {

std::string error_of(std::string text, const JsonLimits& limits = {}) {
  const auto document = JsonDocument::parse(std::move(text), "x.json", limits);
  REQUIRE_FALSE(document);
  CHECK(document.error().code == Code::invalid_argument);
  return document.error().message;
}

JsonDocument parsed(std::string text) {
  auto document = JsonDocument::parse(std::move(text), "x.json");
  REQUIRE_MESSAGE(document, document.error().message);
  return std::move(*document);
}

}  // namespace

TEST_CASE("json: values, escapes and comments are read") {
  const JsonDocument document = parsed(
      "\xEF\xBB\xBF// head\n{ \"a\": [1, -2.5e3, true, null], /* x */ \"b\\n\": "
      "\"\\u00e9\\ud83d\\ude00\\/\" }");
  const JsonValue root = document.root();
  REQUIRE(root.size() == 2);
  const auto items = root.find("a")->items();
  CHECK(items[0].integer() == 1);
  CHECK(items[1].number() == -2500.0);
  CHECK(items[1].integer() == -2500);
  CHECK(items[2].boolean());
  CHECK(items[3].is(JsonKind::null));
  CHECK(root.find("b\n")->string() == "\xC3\xA9\xF0\x9F\x98\x80/");
  CHECK_FALSE(root.find("c"));
}

TEST_CASE("json: integers are recognised as far as they are exact") {
  const JsonDocument document =
      parsed("[9223372036854775807, 9223372036854775808, 1e9, 1.5, 16.0, 1e300]");
  const auto items = document.root().items();
  CHECK(items[0].integer() == INT64_MAX);
  CHECK_FALSE(items[1].integer());
  CHECK(items[2].integer() == 1000000000);
  CHECK_FALSE(items[3].integer());
  CHECK(items[4].integer() == 16);
  CHECK_FALSE(items[5].integer());
}

TEST_CASE("json: syntax errors name line, column and what is wrong") {
  CHECK(error_of("") == "x.json:1:1: the file is empty; a JSON object is expected");
  CHECK(error_of("{\n \"a\" 1}") == "x.json:2:6: expected ':' after the key, found '1'");
  CHECK(error_of("{\"a\": tru}") == "x.json:1:7: expected a JSON value, found 'tru'");
  CHECK(error_of("{\"a\": NaN}") ==
        "x.json:1:7: expected a JSON value, found 'NaN'; JSON has finite numbers only");
  CHECK(error_of("{'a': 1}") == "x.json:1:2: expected a key in double quotes or '}', found '''");
  CHECK(error_of("[1,]") == "x.json:1:4: a comma before ']' is not allowed in JSON: remove it");
  CHECK(error_of("[1 2]") ==
        "x.json:1:4: expected ',' or ']' after an element of the array, found '2'");
  CHECK(error_of("[01]") == "x.json:1:2: expected a number, found '01'");
  CHECK(error_of("[1.]") == "x.json:1:2: expected a number, found '1.'");
  CHECK(error_of("[1e999]") == "x.json:1:2: the number '1e999' does not fit a 64-bit float");
  CHECK(error_of("[\"a\n\"]") ==
        "x.json:1:2: the string that starts here has no closing quote on its line");
  CHECK(error_of("[\"a") == "x.json:1:2: the string that starts here has no closing quote");
  CHECK(error_of("[\"\xC3\xA9\xC3\xA9\", \"\xFF\"]") ==
        "x.json:1:9: byte 255 is not valid UTF-8; save the file as UTF-8");
  CHECK(error_of("[\"\\ud800\"]") == "x.json:1:3: \\u escape with half of a surrogate pair");
  CHECK(error_of("[\"\\x\"]").find("x.json:1:3: unknown escape") == 0);
  CHECK(error_of("[] x") ==
        "x.json:1:4: expected the end of the file after the JSON value, found 'x'");
  CHECK(error_of("[/* 1]") == "x.json:1:2: the comment that starts here has no end (*/)");
  CHECK(error_of("{\"a\": 1, \"\\u0061\": 2}") ==
        "x.json:1:10: the key \"a\" is there twice; first in line 1");
}

TEST_CASE("json: every cut of a good text is refused and never read past its end") {
  const std::string text = R"({"a": [1.5e3, "\u00e9\n", {"b": null}], "c": false})";
  REQUIRE(JsonDocument::parse(text, "x"));
  for (std::size_t size = 0; size < text.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(JsonDocument::parse(text.substr(0, size), "x"));
  }
}

TEST_CASE("json: 64 MiB of opening brackets are refused at the 33rd, at once") {
  std::string bomb(64u << 20, '[');
  const auto start = std::chrono::steady_clock::now();
  CHECK(error_of(std::move(bomb)) == "x.json:1:33: nested deeper than 32 levels");
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::milliseconds(100) * testing::patience);
}

TEST_CASE("json: limits on bytes, values and comments") {
  JsonLimits limits;
  limits.bytes_max = 4;
  CHECK(error_of("[1,2]", limits) == "x.json: 5 bytes; at most 4 are allowed");
  limits = {};
  limits.values_max = 3;
  CHECK(error_of("[1,2,3]", limits) == "x.json:1:6: more than 3 values in one file");
  limits = {};
  limits.comments = false;
  CHECK(error_of("[1 // x\n]", limits) == "x.json:1:4: comments are not allowed here");
}

TEST_CASE("json: where() names position and pointer of any value") {
  const JsonDocument document = parsed("{\"tasks\": [{},\n {\"a/b~\": [7, {\"x\": 8}]}]}");
  const JsonValue deep =
      *document.root().find("tasks")->items()[1].find("a/b~")->items()[1].find("x");
  CHECK(document.where(deep) == "x.json:2:21: /tasks/1/a~1b~0/1/x");
  CHECK(document.where(document.root()) == "x.json:1:1");
}

TEST_CASE("json: canonical text sorts keys and drops white space, and reads back") {
  const JsonDocument document = parsed("{ \"b\" : [1.50, \"x\\ty\"], // c\n \"a\": {} }");
  const std::string canonical = canonical_json(document.root());
  CHECK(canonical == R"({"a":{},"b":[1.50,"x\ty"]})");
  CHECK(canonical_json(parsed(canonical).root()) == canonical);
}
