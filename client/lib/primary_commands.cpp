// Primary: commands to workers, who is there, results as they come, administration, logs.
#include "client/lib/continuations.h"
#include "client/lib/primary_impl.h"
#include "libmsg/base/limits.h"
#include "libmsg/schema/wire_error.h"

namespace framebus::client {
namespace {

constexpr Duration command_deadline = seconds(30);  // also the broker's, for a Command without one
constexpr Duration poll_every = seconds(1);

Command make_command(CommandTarget target, std::vector<WorkerId> workers, std::string name,
                     Bytes payload) {
  Command command;
  command.target = target;
  command.workers = std::move(workers);
  command.verb = std::move(name);
  command.payload = std::move(payload);
  return command;
}

Status check(const Command& command) {
  if (command.verb.empty() || command.verb.size() > limits::name_bytes_max) {
    return fail(Code::invalid_argument,
                "a command's name has 1 to " + std::to_string(limits::name_bytes_max) +
                    " bytes, this one " + std::to_string(command.verb.size()));
  }
  if (command.payload.size() > limits::command_payload_bytes_max) {
    return fail(Code::invalid_argument, "command \"" + command.verb + "\": a payload of " +
                                            std::to_string(command.payload.size()) +
                                            " bytes; at most " +
                                            std::to_string(limits::command_payload_bytes_max) +
                                            " are allowed: send large data as a blob and its hash");
  }
  return {};
}

void start_command(PrimaryImpl& impl, Command command, const CommandOptions& options,
                   Sink<CommandDone> sink) {
  PrimaryImpl::OnAnswers on_answers;
  if (options.on_answer) {
    on_answers = [&impl, told = options.on_answer](const Answers& answers) {
      for (const CommandAnswer& answer : answers)
        impl.callbacks().post([told, answer] { told(answer); });
    };
  }
  impl.command(std::move(command), options.deadline, options.cancel, std::move(on_answers),
               std::move(sink));
}

void start_broadcast(PrimaryImpl& impl, std::string name, Bytes payload,
                     const CommandOptions& options, Sink<Answers> sink) {
  const auto target = options.workers.empty() ? CommandTarget::all : CommandTarget::named;
  start_command(impl, make_command(target, options.workers, std::move(name), std::move(payload)),
                options, [sink = std::move(sink)](Result<CommandDone> done) {
                  if (!done) return sink(fail(done.error()));
                  if (done->answers.empty())
                    return sink(fail(Code::no_worker, "no worker is connected"));
                  sink(std::move(done->answers));
                });
}

void start_prepare(PrimaryImpl& impl, std::string name, Bytes payload,
                   const CommandOptions& options, Sink<Prepared> sink) {
  Command command = make_command(CommandTarget::all, {}, std::move(name), std::move(payload));
  command.sticky = true;
  start_command(impl, std::move(command), options,
                [sink = std::move(sink)](Result<CommandDone> done) {
                  if (!done) return sink(fail(done.error()));
                  sink(Prepared{done->load_id, std::move(done->answers)});
                });
}

// One worker's answer as the outcome itself.
void start_single(PrimaryImpl& impl, Command command, const CommandOptions& options,
                  Sink<CommandAnswer> sink) {
  start_command(
      impl, std::move(command), options, [sink = std::move(sink)](Result<CommandDone> done) {
        if (!done) return sink(fail(done.error()));
        if (done->answers.empty())
          return sink(fail(Code::no_worker, "no worker came to take the command"));
        CommandAnswer& answer = done->answers.front();
        if (answer.error.code == 0) return sink(std::move(answer));
        const std::string& name = answer.worker_name;
        sink(fail(from_wire(answer.error)
                      .context("worker " + (name.empty() ? to_string(answer.worker) : name))));
      });
}

// A watch that ends itself with its job.
struct ResultWatch {
  std::mutex mutex;
  std::uint64_t watch = 0;  // 0: not known yet
  bool is_over = false;
};

}  // namespace

void PrimaryImpl::command(Command command, Duration deadline, const Cancel& cancel,
                          OnAnswers on_answers, std::function<void(Result<CommandDone>)> done) {
  if (const Status good = check(command); !good) return done(fail(good.error()));
  const std::uint64_t call = Cancel::new_call();
  const std::uint64_t id = next_id_++;
  const auto end = [self = weak_from_this(), id] {
    if (const auto impl = self.lock()) impl->cancel_request(id);
  };
  if (!cancel.on_cancel(call, end))
    return done(fail(Code::cancelled, "the command was cancelled before it was sent"));
  begin_request(
      id, std::move(command), deadline > Duration::zero() ? deadline : command_deadline,
      std::move(on_answers),
      expecting<CommandDone>([cancel, call, done = std::move(done)](Result<CommandDone> outcome) {
        cancel.forget(call);
        done(std::move(outcome));
      }));
  if (cancel.is_cancelled()) end();  // perhaps thrown before there was anything to end
}

// On the I/O thread, as lists of workers are: whoever is known by then is told here, whoever comes
// later by on_workers(), nobody twice and nobody never. Unsetting counts at once, though: calls
// that wait for their turn, and a setting that has not come to the I/O thread yet, are void.
void PrimaryImpl::set_on_worker(WorkerCallback WorkerCallbacks::*which, OnWorker callback) {
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(callbacks_mutex_);
    number = ++worker_callbacks_set_;
    if (!callback) (on_worker_.*which).unset_upto = number;
  }
  post([self = shared_from_this(), which, number, callback = std::move(callback)](TimePoint,
                                                                                  Effects&) {
    bool begins = false;
    WorkerCallback set;
    {
      const std::lock_guard lock(self->callbacks_mutex_);
      WorkerCallback& current = self->on_worker_.*which;
      current.function = callback;
      current.number = number;
      set = current;
      begins = !self->is_polling_ && callback != nullptr;
      self->is_polling_ = self->is_polling_ || begins;
    }
    if (begins) {
      self->roster_ = {};
      return self->poll_workers();
    }
    if (which != &WorkerCallbacks::joined || !callback) return;
    for (const auto& [id, worker] : self->roster_.known()) self->tell(which, set, worker);
  });
}

void PrimaryImpl::tell(WorkerCallback WorkerCallbacks::*which, const WorkerCallback& told,
                       const WorkerSummary& worker) {
  // Kept alive: a callback before this one may destroy the Primary, and the queue goes on.
  callbacks_.post([self = shared_from_this(), which, told, worker] {
    {
      const std::lock_guard lock(self->callbacks_mutex_);
      if (told.number <= (self->on_worker_.*which).unset_upto) return;
    }
    told.function(worker);
  });
}

void PrimaryImpl::poll_workers() {
  {
    const std::lock_guard lock(callbacks_mutex_);
    is_polling_ = on_worker_.joined.function || on_worker_.left.function;
    if (!is_polling_) return;
  }
  Query query;
  query.kind = QueryKind::workers;
  query_pages(query, {}, [self = shared_from_this()](Result<QueryReply> reply) {
    if (reply) self->on_workers(reply->workers);
    if (!reply && reply.error().code == Code::shutdown) return;
    self->after(poll_every, [self] { self->poll_workers(); });
  });
}

void PrimaryImpl::on_workers(const std::vector<WorkerSummary>& workers) {
  const WorkerRoster::Change change = roster_.update(workers);
  WorkerCallbacks told;
  {
    const std::lock_guard lock(callbacks_mutex_);
    told = on_worker_;
  }
  if (told.left.function)
    for (const WorkerSummary& worker : change.left) tell(&WorkerCallbacks::left, told.left, worker);
  if (told.joined.function)
    for (const WorkerSummary& worker : change.joined)
      tell(&WorkerCallbacks::joined, told.joined, worker);
}

void PrimaryImpl::set_on_result(std::function<void(const TaskSummary&)> callback) {
  const std::lock_guard lock(callbacks_mutex_);
  on_result_ = std::move(callback);
}

void PrimaryImpl::follow_results(JobId job) {
  {
    const std::lock_guard lock(callbacks_mutex_);
    if (!on_result_) return;
  }
  auto own = std::make_shared<ResultWatch>();  // shared: with the callback of the watch
  const auto on_event = [this, own](const Event& event) {
    std::function<void(const TaskSummary&)> told;
    {
      const std::lock_guard lock(callbacks_mutex_);
      told = on_result_;
    }
    if (event.kind == EventKind::task && event.task.state >= TaskState::succeeded && told)
      told(event.task);
    const bool has_job = event.kind == EventKind::job || event.kind == EventKind::live;
    if (!has_job || event.job.state < JobState::succeeded) return;
    const std::lock_guard lock(own->mutex);
    own->is_over = true;
    if (own->watch != 0) unwatch(own->watch);
  };
  const std::uint64_t id = watch({job, {}, true}, on_event, {});
  const std::lock_guard lock(own->mutex);
  own->watch = id;
  if (own->is_over) unwatch(id);
}

Future<Answers> Primary::broadcast(std::string command, Bytes payload, CommandOptions options) {
  return as_future<Answers>([&](auto sink) {
    start_broadcast(*impl_, std::move(command), std::move(payload), options, std::move(sink));
  });
}

void Primary::broadcast(std::string command, Bytes payload, CommandOptions options,
                        Callback<Answers> done) {
  start_broadcast(*impl_, std::move(command), std::move(payload), options,
                  into<Answers>(impl_->callbacks(), std::move(done)));
}

Future<CommandAnswer> Primary::to_next(std::string command, Bytes payload, CommandOptions options) {
  return as_future<CommandAnswer>([&](auto sink) {
    start_single(*impl_,
                 make_command(CommandTarget::next, {}, std::move(command), std::move(payload)),
                 options, std::move(sink));
  });
}

void Primary::to_next(std::string command, Bytes payload, CommandOptions options,
                      Callback<CommandAnswer> done) {
  start_single(*impl_,
               make_command(CommandTarget::next, {}, std::move(command), std::move(payload)),
               options, into<CommandAnswer>(impl_->callbacks(), std::move(done)));
}

Future<CommandAnswer> Primary::to_worker(WorkerId worker, std::string command, Bytes payload,
                                         CommandOptions options) {
  return as_future<CommandAnswer>([&](auto sink) {
    start_single(
        *impl_,
        make_command(CommandTarget::named, {worker}, std::move(command), std::move(payload)),
        options, std::move(sink));
  });
}

void Primary::to_worker(WorkerId worker, std::string command, Bytes payload, CommandOptions options,
                        Callback<CommandAnswer> done) {
  start_single(*impl_,
               make_command(CommandTarget::named, {worker}, std::move(command), std::move(payload)),
               options, into<CommandAnswer>(impl_->callbacks(), std::move(done)));
}

Future<Prepared> Primary::prepare(std::string command, Bytes payload, CommandOptions options) {
  return as_future<Prepared>([&](auto sink) {
    start_prepare(*impl_, std::move(command), std::move(payload), options, std::move(sink));
  });
}

void Primary::prepare(std::string command, Bytes payload, CommandOptions options,
                      Callback<Prepared> done) {
  start_prepare(*impl_, std::move(command), std::move(payload), options,
                into<Prepared>(impl_->callbacks(), std::move(done)));
}

void Primary::on_worker_joined(std::function<void(const WorkerSummary&)> callback) {
  impl_->set_on_worker(&WorkerCallbacks::joined, std::move(callback));
}

void Primary::on_worker_left(std::function<void(const WorkerSummary&)> callback) {
  impl_->set_on_worker(&WorkerCallbacks::left, std::move(callback));
}

void Primary::on_result(std::function<void(const TaskSummary&)> callback) {
  impl_->set_on_result(std::move(callback));
}

Future<WorkerSummary> Primary::administer(WorkerAction action, WorkerId worker, std::string reason,
                                          Duration deadline) {
  return as_future<WorkerSummary>([&](auto sink) {
    impl_->request(Administer{0, action, worker, std::move(reason)}, deadline,
                   expecting<AdministerOk>([sink](Result<AdministerOk> done) {
                     sink(std::move(done).map([](AdministerOk ok) { return ok.worker; }));
                   }));
  });
}

Future<LogData> Primary::read_log(LogRead read, Duration deadline) {
  return as_future<LogData>([&](auto sink) {
    impl_->request(std::move(read), deadline, expecting<LogData>(std::move(sink)));
  });
}

}  // namespace framebus::client
