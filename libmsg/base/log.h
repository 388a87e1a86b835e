// Logging: one line on stderr for each event, with a level, the component that speaks and key
// facts.
//
//   log_info("session", "worker joined", {{"worker", info.host}, {"slots", info.slots}});
//
// prints `10:31:07.204 info  session: worker joined worker=node7 slots=4`, or one JSON object a
// line. Says only what happened: it never decides anything and never logs payloads or secrets.
// Until init_logging() is called only warnings and errors are printed (what a command-line client
// wants). spdlog stays inside log.cpp. Thread rule: everything but init_logging() may be called
// from any thread.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "libmsg/base/result.h"

namespace framebus {

enum class LogLevel : std::uint8_t {
  trace = 0,
  debug = 1,
  info = 2,
  warning = 3,
  error = 4,
  off = 5
};
enum class LogFormat : std::uint8_t { text, json };

// "trace", "debug", "info", "warning" (or "warn"), "error", "off"; else invalid_argument that lists
// them.
Result<LogLevel> parse_log_level(std::string_view text);

// Call once, early in main() and before the first thread is started. `program` is printed in JSON
// lines only. Calling it again (tests) replaces the settings.
void init_logging(LogLevel level, const std::string& program, LogFormat format = LogFormat::text);

// True when a line of this level would be printed: ask before building costly facts.
bool log_enabled(LogLevel level);

// One `key=value`. Keys are words of the program; values may come from a peer (control characters
// are escaped when printed, so that no peer can forge a line or move the terminal's cursor).
struct LogFact {
  LogFact(std::string_view fact_key, std::string_view text)
      : key(fact_key), value(text), quoted(true) {}
  LogFact(std::string_view fact_key, const char* text)
      : LogFact(fact_key, std::string_view(text)) {}
  LogFact(std::string_view fact_key, const std::string& text)
      : LogFact(fact_key, std::string_view(text)) {}
  LogFact(std::string_view fact_key, bool yes) : key(fact_key), value(yes ? "true" : "false") {}
  LogFact(std::string_view fact_key, std::integral auto number)
      : key(fact_key), value(std::to_string(number)) {}
  LogFact(std::string_view fact_key, std::floating_point auto number)
      : key(fact_key), value(std::to_string(number)) {}

  std::string_view key;  // lives as long as the call
  std::string value;
  bool quoted = false;  // a text, as opposed to a number or boolean
};
using LogFacts = std::initializer_list<LogFact>;

// Costs a few nanoseconds when the level is off, some microseconds when it is printed.
void write_log(LogLevel level, std::string_view component, std::string_view text,
               LogFacts facts = {});

inline void log_trace(std::string_view component, std::string_view text, LogFacts facts = {}) {
  write_log(LogLevel::trace, component, text, facts);
}
inline void log_debug(std::string_view component, std::string_view text, LogFacts facts = {}) {
  write_log(LogLevel::debug, component, text, facts);
}
inline void log_info(std::string_view component, std::string_view text, LogFacts facts = {}) {
  write_log(LogLevel::info, component, text, facts);
}
inline void log_warning(std::string_view component, std::string_view text, LogFacts facts = {}) {
  write_log(LogLevel::warning, component, text, facts);
}
inline void log_error(std::string_view component, std::string_view text, LogFacts facts = {}) {
  write_log(LogLevel::error, component, text, facts);
}

// The line as it is printed, without time and line end: for tests and for the crash dump.
std::string format_log_line(LogFormat format, LogLevel level, std::string_view program,
                            std::string_view component, std::string_view text, LogFacts facts);

}  // namespace framebus
