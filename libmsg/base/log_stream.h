// A file descriptor for log lines that is never waited for: what does not fit is dropped and
// counted.
//
// A full pipe whose reader has stopped, or a terminal on hold, must not stop a program that logs.
// Pipes and terminals are opened anew without blocking (so that no other process's descriptor
// changes), sockets are sent to without waiting; plain files are written to as they are. After a
// gap the next line that fits says how many lines are missing. Thread rule: one thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace framebus {

class LogStream {
 public:
  // `fd` stays the caller's and must stay open.
  explicit LogStream(int fd);
  ~LogStream();
  LogStream(const LogStream&) = delete;
  LogStream& operator=(const LogStream&) = delete;

  // One whole line with its line end. `notice`: makes the line that tells of a gap.
  using Notice = std::string (*)(std::uint64_t dropped_lines);
  void write_line(std::string_view line, Notice notice);
  std::uint64_t dropped_lines() const { return dropped_; }

 private:
  enum class Way : std::uint8_t { as_it_is, opened_anew, socket };

  // How much of it went; never waits but for a plain file.
  std::size_t write_some(std::string_view text);
  // False when something of it is still to be written.
  bool put(std::string_view text);

  int fd_;
  Way way_ = Way::as_it_is;
  std::string rest_;  // of a line that went only in part
  std::uint64_t dropped_ = 0;
  std::uint64_t untold_ = 0;
};

}  // namespace framebus
