// Colours with a meaning: waiting blue, running yellow, done green, failed red, held purple.
#pragma once

#include <string>
#include <string_view>

namespace framebus::client {

enum class Style { plain, bold, dim, waiting, running, done, failed, held };

// `text` between the escape sequences of a style; as it is when `has_colour` is false or the style
// plain.
std::string painted(std::string_view text, Style style, bool has_colour);

}  // namespace framebus::client
