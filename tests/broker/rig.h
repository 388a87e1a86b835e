// A broker core with peers made of function calls: builders, a clock that the test turns, and a
// list of actions that must be read. Every step is followed by check_invariants(); every record is
// kept and can be replayed into a second core.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "broker/core/core.h"
#include "broker/core/durable_print.h"
#include "broker/core/lease.h"
#include "broker/core/state.h"
#include "broker/core/token.h"

namespace framebus::broker::test {

inline Bytes bytes(std::string_view text) {
  return {text.begin(), text.end()};
}

inline WorkerId worker_id(std::uint8_t number) {
  WorkerId id;
  id.bytes[0] = number;
  return id;
}

// a_job().with_tasks(3).retried(1) ...
struct JobBuilder {
  JobSpec spec;
  std::uint8_t submit = 1;

  JobBuilder& step(std::string name, std::uint32_t tasks, std::string type = "echo") {
    StepSpec step;
    step.name = std::move(name);
    step.type = std::move(type);
    step.task_count = tasks;
    spec.steps.push_back(std::move(step));
    return *this;
  }
  JobBuilder& with_tasks(std::uint32_t count) { return step("work", count); }
  JobBuilder& after(std::uint32_t step, bool by_task = false) {
    last().depends_on.push_back({step, by_task});
    return *this;
  }
  JobBuilder& attempts(std::uint32_t most) { return last().max_attempts = most, *this; }
  JobBuilder& timeout_ms(std::int64_t ms) { return last().timeout_ms = ms, *this; }
  JobBuilder& once() { return last().at_most_once = true, *this; }
  JobBuilder& limit(std::string name, std::uint32_t amount) {
    last().limits.push_back({std::move(name), amount});
    return *this;
  }
  JobBuilder& priority(std::uint32_t value) { return spec.priority = value, *this; }
  JobBuilder& deadline_ms(std::int64_t ms) { return spec.deadline_ms = ms, *this; }
  JobBuilder& parallel(std::uint32_t most) { return spec.max_parallel = most, *this; }
  JobBuilder& strategy(Strategy value) { return spec.strategy = value, *this; }
  JobBuilder& stopping() { return spec.on_failure = OnFailure::stop, *this; }
  JobBuilder& id(std::uint8_t number) { return submit = number, *this; }
  StepSpec& last() { return spec.steps.back(); }
};
inline JobBuilder a_job() {
  JobBuilder builder;
  builder.spec.name = "job";
  return builder;
}

struct WorkerBuilder {
  Hello hello;
  WorkerBuilder& slots(std::uint32_t count) { return hello.worker.slots = count, *this; }
  WorkerBuilder& prefetch(std::uint32_t count) { return hello.worker.prefetch = count, *this; }
  WorkerBuilder& types(std::vector<std::string> all) {
    return hello.worker.task_types = std::move(all), *this;
  }
  WorkerBuilder& knows(std::vector<std::string> commands) {
    return hello.worker.commands = std::move(commands), *this;
  }
  WorkerBuilder& process(std::uint32_t pid) { return hello.worker.pid = pid, *this; }
  WorkerBuilder& label(std::string key, std::string value) {
    hello.worker.labels.push_back({std::move(key), std::move(value)});
    return *this;
  }
  WorkerBuilder& holds(AttemptId id, AttemptPhase phase) {
    hello.held.push_back({id.task, id.token, phase});
    return *this;
  }
};
inline WorkerBuilder a_worker(std::uint8_t number) {
  WorkerBuilder builder;
  builder.hello.role = Role::worker;
  builder.hello.program = "test";
  builder.hello.worker.id = worker_id(number);
  builder.hello.worker.host = std::string(1, 'w').append(std::to_string(number));
  builder.hello.worker.pid = 1;
  builder.hello.worker.slots = 1;
  builder.hello.worker.threads = 8;
  builder.hello.worker.task_types = {"echo"};
  return builder;
}

class Rig {
 public:
  explicit Rig(Options options = {}, std::uint64_t seed = 1)
      : options_(options), core(options, seed) {
    now = TimePoint(seconds(1000));
  }
  // The same broker started again on the same journal, after so long: nobody is connected, the
  // epoch is one higher, no event has come yet.
  Rig(const Rig& before, Duration down)
      : options_(before.options_),
        last_session_(before.last_session_),
        request_(before.request_),
        core(next_epoch(options_), 7),
        journal(before.journal),
        times(before.times) {
    now = before.now + down;
    for (std::size_t i = 0; i < journal.size(); ++i) core.restore(i + 1, times[i], journal[i]);
  }
  // Whatever a test does: what a second core makes of the journal is what the first one knows.
  ~Rig() {
    CHECK_MESSAGE(unread_.empty(), "unread actions: ", text(unread_));
    if (journal.size() != core.state().lsn) return;  // the test has cut it
    const std::string lived = durable_dump(core.state());
    CHECK_MESSAGE(lived == durable_dump(replayed()->state()),
                  first_difference(lived, durable_dump(replayed()->state())));
  }

  // One event. What was said before must have been read.
  void step(const Event& event) {
    CHECK_MESSAGE(unread_.empty(), "unread actions before ", to_string(event), ": ", text(unread_));
    unread_.clear();
    core.step(now, event, unread_);
    core.check_invariants();
    for (const Action& action : unread_) {
      if (const auto* persist = std::get_if<Persist>(&action)) {
        CHECK(persist->lsn == journal_begins_after + journal.size() + 1);
        journal.push_back(persist->record);
        times.push_back(now);
      }
    }
    std::erase_if(unread_, [](const Action& each) { return std::holds_alternative<Note>(each); });
  }
  void receive(SessionId from, Message message) { step(Received{from, std::move(message), {}}); }
  void advance(Duration by) { now += by; }
  // Time passes and the core's timers fire as often as they have to.
  void tick(Duration by) {
    now += by;
    step(Tick{});
  }

  // The actions of the last step, log lines left out.
  Actions take() { return std::exchange(unread_, {}); }
  // Exactly these, as printed; each '*' stands for any text.
  void expect(const std::vector<std::string>& lines) {
    const Actions actions = take();
    std::vector<std::string> found;
    for (const Action& action : actions) found.push_back(to_string(action));
    bool equal = found.size() == lines.size();
    for (std::size_t i = 0; equal && i < lines.size(); ++i) {
      equal = matches(found[i], lines[i]);
    }
    std::string wanted;
    for (const std::string& line : lines) wanted += "\n  " + line;
    CHECK_MESSAGE(equal, "expected:", wanted, "\nfound:", text(actions));
  }
  static bool matches(std::string_view found, std::string_view line) {
    const std::size_t star = line.find('*');
    if (star == std::string_view::npos) return found == line;
    if (!found.starts_with(line.substr(0, star))) return false;
    found.remove_prefix(star);
    line.remove_prefix(star + 1);
    for (;; found.remove_prefix(1)) {
      if (matches(found, line)) return true;
      if (found.empty()) return false;
    }
  }
  // The only message of this type among the actions; takes them all.
  template <class M>
  M only() {
    std::vector<M> found = all<M>(take());
    REQUIRE(found.size() == 1);
    return found.front();
  }
  template <class M>
  static std::vector<M> all(const Actions& actions) {
    std::vector<M> found;
    for (const Action& action : actions) {
      const auto* send = std::get_if<Send>(&action);
      if (send == nullptr) continue;
      if (const auto* message = std::get_if<M>(&send->message)) found.push_back(*message);
    }
    return found;
  }
  static std::string text(const Actions& actions) {
    std::string out;
    for (const Action& action : actions) out += "\n  " + to_string(action);
    return out;
  }

  SessionId fresh() { return SessionId{++last_session_}; }
  SessionId join(const WorkerBuilder& builder) {
    const SessionId session = fresh();
    step(PeerHello{session, builder.hello, "test"});
    return session;
  }
  // A worker that has joined, its Welcome and whatever it was granted read.
  SessionId worker(std::uint8_t number, std::uint32_t slots = 1) {
    const SessionId session = join(a_worker(number).slots(slots));
    granted = assigned(take());
    return session;
  }
  SessionId primary(const std::string& name = "ann") {
    const SessionId session = fresh();
    Hello hello;
    hello.role = Role::primary;
    hello.principal = name;
    step(PeerHello{session, hello, "test"});
    take();
    return session;
  }
  // A worker that knows these commands; its Welcome and the like read.
  SessionId commandable(std::uint8_t number, std::vector<std::string> commands) {
    const SessionId session = join(a_worker(number).knows(std::move(commands)));
    granted = assigned(take());
    return session;
  }
  // A Command, and what its handling said.
  void command(SessionId from, std::uint64_t request, CommandTarget target, std::string verb,
               std::vector<WorkerId> workers = {}, std::int64_t deadline_ms = 0) {
    Command message;
    message.request = request;
    message.target = target;
    message.verb = std::move(verb);
    message.workers = std::move(workers);
    message.deadline_ms = deadline_ms;
    receive(from, message);
  }
  void sticky(SessionId from, std::uint64_t request, std::string verb,
              std::string_view payload = "x") {
    Command message;
    message.request = request;
    message.target = CommandTarget::all;
    message.verb = std::move(verb);
    message.payload = bytes(payload);
    message.sticky = true;
    receive(from, message);
  }
  JobId submit(SessionId from, JobBuilder builder) {
    Submit message{++request_, {}, builder.spec};
    message.submit_id.bytes[0] = builder.submit;
    message.submit_id.bytes[1] = static_cast<std::uint8_t>(request_);
    message.submit_id.bytes[2] = static_cast<std::uint8_t>(request_ >> 8);
    receive(from, message);
    const Actions actions = take();
    granted = assigned(actions);
    const auto replies = all<SubmitOk>(actions);
    REQUIRE_MESSAGE(replies.size() == 1, text(actions));
    return replies.front().job;
  }
  static std::vector<AttemptId> assigned(const Actions& actions) {
    std::vector<AttemptId> out;
    for (const Assign& assign : all<Assign>(actions)) {
      for (const AttemptSpec& each : assign.attempts) out.push_back({each.task, each.token});
    }
    return out;
  }

  void start(SessionId from, AttemptId id) {
    receive(from, Started{{id}});
    take();
  }
  static TaskResult ok(AttemptId id) {
    TaskResult result;
    result.task = id.task;
    result.token = id.token;
    result.outcome = Outcome::ok;
    return result;
  }
  static TaskResult error(AttemptId id, bool permanent = false) {
    TaskResult result = ok(id);
    result.outcome = Outcome::error;
    result.error = {static_cast<std::uint16_t>(Code::task_failed), "it broke", 0};
    result.permanent = permanent;
    return result;
  }
  static TaskResult crash(AttemptId id) {
    TaskResult result = error(id);
    result.outcome = Outcome::crashed;
    return result;
  }
  // A heartbeat that lists these; credit as at Hello.
  Heartbeat beat(std::vector<AttemptStatus> listed, std::uint32_t credit = 1) {
    Heartbeat message;
    message.sequence = ++beat_;
    message.credit = credit;
    message.attempts = std::move(listed);
    return message;
  }
  static AttemptStatus status(AttemptId id, AttemptPhase phase) {
    return {id.task, id.token, phase, 0, ""};
  }
  // Act without tasks: on the whole job.
  void act(SessionId from, JobAction action, JobId job, std::vector<std::uint32_t> tasks = {}) {
    receive(from, Act{++request_, action, job, std::move(tasks), 0});
  }

  TaskState state(JobId job, std::uint32_t index = 0) const {
    return core.state().find_job(job)->tasks[index].state;
  }
  JobState job_state(JobId job) const { return core.state().find_job(job)->state(); }
  std::uint64_t hits(std::size_t row) const { return core.state().row_hits()[row]; }

 private:
  static const Options& next_epoch(Options& options) {
    ++options.epoch;
    return options;
  }

  Options options_;
  std::uint64_t last_session_ = 0;
  std::uint64_t request_ = 0;
  std::uint64_t beat_ = 0;
  Actions unread_;

 public:
  Core core;
  TimePoint now;
  std::vector<Record> journal;
  std::uint64_t journal_begins_after = 0;  // the number before its first record
  std::vector<TimePoint> times;    // of the records
  std::vector<AttemptId> granted;  // by the last submit() or worker()
  // A second core that has read the journal and was told nothing else; epoch raised by one.
  std::unique_ptr<Core> replayed() const {
    Options options = options_;
    ++options.epoch;
    auto copy = std::make_unique<Core>(options, 7);
    for (std::size_t i = 0; i < journal.size(); ++i) copy->restore(i + 1, times[i], journal[i]);
    return copy;
  }
  const Options& options() const { return options_; }
};

}  // namespace framebus::broker::test
