// The inside of Primary: its threads and the table of continuations. Private to client/lib.
//
// Threads: the I/O thread owns the Session and the socket and runs continuations (internal, short,
// never users' code); the callback thread runs users' callbacks; transfer threads move blobs. They
// talk by queues; no lock is held while anything of another part is called.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "client/lib/callback_queue.h"
#include "client/lib/primary.h"
#include "client/lib/session.h"
#include "client/lib/transfers.h"
#include "client/lib/worker_roster.h"
#include "libmsg/transport/transport.h"

namespace framebus::client {

// A user's callback about workers. The number tells it from the ones set before and after it.
struct WorkerCallback {
  std::function<void(const WorkerSummary&)> function;
  std::uint64_t number = 0;
  std::uint64_t unset_upto = 0;  // none up to this number may begin any more
};

struct WorkerCallbacks {
  WorkerCallback joined, left;
};

class PrimaryImpl : public std::enable_shared_from_this<PrimaryImpl> {
 public:
  // Receives an answer on the I/O thread (or the caller's, after shutdown).
  using Continuation = std::function<void(Result<Message>)>;

  explicit PrimaryImpl(PrimaryOptions options);
  void start();  // needs shared_from_this, so not in the constructor
  void shutdown();

  void request(Message message, Duration deadline, Continuation done);
  std::uint64_t watch(WatchOptions options, std::function<void(const Event&)> on_event,
                      std::function<void(const Error&)> on_end);
  void unwatch(std::uint64_t id);
  void query_pages(Query query, Duration deadline, std::function<void(Result<QueryReply>)> done);

  // `on_answers` runs on the I/O thread for each piece of the answer, before `done`.
  using OnAnswers = std::function<void(const std::vector<CommandAnswer>&)>;
  void command(Command command, Duration deadline, const Cancel& cancel, OnAnswers on_answers,
               std::function<void(Result<CommandDone>)> done);
  // Runs `function` on the I/O thread after so long; at once when shutdown comes first.
  void after(Duration wait, std::function<void()> function);

  using OnWorker = std::function<void(const WorkerSummary&)>;
  void set_on_worker(WorkerCallback WorkerCallbacks::*which, OnWorker callback);
  void set_on_result(std::function<void(const TaskSummary&)> callback);
  // Tells on_result of the job's tasks, when it is set.
  void follow_results(JobId job);

  CallbackQueue& callbacks() { return callbacks_; }
  Transfers& transfers() { return transfers_; }
  Duration deadline_or_default(Duration deadline) const {
    return deadline > Duration::zero() ? deadline : options_.deadline;
  }
  bool is_connected() const { return is_connected_; }

 private:
  struct Watcher {
    std::function<void(const Event&)> on_event;
    std::function<void(const Error&)> on_end;
    std::atomic<bool> is_over{false};
  };
  using Call = std::function<void(TimePoint, Effects&)>;

  // False after the I/O thread has ended: the call was not taken.
  bool post(Call call);
  void run();
  bool run_calls(TimePoint now, Effects& out);
  void run_timers(TimePoint now, bool is_stopping);
  Duration patience() const;
  // `id` is a new one of next_id_.
  void begin_request(std::uint64_t id, Message message, Duration deadline, OnAnswers on_answers,
                     Continuation done);
  void cancel_request(std::uint64_t id);
  void poll_workers();
  void on_workers(const std::vector<WorkerSummary>& workers);
  // Has the callback told of a worker, unless it has been unset by then.
  void tell(WorkerCallback WorkerCallbacks::*which, const WorkerCallback& told,
            const WorkerSummary& worker);
  void receive(TimePoint now, Effects& out);
  void carry_out(Effects& effects);
  void on_effect(Effect& effect);
  void deliver(Delivered delivered);
  void end_watch(const WatchEnded& ended);
  void open_connection();
  void flush(TimePoint now);

  PrimaryOptions options_;
  std::shared_ptr<Context> context_;
  CallbackQueue callbacks_;
  Transfers transfers_;
  std::atomic<std::uint64_t> next_id_{1};
  std::atomic<bool> is_connected_{false};

  std::mutex inbox_mutex_;
  std::vector<Call> inbox_;
  bool is_closed_ = false;  // the I/O thread takes no more calls
  bool is_stopping_ = false;
  Wakeup wakeup_;

  std::mutex watchers_mutex_;
  std::unordered_map<std::uint64_t, std::shared_ptr<Watcher>> watchers_;

  std::mutex callbacks_mutex_;
  WorkerCallbacks on_worker_;
  std::uint64_t worker_callbacks_set_ = 0;
  std::function<void(const TaskSummary&)> on_result_;
  bool is_polling_ = false;

  // I/O thread only.
  Session session_;
  std::unique_ptr<DealerSocket> socket_;
  std::deque<WireFrames> outbox_;
  bool with_checksum_ = true;
  bool checksum_required_ = false;
  std::string close_reason_;
  std::unordered_map<std::uint64_t, Continuation> continuations_;
  std::unordered_map<std::uint64_t, OnAnswers> on_answers_;
  std::multimap<TimePoint, std::function<void()>> timers_;
  WorkerRoster roster_;

  std::mutex joining_;
  std::thread io_thread_;
};

}  // namespace framebus::client
