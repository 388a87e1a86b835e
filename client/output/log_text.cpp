#include "client/output/log_text.h"

#include "client/output/text.h"
#include "client/output/units.h"
#include "libmsg/base/bytes.h"

namespace framebus::client {
namespace {

constexpr std::size_t line_bytes_max = 64 * 1024;  // longer ones are shown in pieces

}  // namespace

std::string LogText::line_of(TaskRef task, std::string_view line) const {
  return (has_prefix_ ? to_string(task) + " | " : std::string()) + many_lines(line) + "\n";
}

std::string LogText::take_rest(TaskRef task, Open& open) const {
  if (open.rest.empty()) return {};
  const std::string out = line_of(task, open.rest);
  open.rest.clear();
  return out;
}

std::string LogText::add(const LogPiece& piece) {
  Open& open = open_[piece.task];
  std::string out;
  const bool is_first = open.grant == 0;
  if (open.grant != piece.grant || open.epoch != piece.epoch) {
    out += take_rest(piece.task, open);
    open.epoch = piece.epoch;
    open.grant = piece.grant;
    if (!is_first) out += line_of(piece.task, "[next attempt]");
  }
  if (piece.gap_bytes > 0) {
    out += take_rest(piece.task, open);
    out += line_of(piece.task, "[" + size_text(piece.gap_bytes) + " of the log were not kept]");
  }
  open.rest += text_of(piece.bytes);
  std::size_t at = 0;
  for (std::size_t end = open.rest.find('\n'); end != std::string::npos;
       end = open.rest.find('\n', at)) {
    out += line_of(piece.task, std::string_view(open.rest).substr(at, end - at));
    at = end + 1;
  }
  open.rest.erase(0, at);
  if (open.rest.size() > line_bytes_max) out += take_rest(piece.task, open);
  return out;
}

std::string LogText::end(TaskRef task) {
  const auto entry = open_.find(task);
  if (entry == open_.end()) return {};
  const std::string out = take_rest(task, entry->second);
  open_.erase(entry);
  return out;
}

}  // namespace framebus::client
