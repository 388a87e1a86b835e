// Pieces of logs as lines for people: made safe, told apart by their task, gaps in one line.
//
// A line is shown when it is whole: an escape sequence or a character that a piece cuts in two can
// not slip through. Pure; one thread.
#pragma once

#include <map>
#include <string>

#include "client/output/report.h"

namespace framebus::client {

class LogText {
 public:
  // `has_prefix`: every line begins with its task, "3:17 | ".
  explicit LogText(bool has_prefix) : has_prefix_(has_prefix) {}

  // Whole lines, each ending in '\n'.
  std::string add(const LogPiece& piece);
  // What is left of a task's log when nothing more comes.
  std::string end(TaskRef task);

 private:
  struct Open {
    std::uint64_t epoch = 0, grant = 0;
    std::string rest;  // begins a line
  };
  std::string line_of(TaskRef task, std::string_view line) const;
  std::string take_rest(TaskRef task, Open& open) const;

  bool has_prefix_;
  std::map<TaskRef, Open> open_;
};

}  // namespace framebus::client
