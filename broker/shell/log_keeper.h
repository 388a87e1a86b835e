// The thread that owns the logs of attempts: appends, reads, followers, removal, in the order
// given.
//
// The loop posts and goes on; what waits is bounded in bytes, and what exceeds the bound is dropped
// and counted (a log), or refused (a read). Answers are made in batches of
// bounded size, one more when the loop has taken one. Thread rule: everything is for the loop's
// thread, but `wake`, which runs on this one. The destructor writes what is at hand and joins.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "broker/core/action.h"
#include "broker/shell/log_reader.h"
#include "broker/shell/log_store.h"

namespace framebus::broker {

struct LogKeeperOptions {
  LogStoreOptions store;
  LogReaderOptions reader;
  std::size_t waiting_bytes_max = limits::log_waiting_bytes_max;  // logs and reads not yet begun
};

class LogKeeper {
 public:
  // What is in the directory already is added up by the thread.
  static Result<std::unique_ptr<LogKeeper>> start(LogKeeperOptions options,
                                                  std::function<void()> wake);
  ~LogKeeper();
  LogKeeper(const LogKeeper&) = delete;
  LogKeeper& operator=(const LogKeeper&) = delete;

  void store(StoreLog&& action);
  void ended(const LogEnded& action);
  // Always answered by a LogData or an ErrorReply, unless the session is forgotten first.
  void read(ReadLog&& action);
  void drop(JobId job);
  // The session is gone, and whatever it waits for.
  void forget(SessionId session);

  // Answers since the last call, for Delivery::send.
  std::vector<std::pair<SessionId, Message>> take();
  LogCounters counters() const;

 private:
  struct Forget {
    SessionId session;
  };
  using Request = std::variant<StoreLog, LogEnded, ReadLog, DropLogs, Forget>;

  LogKeeper(LogKeeperOptions options, LogStore store, std::function<void()> wake);
  void run();
  void post(Request request);
  void carry_out(TimePoint now, Request&& request);
  void publish();
  bool has_room() const { return reply_bytes_ < options_.reader.batch_bytes_max; }

  const LogKeeperOptions options_;
  const std::function<void()> wake_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Request> waiting_;
  std::size_t waiting_bytes_ = 0;
  std::vector<std::pair<SessionId, Message>> replies_;
  std::size_t reply_bytes_ = 0;      // of them
  std::size_t postponed_bytes_ = 0;  // of reads that the reader will answer later
  LogCounters of_store_;             // as the thread last told
  std::uint64_t refused_chunks_ = 0;
  std::uint64_t refused_reads_ = 0;
  bool stopping_ = false;

  // The thread's own.
  LogStore store_;
  LogReader reader_;
  std::optional<TimePoint> complained_at_;
  std::thread thread_;
};

}  // namespace framebus::broker
