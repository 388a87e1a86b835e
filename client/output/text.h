// Text for terminals: made safe, measured in columns, cut to fit.
//
// Names, errors and logs come from other people's files and machines; printed as they are they
// could move the cursor, recolour the screen or retitle the window.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace framebus::client {

// UTF-8 without control characters (C0, DEL, C1), escape sequences (removed with their parameters),
// bidirectional overrides and zero-width formatting; invalid bytes become U+FFFD. New lines and
// tabs become one space.
std::string one_line(std::string_view text);

// The same for many lines: new lines stay, carriage returns and the rest go.
std::string many_lines(std::string_view text);

// Columns a terminal uses: wide East Asian characters and emoji take 2, combining marks 0. `text`
// is safe text without colours.
std::size_t column_count(std::string_view text);

// At most `columns` wide; what is cut ends in an ellipsis.
std::string clipped(std::string_view text, std::size_t columns);
// Filled with spaces up to `columns`, never cut.
std::string left(std::string_view text, std::size_t columns);
std::string right(std::string_view text, std::size_t columns);

// True for valid UTF-8 (no overlong forms, no surrogates).
bool is_utf8(std::string_view text);

}  // namespace framebus::client
