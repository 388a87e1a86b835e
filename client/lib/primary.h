// Primary: submits jobs through a broker, follows them and fetches their results. The API of the
// bus.
//
//   Primary primary({.broker = "tcp://127.0.0.1:7750"});
//   Result<Accepted> job = primary.submit(spec, files).get();
//   primary.watch({.job = job->job}, [](const Event& event) { ... }, [](const Error& end) { ... });
//
// Connects on its own thread, with back-off, in any start order, and again whenever the connection
// is lost; requests are repeated then and watches resume where they were. Every call comes as a
// future and with a callback. A future or callback always completes: with a value or a typed error
// (unavailable: no broker was there in time; deadline_exceeded: it was, but did not answer, so the
// outcome is unknown; shutdown; or the broker's own answer). Thread rule: all methods may be called
// from any thread, also from callbacks. Callbacks run one after the other on one thread, with no
// lock held, and must not throw.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

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

class PrimaryImpl;

class Primary {
 public:
  explicit Primary(PrimaryOptions options);
  ~Primary();  // shutdown()
  Primary(const Primary&) = delete;
  Primary& operator=(const Primary&) = delete;

  // Sends the inputs that the broker lacks, then has the job accepted. Repeated under the same
  // submit id until answered, so a lost connection never makes two jobs. not_found: the broker
  // lacks an input that is not among `files`. The deadline counts for each answer, not for the
  // transfer of the files.
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
  // the watch ended otherwise than by unwatch(): not_found (no such job), shutdown. Task events may
  // repeat after a reconnect.
  std::uint64_t watch(WatchOptions options, std::function<void(const Event&)> on_event,
                      std::function<void(const Error&)> on_end = {});
  // Ends a watch without on_end. An event that is being handed over at this moment may still
  // arrive.
  void unwatch(std::uint64_t watch);

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
  std::shared_ptr<PrimaryImpl>
      impl_;  // shared: with its threads, so that a callback may destroy the Primary
};

// The login name of the user of this process; "unknown" when there is none.
std::string login_name();

}  // namespace framebus::client
