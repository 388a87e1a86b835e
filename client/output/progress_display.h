// Keeps progress visible: one line redrawn in place on a terminal, now and then a plain line
// elsewhere.
//
// Each redraw is a single write that covers the old line, at most ten times a second and only when
// something changed, so nothing flickers. Thread rule: one thread at a time.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "client/output/progress_line.h"

namespace framebus::client {

class ProgressDisplay {
 public:
  // `descriptor` is written to; `terminal` says what it is and is asked again for each drawing, so
  // that a resized window is followed.
  ProgressDisplay(int descriptor, std::function<Terminal()> terminal);
  ~ProgressDisplay();  // clear()

  void update(TimePoint now, const ProgressSnapshot& snapshot);
  // A line of its own above the progress.
  void say(std::string_view line);
  // Takes the progress line away.
  void clear();

 private:
  void write_out(std::string_view text);

  int descriptor_;
  std::function<Terminal()> terminal_;
  bool is_drawn_ = false;
  std::string drawn_;
  std::optional<TimePoint> last_at_;
  int last_tenth_ = -1;
  std::string last_note_;
};

}  // namespace framebus::client
