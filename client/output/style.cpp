#include "client/output/style.h"

namespace framebus::client {
namespace {

std::string_view sequence_of(Style style) {
  switch (style) {
    case Style::plain:
      return "";
    case Style::bold:
      return "\x1b[1m";
    case Style::dim:
      return "\x1b[2m";
    case Style::waiting:
      return "\x1b[34m";
    case Style::running:
      return "\x1b[33m";
    case Style::done:
      return "\x1b[32m";
    case Style::failed:
      return "\x1b[31m";
    case Style::held:
      return "\x1b[35m";
  }
  return "";
}

}  // namespace

std::string painted(std::string_view text, Style style, bool has_colour) {
  if (!has_colour || style == Style::plain || text.empty()) return std::string(text);
  return std::string(sequence_of(style)) + std::string(text) + "\x1b[0m";
}

}  // namespace framebus::client
