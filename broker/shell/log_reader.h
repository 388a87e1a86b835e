// Answers LogRead: at once when there is something to read, and for a follower once there is.
//
// A follower of an open attempt is parked until bytes come, the attempt ends, or two seconds are
// over (then it gets an empty piece and asks again). When too many wait, nobody is refused: they
// are answered at once instead. What one batch of answers may take of memory is bounded: the rest
// is answered by go_on(), as read again then. Time comes from outside. Thread rule: one thread
// (that of LogKeeper).
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "broker/core/action.h"
#include "broker/shell/log_store.h"
#include "libmsg/base/limits.h"
#include "libmsg/base/time.h"

namespace framebus::broker {

struct LogReaderOptions {
  Duration follow_max = seconds(2);
  std::size_t parked_max = 4'096;
  std::size_t parked_of_session_max = 64;
  std::size_t batch_bytes_max =
      8 * limits::MiB;  // of answers between two take(); one more may come
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

  // Answers since the last call, in the order of their reads as far as these were not parked.
  std::vector<std::pair<SessionId, Message>> take();
  std::size_t reply_bytes() const { return reply_bytes_; }
  // Answers that did not fit into their batch: as many as fit into this one.
  void go_on();
  std::size_t postponed() const { return postponed_.size(); }

 private:
  struct Parked {
    ReadLog action;
    TimePoint deadline;
  };
  // By task, so that a reader of a task that was never granted wakes with its first attempt.
  using ParkedReaders = std::multimap<TaskRef, Parked>;

  // False when a follower had better wait.
  bool answer(const ReadLog& action, bool even_if_empty);
  void reply(SessionId session, Message message, std::size_t bytes);
  bool is_full() const { return reply_bytes_ >= options_.batch_bytes_max; }

  void release(ParkedReaders::iterator parked);

  LogStore& store_;
  LogReaderOptions options_;
  ParkedReaders parked_;
  std::map<SessionId, std::size_t> parked_of_;
  std::vector<std::pair<SessionId, Message>> replies_;
  std::size_t reply_bytes_ = 0;
  std::deque<ReadLog> postponed_;  // without their bytes: small, and no more than were asked
};

}  // namespace framebus::broker
