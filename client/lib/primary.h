// Primary: submits jobs through a broker, follows them and fetches their results. The API of the
// bus.
//
//   Primary primary({.broker = "tcp://127.0.0.1:7750"});
//   Result<Accepted> job = primary.submit(spec, files).get();
//   primary.watch({.job = job->job}, [](const Event& event) { ... }, [](const Error& end) { ... });
//   Result<Answers> loaded = primary.broadcast("load_map", payload).get();
//
// Connects on its own thread, with back-off, in any start order, and again whenever the connection
// is lost; requests are repeated then and watches resume where they were, each ended task told
// once. Commands to workers (broadcast, to_next, to_worker, prepare) are never repeated: a lost
// connection ends them. Every call comes as a future and with a callback. A future or callback
// always completes: with a value or a typed error (unavailable: no broker was there in time, or the
// connection a command was sent on was lost; deadline_exceeded: it was, but did not answer, so the
// outcome is unknown; no_worker; worker_lost; cancelled (by CommandOptions::cancel); shutdown; or
// the broker's own answer). Thread rule: all methods may be called from any thread, also from
// callbacks. Callbacks run one after the other on one thread, with no lock held, and must not
// throw.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "client/lib/cancel.h"
#include "libmsg/base/bytes.h"
#include "libmsg/base/result.h"
#include "libmsg/base/time.h"
#include "libmsg/schema/messages.h"

namespace framebus {
class Context;
}

namespace framebus::client {

template <class T>
using Callback = std::function<void(Result<T>)>;
template <class T>
using Future = std::future<Result<T>>;

struct PrimaryOptions {
  std::string broker = "tcp://127.0.0.1:7750";
  std::string program = "libframebus";  // shown by the broker
  std::string principal;                // client name for fair shares; empty: the user's login name
  Duration deadline = seconds(30);      // of each answer of the broker
  Duration reconnect_max = seconds(10);  // the back-off grows from 0.25 s up to this
  std::shared_ptr<Context> context =
      {};  // shared: sockets of one process use one; empty: an own one
};

// An input of a job that may have to be sent to the broker: its name (hash) and where its bytes
// are.
struct InputSource {
  BlobRef blob;
  std::filesystem::path path;  // used when `bytes` is empty
  Bytes bytes = {};
};

struct Accepted {
  JobId job;
  std::uint32_t task_count = 0;
  bool known = false;            // this submit id had been accepted before
  bool ephemeral = false;        // the job does not survive a restart of the broker
  std::uint32_t files_sent = 0;  // inputs the broker did not have yet
  std::uint64_t bytes_sent = 0;
};

struct Upload {
  std::uint32_t files_done = 0, files = 0;
  std::uint64_t bytes_done = 0, bytes = 0;
  std::uint32_t parts_done = 0, parts = 0;  // of a job that is too large for one message
};

struct SubmitOptions {
  SubmitId id = {};                                   // none: a random one
  Duration deadline{0};                               // of each answer; 0: that of PrimaryOptions
  std::function<void(const Upload&)> on_upload = {};  // runs as a callback
};

struct WatchOptions {
  JobId job;             // none: state changes of all jobs, without tasks
  Cursor from = {};      // absent: from the beginning of the job
  bool results = false;  // events carry inline results and blob references
};

struct CommandOptions {
  Duration deadline{0};                // until every answer is there; 0: 30 s
  std::vector<WorkerId> workers = {};  // broadcast only: these; empty: every connected worker
  std::function<void(const CommandAnswer&)> on_answer = {};  // each as it comes; runs as a callback
  Cancel cancel = {};  // ends the call with `cancelled`, here and at once
};

// One for each worker asked: its reply, or in `error` its own error, worker_lost or
// deadline_exceeded.
using Answers = std::vector<CommandAnswer>;

struct Prepared {
  std::uint64_t load_id = 0;  // of this preparation
  Answers answers;            // of the workers connected now
};

class Barrier;
class PrimaryImpl;

class Primary {
 public:
  explicit Primary(PrimaryOptions options);
  ~Primary();  // shutdown()
  Primary(const Primary&) = delete;
  Primary& operator=(const Primary&) = delete;

  // Sends the inputs that the broker lacks, then has the job accepted. Repeated under the same
  // submit id until answered, so a lost connection never makes two jobs. A job above 4 MiB goes in
  // parts, which an interruption does not send anew. not_found: the broker lacks an input that is
  // not among `files`. The deadline counts for each answer, not for the transfer of files and
  // parts.
  Future<Accepted> submit(JobSpec job, std::vector<InputSource> files, SubmitOptions options = {});
  void submit(JobSpec job, std::vector<InputSource> files, SubmitOptions options,
              Callback<Accepted> done);

  // Cancel, pause, resume, retry, set_priority. `act.request` is ignored.
  Future<ActOk> act(Act act, Duration deadline = {});
  void act(Act act, Duration deadline, Callback<ActOk> done);

  // With query.limit 0 all pages are fetched and joined (from query.offset); else one page.
  Future<QueryReply> query(Query query, Duration deadline = {});
  void query(Query query, Duration deadline, Callback<QueryReply> done);

  // Events in record order, each confirmed to the broker after `on_event` returned, so a slow
  // callback slows the sender and nothing piles up. Survives reconnects. `on_end` comes once, when
  // the watch ended otherwise than by unwatch(): not_found (no such job), shutdown. The end of a
  // task is told once, over any number of connections and restarts of a broker that keeps a
  // journal; its other changes and the job's state may be told again after a reconnect.
  std::uint64_t watch(WatchOptions options, std::function<void(const Event&)> on_event,
                      std::function<void(const Error&)> on_end = {});
  // Ends a watch without on_end. An event that is being handed over at this moment may still
  // arrive.
  void unwatch(std::uint64_t watch);

  // Asks workers to carry a command out now. Not recorded by the broker and never sent twice. At
  // most limits::command_payload_bytes_max of payload.
  // broadcast: every connected worker, or those named; no_worker when nobody was asked.
  Future<Answers> broadcast(std::string command, Bytes payload, CommandOptions options = {});
  void broadcast(std::string command, Bytes payload, CommandOptions options,
                 Callback<Answers> done);
  // to_next: one worker, each in turn; waits for one until the deadline, then no_worker. to_worker:
  // that one. The worker's own error is the error.
  Future<CommandAnswer> to_next(std::string command, Bytes payload, CommandOptions options = {});
  void to_next(std::string command, Bytes payload, CommandOptions options,
               Callback<CommandAnswer> done);
  Future<CommandAnswer> to_worker(WorkerId worker, std::string command, Bytes payload,
                                  CommandOptions options = {});
  void to_worker(WorkerId worker, std::string command, Bytes payload, CommandOptions options,
                 Callback<CommandAnswer> done);
  // A broadcast whose payload is the state workers must have: one that joins later gets it before
  // its first task. Replaces the earlier preparation of that name. No worker is no error.
  Future<Prepared> prepare(std::string command, Bytes payload, CommandOptions options = {});
  void prepare(std::string command, Bytes payload, CommandOptions options, Callback<Prepared> done);

  // Told of workers that come and go; those that are there when it is set count as joined. There is
  // no watch of workers in the protocol: while one of these is set the broker is asked once a
  // second, so a worker that comes back within a second as the same process is not noticed. An
  // empty function unsets: no call begins after that has returned, also none that was waiting for
  // its turn. One that has begun by then, if only just, goes on, and unsetting does not wait for
  // it: the callback may wait for whoever unsets. Only shutdown() says that it has ended.
  void on_worker_joined(std::function<void(const WorkerSummary&)> callback);
  void on_worker_left(std::function<void(const WorkerSummary&)> callback);
  // Told of the end of every task of the jobs that this Primary submits from now on, with inline
  // results, until the job has ended. An empty function unsets; one that is being called at that
  // moment may still be.
  void on_result(std::function<void(const TaskSummary&)> callback);

  // Drains, resumes, restarts or removes a worker.
  Future<WorkerSummary> administer(WorkerAction action, WorkerId worker, std::string reason,
                                   Duration deadline = {});
  // A piece of an attempt's log. `read.request` is ignored.
  Future<LogData> read_log(LogRead read, Duration deadline = {});

  Future<std::vector<WorkerSummary>> workers();
  Future<bool> has_workers();
  Future<BrokerStatus> status();

  // A result's bytes, verified by hash; resource_exhausted when there are more than `bytes_max`.
  Future<Bytes> fetch_bytes(BlobRef blob, std::uint64_t bytes_max);
  // Any size into a file, by a temporary file beside it that is renamed. Folders are made.
  Future<std::filesystem::path> fetch_file(BlobRef blob, std::filesystem::path destination);

  // Completes everything outstanding with Code::shutdown, waits for running callbacks (unless
  // called from one) and ends the threads. Idempotent. Calls made afterwards complete with shutdown
  // at once.
  void shutdown();

  bool is_connected() const;

 private:
  friend class Barrier;
  std::shared_ptr<PrimaryImpl>
      impl_;  // shared: with its threads, so that a callback may destroy the Primary
};

// The login name of the user of this process; "unknown" when there is none.
std::string login_name();

}  // namespace framebus::client
