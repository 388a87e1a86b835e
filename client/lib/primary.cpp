#include "client/lib/primary.h"

#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <random>

#include "client/lib/continuations.h"
#include "client/lib/file_transfer.h"
#include "client/lib/primary_impl.h"
#include "client/lib/submit_flow.h"

namespace framebus::client {
namespace {

constexpr unsigned transfer_threads = 2;
constexpr Duration transfer_patience_min =
    seconds(10);  // a chunk may be slow where an answer is not

SessionOptions session_options(const PrimaryOptions& options) {
  SessionOptions session;
  session.broker = options.broker;
  session.program = options.program;
  session.principal = options.principal;
  session.reconnect_max = options.reconnect_max;
  session.seed = std::random_device{}();
  return session;
}

PrimaryOptions completed(PrimaryOptions options) {
  if (options.principal.empty()) options.principal = login_name();
  if (!options.context) options.context = make_context();
  return options;
}

// on_result hears of a job from its acceptance on.
Sink<Accepted> followed(std::shared_ptr<PrimaryImpl> impl, Sink<Accepted> sink) {
  return [impl = std::move(impl), sink = std::move(sink)](Result<Accepted> accepted) {
    if (accepted) impl->follow_results(accepted->job);
    sink(std::move(accepted));
  };
}

}  // namespace

std::string login_name() {
  char buffer[4096];
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found) == 0 && found)
    return entry.pw_name;
  return "unknown";
}

PrimaryImpl::PrimaryImpl(PrimaryOptions options)
    : options_(completed(std::move(options))),
      context_(options_.context),
      transfers_(context_, transfer_threads, std::max(options_.deadline, transfer_patience_min)),
      session_(session_options(options_)) {}

void PrimaryImpl::start() {
  io_thread_ = std::thread([this] { run(); });
}

void PrimaryImpl::shutdown() {
  transfers_.stop();
  {
    const std::lock_guard lock(inbox_mutex_);
    is_stopping_ = true;
  }
  wakeup_.notify();
  {
    const std::lock_guard lock(joining_);
    if (io_thread_.joinable()) io_thread_.join();
  }
  callbacks_.finish();
}

void PrimaryImpl::request(Message message, Duration deadline, Continuation done) {
  begin_request(next_id_++, std::move(message), deadline_or_default(deadline), {}, std::move(done));
}

void PrimaryImpl::begin_request(std::uint64_t id, Message message, Duration deadline,
                                OnAnswers on_answers, Continuation done) {
  const TimePoint until = now_monotonic() + deadline;
  auto shared_done = std::make_shared<Continuation>(std::move(done));
  auto shared_message = std::make_shared<Message>(std::move(message));
  const bool is_taken =
      post([this, id, until, shared_message, on_answers, shared_done](TimePoint now, Effects& out) {
        continuations_.emplace(id, std::move(*shared_done));
        if (on_answers) on_answers_.emplace(id, on_answers);
        session_.request(now, id, std::move(*shared_message), until, out);
      });
  if (!is_taken) (*shared_done)(fail(Code::shutdown, "the connection to the broker was shut down"));
}

void PrimaryImpl::cancel_request(std::uint64_t id) {
  post([this, id](TimePoint, Effects& out) { session_.cancel(id, out); });
}

std::uint64_t PrimaryImpl::watch(WatchOptions options, std::function<void(const Event&)> on_event,
                                 std::function<void(const Error&)> on_end) {
  const std::uint64_t id = next_id_++;
  auto watcher = std::make_shared<Watcher>();
  watcher->on_event = std::move(on_event);
  watcher->on_end = std::move(on_end);
  {
    const std::lock_guard lock(watchers_mutex_);
    watchers_.emplace(id, watcher);
  }
  Watch watch;
  watch.job = options.job;
  watch.from = options.from;
  watch.results = options.results;
  if (!post([this, id, watch](TimePoint, Effects& out) { session_.watch(id, watch, out); })) {
    end_watch({id, {Code::shutdown, "the connection to the broker was shut down"}});
  }
  return id;
}

void PrimaryImpl::unwatch(std::uint64_t id) {
  {
    const std::lock_guard lock(watchers_mutex_);
    const auto entry = watchers_.find(id);
    if (entry == watchers_.end()) return;
    entry->second->is_over = true;
    watchers_.erase(entry);
  }
  post([this, id](TimePoint, Effects& out) { session_.unwatch(id, out); });
}

void PrimaryImpl::query_pages(Query query, Duration deadline,
                              std::function<void(Result<QueryReply>)> done) {
  struct Pages {
    Query query;
    Duration deadline;
    QueryReply joined;
    bool is_first = true;
    std::function<void(Result<QueryReply>)> done;
  };
  auto pages = std::make_shared<Pages>(Pages{query, deadline, {}, true, std::move(done)});
  // Each page asks for the next; the function is handed on by value, so nothing refers to itself.
  struct Step {
    static void ask(std::shared_ptr<PrimaryImpl> impl, std::shared_ptr<Pages> pages) {
      impl->request(
          pages->query, pages->deadline,
          expecting<QueryReply>([impl, pages](Result<QueryReply> page) {
            if (!page) return pages->done(std::move(page));
            const bool is_last =
                page->next_offset <= pages->query.offset || pages->query.limit != 0;
            const std::uint32_t next = page->next_offset;
            if (pages->is_first) {
              pages->joined = std::move(*page);
              pages->is_first = false;
            } else {
              QueryReply& all = pages->joined;
              std::move(page->jobs.begin(), page->jobs.end(), std::back_inserter(all.jobs));
              std::move(page->tasks.begin(), page->tasks.end(), std::back_inserter(all.tasks));
              std::move(page->workers.begin(), page->workers.end(),
                        std::back_inserter(all.workers));
              std::move(page->explanations.begin(), page->explanations.end(),
                        std::back_inserter(all.explanations));
              all.total = page->total;
              all.next_offset = page->next_offset;
            }
            if (is_last) return pages->done(std::move(pages->joined));
            pages->query.offset = next;
            ask(impl, pages);
          }));
    }
  };
  Step::ask(shared_from_this(), pages);
}

Primary::Primary(PrimaryOptions options)
    : impl_(std::make_shared<PrimaryImpl>(std::move(options))) {
  impl_->start();
}
Primary::~Primary() {
  shutdown();
}
void Primary::shutdown() {
  impl_->shutdown();
}
bool Primary::is_connected() const {
  return impl_->is_connected();
}

Future<Accepted> Primary::submit(JobSpec job, std::vector<InputSource> files,
                                 SubmitOptions options) {
  return as_future<Accepted>([&](auto sink) {
    start_submit(*impl_, std::move(job), std::move(files), std::move(options),
                 followed(impl_, std::move(sink)));
  });
}

void Primary::submit(JobSpec job, std::vector<InputSource> files, SubmitOptions options,
                     Callback<Accepted> done) {
  start_submit(*impl_, std::move(job), std::move(files), std::move(options),
               followed(impl_, into<Accepted>(impl_->callbacks(), std::move(done))));
}

Future<ActOk> Primary::act(Act act, Duration deadline) {
  return as_future<ActOk>(
      [&](auto sink) { impl_->request(std::move(act), deadline, expecting<ActOk>(sink)); });
}

void Primary::act(Act act, Duration deadline, Callback<ActOk> done) {
  impl_->request(std::move(act), deadline,
                 expecting<ActOk>(into<ActOk>(impl_->callbacks(), std::move(done))));
}

Future<QueryReply> Primary::query(Query query, Duration deadline) {
  return as_future<QueryReply>([&](auto sink) { impl_->query_pages(query, deadline, sink); });
}

void Primary::query(Query query, Duration deadline, Callback<QueryReply> done) {
  impl_->query_pages(query, deadline, into<QueryReply>(impl_->callbacks(), std::move(done)));
}

std::uint64_t Primary::watch(WatchOptions options, std::function<void(const Event&)> on_event,
                             std::function<void(const Error&)> on_end) {
  return impl_->watch(options, std::move(on_event), std::move(on_end));
}

void Primary::unwatch(std::uint64_t watch) {
  impl_->unwatch(watch);
}

Future<std::vector<WorkerSummary>> Primary::workers() {
  return as_future<std::vector<WorkerSummary>>([&](auto sink) {
    Query query;
    query.kind = QueryKind::workers;
    impl_->query_pages(query, {}, [sink](Result<QueryReply> reply) {
      sink(std::move(reply).map([](QueryReply r) { return std::move(r.workers); }));
    });
  });
}

Future<bool> Primary::has_workers() {
  return as_future<bool>([&](auto sink) {
    Query query;
    query.kind = QueryKind::status;
    impl_->query_pages(query, {}, [sink](Result<QueryReply> reply) {
      sink(std::move(reply).map([](const QueryReply& r) { return r.status.workers > 0; }));
    });
  });
}

Future<BrokerStatus> Primary::status() {
  return as_future<BrokerStatus>([&](auto sink) {
    Query query;
    query.kind = QueryKind::status;
    impl_->query_pages(query, {}, [sink](Result<QueryReply> reply) {
      sink(std::move(reply).map([](QueryReply r) { return std::move(r.status); }));
    });
  });
}

Future<Bytes> Primary::fetch_bytes(BlobRef blob, std::uint64_t bytes_max) {
  return as_future<Bytes>([&](auto sink) {
    Transfers& transfers = impl_->transfers();
    transfers.post(
        [&transfers, blob, bytes_max, sink](Result<BlobClient*> client) {
          if (!client) return sink(fail(std::move(client).error()));
          sink((*client)->fetch_bytes(blob, bytes_max, transfers.cancelled()));
        },
        impl_->deadline_or_default({}));
  });
}

Future<std::filesystem::path> Primary::fetch_file(BlobRef blob, std::filesystem::path destination) {
  return as_future<std::filesystem::path>([&](auto sink) {
    Transfers& transfers = impl_->transfers();
    transfers.post(
        [&transfers, blob, destination, sink](Result<BlobClient*> client) {
          if (!client) return sink(fail(std::move(client).error()));
          sink(fetch_to_file(**client, blob, destination, transfers.cancelled()));
        },
        impl_->deadline_or_default({}));
  });
}

}  // namespace framebus::client
