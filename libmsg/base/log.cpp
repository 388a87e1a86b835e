// The façade's other side: formatting is ours, spdlog does the sink, its lock and the level check.
//
// spdlog keeps one process-wide logger; this file wraps it and nothing else may touch it.
#include "libmsg/base/log.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdio>
#include <memory>
#include <mutex>

#include "libmsg/base/log_stream.h"

namespace framebus {
namespace {

constexpr std::array<std::string_view, 6> level_names = {"trace",   "debug", "info",
                                                         "warning", "error", "off"};

struct Settings {
  std::shared_ptr<spdlog::logger> logger;
  std::string program;
  LogFormat format = LogFormat::text;
};

std::string gap_in_text(std::uint64_t lines) {
  return "-- " + std::to_string(lines) + " log lines are missing: stderr was not read --\n";
}

std::string gap_in_json(std::uint64_t lines) {
  return "{\"level\":\"warning\",\"component\":\"log\",\"text\":\"log lines are missing: stderr "
         "was not read\",\"lines\":" +
         std::to_string(lines) + "}\n";
}

// stderr, never waited for.
class StderrSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit StderrSink(LogFormat format)
      : stream_(STDERR_FILENO), notice_(format == LogFormat::json ? gap_in_json : gap_in_text) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    stream_.write_line({line.data(), line.size()}, notice_);
  }
  void flush_() override {}

  LogStream stream_;
  LogStream::Notice notice_;
};

std::shared_ptr<spdlog::logger> make_logger(LogFormat format) {
  auto logger = std::make_shared<spdlog::logger>("framebus", std::make_shared<StderrSink>(format));
  logger->set_level(spdlog::level::trace);  // the check is made below, before anything is formatted
  logger->set_pattern(format == LogFormat::json ? "{\"time\":\"%Y-%m-%dT%H:%M:%S.%e%z\",%v"
                                                : "%H:%M:%S.%e %v");
  return logger;
}

Settings& settings() {
  static Settings current{make_logger(LogFormat::text), "framebus", LogFormat::text};
  return current;
}

std::atomic<LogLevel> threshold{LogLevel::warning};

// Escapes what could end a line, move a cursor or break a JSON string. Bytes above 0x7f pass:
// UTF-8.
void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", byte);
      out += code;
    } else {
      out += c;
    }
  }
}

bool needs_quotes(std::string_view text) {
  if (text.empty()) return true;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f)
      return true;
  }
  return false;
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text);
  out += '"';
}

}  // namespace

Result<LogLevel> parse_log_level(std::string_view text) {
  if (text == "warn") return LogLevel::warning;
  for (std::size_t i = 0; i < level_names.size(); ++i) {
    if (text == level_names[i]) return static_cast<LogLevel>(i);
  }
  return fail(Code::invalid_argument,
              "log level '" + std::string(text) +
                  "' is not known; use trace, debug, info, warning, error or off");
}

void init_logging(LogLevel level, const std::string& program, LogFormat format) {
  settings() = Settings{make_logger(format), program, format};
  threshold = level;
}

bool log_enabled(LogLevel level) {
  return level >= threshold.load(std::memory_order_relaxed) && level != LogLevel::off;
}

std::string format_log_line(LogFormat format, LogLevel level, std::string_view program,
                            std::string_view component, std::string_view text, LogFacts facts) {
  const std::string_view level_name = level_names[static_cast<std::size_t>(level)];
  std::string line;
  line.reserve(96 + text.size());
  if (format == LogFormat::text) {
    line += level_name;
    line.append(level_name.size() < 8 ? 8 - level_name.size() : 1, ' ');
    line += component;
    line += ": ";
    append_escaped(line, text);
    for (const LogFact& fact : facts) {
      line += ' ';
      line += fact.key;
      line += '=';
      if (fact.quoted && needs_quotes(fact.value)) {
        append_quoted(line, fact.value);
      } else {
        line += fact.value;
      }
    }
    return line;
  }
  // The opening brace and the time come from the sink's pattern.
  const auto member = [&line](std::string_view key, std::string_view value, bool quoted) {
    if (!line.empty()) line += ',';
    append_quoted(line, key);
    line += ':';
    if (quoted) {
      append_quoted(line, value);
    } else {
      line += value;
    }
  };
  member("level", level_name, true);
  member("program", program, true);
  member("component", component, true);
  member("text", text, true);
  for (const LogFact& fact : facts) {
    const bool is_json_number =
        fact.value != "nan" && fact.value != "inf" && fact.value != "-nan" && fact.value != "-inf";
    member(fact.key, fact.value, fact.quoted || !is_json_number);
  }
  line += '}';
  return line;
}

void write_log(LogLevel level, std::string_view component, std::string_view text, LogFacts facts) {
  if (!log_enabled(level)) return;
  const Settings& current = settings();
  const std::string line =
      format_log_line(current.format, level, current.program, component, text, facts);
  current.logger->log(static_cast<spdlog::level::level_enum>(level),
                      spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace framebus
