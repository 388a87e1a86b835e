// Answers LogRead: at once when there is something to read, and for a follower once there is.
//
// A follower of an open attempt is parked until bytes come, the attempt ends, or two seconds are
// over (then it gets an empty piece and asks again). When too many wait, nobody is refused: they
// are answered at once instead. Time comes from outside. Thread rule: one thread (that of
// LogKeeper).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "broker/core/action.h"
#include "broker/shell/log_store.h"
#include "libmsg/base/time.h"

namespace framebus::broker {

struct LogReaderOptions {
  Duration follow_max = seconds(2);
  std::size_t parked_max = 4'096;
  std::size_t parked_of_session_max = 64;
};

class LogReader {
 public:
  LogReader(LogStore& store, LogReaderOptions options) : store_(store), options_(options) {}

  void read(TimePoint now, const ReadLog& action);
  // Something was appended to this log.
  void stored(const LogName& name);
  // This attempt is over: what it has is all there will be.
  void ended(const LogName& name);
  void forget(SessionId session);
  void expire(TimePoint now);
  // When expire() has something to do next.
  std::optional<TimePoint> next_deadline() const;
  std::size_t parked() const { return parked_.size(); }

  std::vector<std::pair<SessionId, Message>> take() { return std::exchange(replies_, {}); }

 private:
  struct Parked {
    ReadLog action;
    TimePoint deadline;
  };
  // By task, so that a reader of a task that was never granted wakes with its first attempt.
  using ParkedReaders = std::multimap<TaskRef, Parked>;

  // False when a follower had better wait.
  bool answer(const ReadLog& action, bool even_if_empty);

  void release(ParkedReaders::iterator parked);

  LogStore& store_;
  LogReaderOptions options_;
  ParkedReaders parked_;
  std::map<SessionId, std::size_t> parked_of_;
  std::vector<std::pair<SessionId, Message>> replies_;
};

}  // namespace framebus::broker
