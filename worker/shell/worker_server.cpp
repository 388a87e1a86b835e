#include "worker/shell/worker_server.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "libmsg/base/endpoint.h"
#include "libmsg/base/log.h"
#include "worker/core/core.h"
#include "worker/executors/registry.h"
#include "worker/shell/broker_link.h"
#include "worker/shell/child_slots.h"
#include "worker/shell/commands.h"
#include "worker/shell/home.h"
#include "worker/shell/host_info.h"
#include "worker/shell/thread_slots.h"

namespace framebus::worker {
namespace {

constexpr Duration load_sample_interval = seconds(1);
constexpr Duration outbox_retry = milliseconds(5);
constexpr Duration longest_wait = seconds(1);

Options core_options(const WorkerConfig& config, const WorkerId& id, const Executors& executors) {
  Options options;
  options.broker_url = config.broker;
  options.program = "framebus-worker " FRAMEBUS_VERSION;
  options.principal = config.principal;
  options.checksum = config.checksum;
  options.handshake = config.handshake_timeout;
  options.reconnect_base = std::min(config.reconnect_interval, config.reconnect_max);
  options.reconnect_max = config.reconnect_max;
  options.cancel_grace = config.cancel_grace;
  options.orphan_timeout = config.orphan_timeout;
  options.drain_report_wait = config.drain_wait;
  options.executors_killable = !config.executors_in_process;
  options.unreported_bytes_max = config.spool_size.bytes;
  options.log_bytes_max = config.log_buffer_size.bytes;
  options.info.commands = command_names();
  options.info.id = id;
  options.info.host = host_name();
  options.info.pid = static_cast<std::uint32_t>(::getpid());
  options.info.slots = config.slots;
  options.info.prefetch = config.prefetch;
  options.info.threads = config.threads == 0 ? usable_threads() : config.threads;
  options.info.devices = host_devices();
  options.info.labels = parse_labels(config.label).value_or(std::vector<Label>{});
  for (const auto& executor : executors) options.info.task_types.emplace_back(executor->type());
  return options;
}

class WorkerProcessImpl final : public WorkerProcess {
 public:
  WorkerProcessImpl(const WorkerConfig& config, std::shared_ptr<Context> context, Home home,
                    std::unique_ptr<BlobStore> cache, Executors executors, ChildProgram program)
      : context_(std::move(context)),
        home_(std::move(home)),
        cache_(std::move(cache)),
        trim_(*cache_, config.cache_size.bytes),
        executors_(std::move(executors)),
        options_(core_options(config, home_.id(), executors_)),
        core_(options_, random_seed()),
        link_(context_, config.checksum),
        starts_at_once_(config.executors_in_process) {
    services_.inbox = &inbox_;
    services_.cache = cache_.get();
    services_.prepared = &prepared_;
    services_.spool = home_.spool();
    services_.spool_bytes_max = config.blob_spool_size.bytes / options_.info.slots;
    services_.executor_caches = home_.executor_caches();
    services_.threads = std::max(1u, options_.info.threads / options_.info.slots);
    const unsigned slots = options_.info.slots;
    slots_ = config.executors_in_process
                 ? make_thread_slots(slots, services_, executors_, trim_)
                 : make_child_slots(slots, services_, trim_, std::move(program));
    commands_ = std::make_unique<CommandRunner>(
        CommandServices{&inbox_, slots_.get(), cache_.get(), &prepared_});
  }

  ~WorkerProcessImpl() override {
    stop();
    if (thread_.joinable()) thread_.join();
    commands_.reset();
    // Before the blob client: an executor may be in the middle of a transfer.
    slots_->cancel_all();
    slots_.reset();
  }

  int run() override {
    log_info("worker", "started",
             {{"id", to_string(home_.id())},
              {"broker", options_.broker_url},
              {"slots", options_.info.slots},
              {"threads", options_.info.threads},
              {"data", home_.directory().string()}});
    while (!exit_code_) turn();
    return *exit_code_;
  }

  void start() override {
    thread_ = std::thread([this] { run(); });
  }
  int wait() override {
    if (thread_.joinable()) thread_.join();
    return exit_code_.value_or(0);
  }

  void drain() noexcept override {
    drain_wanted_ = true;
    inbox_.wakeup().notify();
  }
  void stop() noexcept override {
    stop_wanted_ = true;
    inbox_.wakeup().notify();
  }
  bool wait_idle(Duration most) override { return slots_->wait_idle(most); }
  bool wants_restart() const override { return wants_restart_; }
  const WorkerId& id() const override { return home_.id(); }

 private:
  // One turn of the loop: everything that has come, then one Tick that sends what it led to.
  void turn() {
    inbox_.wakeup().drain();
    link_.receive(events_);
    for (Event& event : inbox_.take()) events_.emplace_back(std::move(event));
    const TimePoint now = now_monotonic();
    if (stop_wanted_.load()) {
      events_.emplace_back(StopRequested{});
    } else if (drain_wanted_.exchange(false)) {
      events_.emplace_back(DrainRequested{});
      services_.patience_ends_ns = (now + options_.drain_report_wait).time_since_epoch().count();
    }
    if (now >= sample_at_) events_.emplace_back(LoadSampled{sample(now)});
    step_events(now);
    if (const auto at = core_.next_wakeup(); at && *at <= now) {
      events_.emplace_back(Tick{});
      step_events(now);
    }
    const bool all_sent = link_.flush(events_);
    instruct_slots();
    if (!exit_code_ && events_.empty()) sleep(all_sent);
  }

  // Actions may lead to events at once (a failed connect): those are stepped, too.
  void step_events(TimePoint now) {
    while (!events_.empty()) {
      const std::vector<Event> batch = std::exchange(events_, {});
      for (const Event& event : batch) {
        actions_.clear();
        core_.step(now, event, actions_);
        for (const Action& action : actions_) perform(action);
      }
    }
  }

  void sleep(bool all_sent) {
    const TimePoint now = now_monotonic();
    Duration wait_for = std::min(longest_wait, sample_at_ - now);
    if (const auto at = core_.next_wakeup()) wait_for = std::min(wait_for, *at - now);
    if (!all_sent) wait_for = std::min(wait_for, outbox_retry);
    if (wait_for <= Duration{0}) return;
    std::vector<DealerSocket*> sockets;
    if (link_.socket() != nullptr) sockets.push_back(link_.socket());
    framebus::wait({}, std::move(sockets), &inbox_.wakeup(), wait_for);
  }

  LoadReport sample(TimePoint now) {
    sample_at_ = now + load_sample_interval;
    LoadReport load = meter_.sample();
    if (blobs_) load.bandwidth_bytes_per_s = blobs_->bandwidth_bytes_per_s();
    return load;
  }

  void perform(const Action& action) {
    if (const auto* send = std::get_if<Send>(&action)) return link_.send(*send, events_);
    if (const auto* start = std::get_if<StartAttempt>(&action)) {
      for_slots_.push_back(action);
      if (starts_at_once_)
        events_.emplace_back(ExecutorStarted{{start->attempt.task, start->attempt.token}});
      return;
    }
    if (std::holds_alternative<CancelAttempt>(action) ||
        std::holds_alternative<KillAttempt>(action))
      return for_slots_.push_back(action);
    if (const auto* command = std::get_if<StartCommand>(&action)) return commands_->start(*command);
    if (const auto* command = std::get_if<CancelCommand>(&action))
      return commands_->cancel(command->number);
    if (const auto* connect = std::get_if<Connect>(&action)) return link_.open(*connect, events_);
    if (const auto* close = std::get_if<Disconnect>(&action)) return link_.close(*close);
    if (const auto* joined = std::get_if<Joined>(&action)) return on_joined(*joined);
    if (const auto* exit = std::get_if<Exit>(&action)) {
      log_info("worker", "ended", {{"reason", exit->reason}, {"exit", exit->code}});
      exit_code_ = exit->code;
      wants_restart_ = exit->restart;
      return;
    }
    const Note& note = std::get<Note>(action);
    static constexpr LogLevel levels[] = {LogLevel::debug, LogLevel::info, LogLevel::warning,
                                          LogLevel::error};
    write_log(levels[std::clamp(note.level, 0, 3)], "worker", note.text);
  }

  // At the end of a turn, when Started is in the socket: an executor on a thread may take this
  // process with it, and the broker should know who it was.
  void instruct_slots() {
    for (Action& action : std::exchange(for_slots_, {})) {
      auto* start = std::get_if<StartAttempt>(&action);
      if (start && !exit_code_) slots_->start(std::move(*start));
      if (const auto* cancel = std::get_if<CancelAttempt>(&action)) slots_->cancel(cancel->attempt);
      if (const auto* kill = std::get_if<KillAttempt>(&action)) slots_->kill(kill->attempt);
    }
  }

  void on_joined(const Joined& joined) {
    const std::string url = reachable_endpoint(options_.broker_url, joined.bulk_endpoint);
    log_info("worker", "joined",
             {{"session", joined.session.value}, {"epoch", joined.epoch}, {"bulk", url}});
    if (url.empty()) return;
    if (blobs_) return blobs_->set_endpoint(url);
    blobs_ = make_blob_client(context_, url);
    services_.blobs =
        blobs_.get();  // before the first StartAttempt: slots see it through the pool's lock
  }

  std::shared_ptr<Context> context_;  // shared: sockets and the blob client keep it alive
  Home home_;
  std::unique_ptr<BlobStore> cache_;
  CacheTrim trim_;
  PreparedStore prepared_;
  Executors executors_;
  Options options_;
  Core core_;
  Inbox inbox_;
  BrokerLink link_;
  const bool starts_at_once_;  // a thread needs no starting
  LoadMeter meter_;
  TimePoint sample_at_{};
  std::unique_ptr<BlobClient> blobs_;
  AttemptServices services_;
  std::unique_ptr<SlotPool> slots_;
  std::unique_ptr<CommandRunner> commands_;
  std::vector<Event> events_;
  Actions actions_;
  Actions for_slots_;  // starts and cancels of this turn, in order
  std::atomic<bool> drain_wanted_{false};
  std::atomic<bool> stop_wanted_{false};
  std::optional<int> exit_code_;
  bool wants_restart_ = false;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::create(const WorkerConfig& config,
                                                             std::shared_ptr<Context> context,
                                                             ChildProgram program) {
  FRAMEBUS_TRY(check(config));
  FRAMEBUS_ASSIGN(auto executors, make_executors(config.task_type));
  FRAMEBUS_ASSIGN(Home home, Home::open(data_directory(config, [](const char* name) -> const char* {
                    return ::getenv(name);
                  })));
  FRAMEBUS_ASSIGN(auto cache, open_blob_store(home.blob_cache()));
  return std::make_unique<WorkerProcessImpl>(config, std::move(context), std::move(home),
                                             std::move(cache), std::move(executors),
                                             std::move(program));
}

}  // namespace framebus::worker
