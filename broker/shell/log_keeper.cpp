// See log_keeper.h.
#include "broker/shell/log_keeper.h"

#include <utility>

#include "broker/core/bounds.h"
#include "libmsg/base/log.h"
#include "libmsg/schema/wire_error.h"
#include "libmsg/transport/transport.h"

namespace framebus::broker {
namespace {

constexpr std::size_t request_bytes = 128;            // of a request beside its log
constexpr Duration complaint_interval = seconds(60);  // about logs that can not be written

LogName name_of(const TaskRef& task, std::uint64_t epoch, std::uint64_t grant) {
  return {task, epoch, grant};
}

}  // namespace

Result<std::unique_ptr<LogKeeper>> LogKeeper::start(LogKeeperOptions options,
                                                    std::function<void()> wake) {
  FRAMEBUS_ASSIGN(LogStore store, LogStore::open(options.store));
  return std::unique_ptr<LogKeeper>(
      new LogKeeper(std::move(options), std::move(store), std::move(wake)));
}

LogKeeper::LogKeeper(LogKeeperOptions options, LogStore store, std::function<void()> wake)
    : options_(std::move(options)),
      wake_(std::move(wake)),
      store_(std::move(store)),
      reader_(store_, options_.reader),
      thread_([this] { run(); }) {}

LogKeeper::~LogKeeper() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void LogKeeper::store(StoreLog&& action) {
  const std::size_t bytes = action.bytes.size() + request_bytes;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_bytes_ + postponed_bytes_ + bytes > options_.waiting_bytes_max) {
      ++refused_chunks_;
      return;
    }
    waiting_bytes_ += bytes;
    waiting_.emplace_back(std::move(action));
  }
  changed_.notify_all();
}

void LogKeeper::read(ReadLog&& action) {
  {
    const std::lock_guard lock(mutex_);
    const std::size_t behind_bytes = waiting_bytes_ + postponed_bytes_;
    if (behind_bytes + request_bytes <= options_.waiting_bytes_max) {
      waiting_bytes_ += request_bytes;
      waiting_.emplace_back(std::move(action));
      changed_.notify_all();
      return;
    }
    Error refusal = word_refusal(Bound::log_waiting_bytes, options_.waiting_bytes_max,
                                 behind_bytes + request_bytes);
    ++refused_reads_;
    replies_.emplace_back(action.session, error_reply(action.read.request, std::move(refusal)));
  }
  wake_();
}

void LogKeeper::ended(const LogEnded& action) {
  post(action);
}

void LogKeeper::drop(JobId job) {
  post(DropLogs{job});
}

void LogKeeper::forget(SessionId session) {
  post(Forget{session});
}

// Small, and no more of them than the core has attempts, jobs and sessions: never refused.
void LogKeeper::post(Request request) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(request));
  }
  changed_.notify_all();
}

std::vector<std::pair<SessionId, Message>> LogKeeper::take() {
  std::vector<std::pair<SessionId, Message>> replies;
  {
    const std::lock_guard lock(mutex_);
    replies.swap(replies_);
    reply_bytes_ = 0;
  }
  if (!replies.empty()) changed_.notify_all();  // there is room for more
  return replies;
}

LogCounters LogKeeper::counters() const {
  const std::lock_guard lock(mutex_);
  LogCounters counters = of_store_;
  counters.dropped_chunks += refused_chunks_;
  counters.refused_for_queue = refused_chunks_ + refused_reads_;
  return counters;
}

void LogKeeper::run() {
  store_.add_up();
  bool has_more_to_clean = true;
  for (;;) {
    std::deque<Request> batch;
    {
      std::unique_lock lock(mutex_);
      const auto is_due = [this] {
        const bool has_answers = reader_.postponed() > 0 || reader_.reply_bytes() > 0;
        return stopping_ || !waiting_.empty() || (has_answers && has_room());
      };
      if (has_more_to_clean) {
        // Goes on at once, with what came meanwhile.
      } else if (const auto deadline = reader_.next_deadline()) {
        changed_.wait_for(lock, *deadline - now_monotonic(), is_due);
      } else {
        changed_.wait(lock, is_due);
      }
      if (stopping_ && waiting_.empty()) return;
      batch.swap(waiting_);
      waiting_bytes_ = 0;
    }
    const TimePoint now = now_monotonic();
    reader_.go_on();
    for (Request& request : batch) carry_out(now, std::move(request));
    reader_.expire(now);
    has_more_to_clean = store_.clean();
    publish();
  }
}

void LogKeeper::carry_out(TimePoint now, Request&& request) {
  if (const auto* chunk = std::get_if<StoreLog>(&request)) {
    const LogName name = name_of(chunk->task, chunk->epoch, chunk->grant);
    const Status done = store_.append(name, chunk->offset, chunk->bytes);
    if (done) return reader_.stored(name);
    if (complained_at_ && now - *complained_at_ < complaint_interval) return;
    complained_at_ = now;
    log_warning("logs", "an attempt's log could not be stored", {{"error", done.error().message}});
  } else if (const auto* end = std::get_if<LogEnded>(&request)) {
    reader_.ended(name_of(end->task, end->epoch, end->grant));
  } else if (const auto* read = std::get_if<ReadLog>(&request)) {
    reader_.read(now, *read);
  } else if (const auto* drop = std::get_if<DropLogs>(&request)) {
    if (const Status done = store_.remove(drop->job); !done) {
      log_warning("logs", "the logs of a job could not be removed",
                  {{"job", drop->job.value}, {"error", done.error().message}});
    }
  } else {
    reader_.forget(std::get<Forget>(request).session);
  }
}

// Answers that the loop has not the room for stay with the reader, which then makes no more.
void LogKeeper::publish() {
  const LogCounters found = store_.counters();
  bool has_replies = false;
  {
    const std::lock_guard lock(mutex_);
    of_store_ = found;
    postponed_bytes_ = reader_.postponed() * request_bytes;
    if (has_room()) {
      reply_bytes_ += reader_.reply_bytes();
      auto replies = reader_.take();
      has_replies = !replies.empty();
      std::move(replies.begin(), replies.end(), std::back_inserter(replies_));
    }
  }
  if (has_replies) wake_();
}

}  // namespace framebus::broker
