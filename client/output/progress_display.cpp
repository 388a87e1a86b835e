#include "client/output/progress_display.h"

#include <unistd.h>

#include <cerrno>
#include <utility>

namespace framebus::client {
namespace {

constexpr Duration redraw_every = milliseconds(100);
constexpr Duration sentence_every = seconds(30);
constexpr Duration sentence_gap = seconds(1);
constexpr Duration sentence_from = seconds(1);  // a job that is over sooner needs none
constexpr std::string_view erase_line = "\r\x1b[K";

}  // namespace

ProgressDisplay::ProgressDisplay(int descriptor, std::function<Terminal()> terminal)
    : descriptor_(descriptor), terminal_(std::move(terminal)) {}

ProgressDisplay::~ProgressDisplay() {
  clear();
}

void ProgressDisplay::write_out(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // nobody looks any more; the work goes on
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

void ProgressDisplay::update(TimePoint now, const ProgressSnapshot& snapshot) {
  const Terminal terminal = terminal_();
  if (terminal.is_terminal) {
    if (last_at_ && now - *last_at_ < redraw_every) return;
    std::string line = progress_line(snapshot, terminal);
    if (is_drawn_ && line == drawn_) return;
    last_at_ = now;
    // Drawn over the old line and only then cut: the eye never sees an empty line.
    write_out("\r" + line + "\x1b[K");
    drawn_ = std::move(line);
    is_drawn_ = true;
    return;
  }
  const int tenth = static_cast<int>(snapshot.fraction * 10);
  if (!last_at_ && snapshot.elapsed < sentence_from) return;
  const bool is_due = !last_at_ || (tenth != last_tenth_ && now - *last_at_ >= sentence_gap) ||
                      (snapshot.note != last_note_ && now - *last_at_ >= sentence_gap) ||
                      now - *last_at_ >= sentence_every;
  if (!is_due) return;
  last_at_ = now;
  last_tenth_ = tenth;
  last_note_ = snapshot.note;
  write_out(progress_sentence(snapshot) + "\n");
}

void ProgressDisplay::say(std::string_view line) {
  std::string out;
  if (is_drawn_) out += erase_line;
  out.append(line);
  out += '\n';
  if (is_drawn_) out += drawn_;
  write_out(out);
}

void ProgressDisplay::clear() {
  if (!std::exchange(is_drawn_, false)) return;
  write_out(erase_line);
  drawn_.clear();
  last_at_.reset();  // the next update draws at once
}

}  // namespace framebus::client
