// The log line: what people and programs read, and what a peer's text can not do to it.
#include "libmsg/base/log.h"

#include <doctest/doctest.h>

using namespace framebus;

namespace {
std::string text_line(std::string_view text, LogFacts facts) {
  return format_log_line(LogFormat::text, LogLevel::info, "prog", "session", text, facts);
}
std::string json_line(std::string_view text, LogFacts facts) {
  return format_log_line(LogFormat::json, LogLevel::warning, "prog", "session", text, facts);
}
}  // namespace

TEST_CASE("log: a text line has level, component, text and facts") {
  CHECK(text_line("worker joined", {{"worker", "node7"}, {"slots", 4}, {"late", true}}) ==
        "info    session: worker joined worker=node7 slots=4 late=true");
  CHECK(text_line("x", {{"reason", "two words"}, {"empty", ""}, {"path", "a=b"}}) ==
        "info    session: x reason=\"two words\" empty=\"\" path=\"a=b\"");
}

TEST_CASE("log: text from a peer can not forge a line or move the cursor") {
  CHECK(text_line("a\nerror   fake: b", {{"k", "\x1b[2J\r\n"}}) ==
        "info    session: a\\nerror   fake: b k=\"\\u001b[2J\\u000d\\n\"");
}

TEST_CASE("log: a JSON line quotes texts, not numbers and booleans") {
  // The opening brace and the time are the sink's.
  CHECK(json_line("say \"hi\"", {{"slots", 4u}, {"late", false}, {"who", "a\\b"}}) ==
        "\"level\":\"warning\",\"program\":\"prog\",\"component\":\"session\",\"text\":\"say "
        "\\\"hi\\\"\",\"slots\":4,"
        "\"late\":false,\"who\":\"a\\\\b\"}");
}

TEST_CASE("log: levels parse by name, anything else lists them") {
  CHECK(parse_log_level("warn").value() == LogLevel::warning);
  CHECK(parse_log_level("debug").value() == LogLevel::debug);
  const auto wrong = parse_log_level("loud");
  REQUIRE_FALSE(wrong);
  CHECK(wrong.error().message.find("trace, debug, info, warning, error or off") !=
        std::string::npos);
}

TEST_CASE("log: quiet until asked: info is off by default, off prints nothing") {
  CHECK_FALSE(log_enabled(LogLevel::info));
  CHECK(log_enabled(LogLevel::warning));
  init_logging(LogLevel::off, "prog");
  CHECK_FALSE(log_enabled(LogLevel::error));
  init_logging(LogLevel::debug, "prog");
  CHECK(log_enabled(LogLevel::debug));
  CHECK_FALSE(log_enabled(LogLevel::trace));
  init_logging(LogLevel::warning, "prog");
}
