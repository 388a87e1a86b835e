// What can be written to: a terminal with a width and colours, or a file or pipe.
#pragma once

#include <cstddef>

namespace framebus::client {

struct Terminal {
  bool is_terminal = false;
  bool has_colour = false;  // not when NO_COLOR is set and not empty, nor on TERM=dumb
  bool has_unicode =
      true;  // blocks and ticks; false in a C or POSIX locale and on TERM=linux or dumb
  std::size_t columns = 0;  // 0: unlimited (not a terminal)
};

// Asks the system about a descriptor and looks at NO_COLOR, TERM, LC_ALL, LC_CTYPE, LANG and
// COLUMNS in `environment` (entries NAME=VALUE, ending in nullptr).
Terminal terminal_of(int descriptor, const char* const* environment);

}  // namespace framebus::client
