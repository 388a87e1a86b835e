#include "client/output/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <string_view>

namespace framebus::client {
namespace {

constexpr std::size_t columns_default = 80;

std::string_view variable(const char* const* environment, std::string_view name) {
  for (; environment && *environment; ++environment) {
    const std::string_view entry = *environment;
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=')
      return entry.substr(name.size() + 1);
  }
  return {};
}

bool is_utf8_locale(const char* const* environment) {
  for (const std::string_view name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string_view value = variable(environment, name);
    if (value.empty()) continue;
    return value != "C" && value != "POSIX";
  }
  return true;  // containers and services set none of them; their terminals speak UTF-8
}

}  // namespace

Terminal terminal_of(int descriptor, const char* const* environment) {
  Terminal terminal;
  const std::string_view type = variable(environment, "TERM");
  terminal.is_terminal = isatty(descriptor) == 1;
  terminal.has_unicode = is_utf8_locale(environment) && type != "linux" && type != "dumb";
  if (!terminal.is_terminal) return terminal;
  terminal.has_colour =
      variable(environment, "NO_COLOR").empty() && type != "dumb" && !type.empty();
  terminal.columns = columns_default;
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    terminal.columns = size.ws_col;
  } else {
    const std::string_view text = variable(environment, "COLUMNS");
    std::size_t columns = 0;
    std::from_chars(text.data(), text.data() + text.size(), columns);
    if (columns >= 10 && columns <= 10'000) terminal.columns = columns;
  }
  return terminal;
}

}  // namespace framebus::client
