// Thousands of seeded random events, sensible and hostile ones, against one core: nothing may break
// an invariant, every record must replay, and a replayed core must know the same.
#include <map>

#include "tests/broker/rig.h"

using namespace framebus;
using namespace framebus::broker;
using namespace framebus::broker::test;

namespace {

// Workers and primaries that do what they like, half of the time something reasonable.
class Walk {
 public:
  explicit Walk(std::uint64_t seed)
      : chance_(seed), core_(walk_options(), seed), now_(seconds(5)) {}

  static Options walk_options() {
    Options options;
    options.named_limits = {{"licence", 2}};
    options.queued_tasks_max = 400;
    options.finished_jobs_kept = seconds(40);
    options.event_window = 4;
    return options;
  }

  void event() {
    switch (below(16)) {
      case 0:
        return hello();
      case 1:
        return lost();
      case 2:
        return submit();
      case 3:
        return act();
      case 4:
        return query();
      case 5:
        return watch();
      case 6:
      case 7:
        return tick();
      case 8:
      case 9:
        return heartbeat();
      case 10:
        return started();
      case 11:
      case 12:
        return results();
      case 13:
        return aborted();
      case 14:
        return hostile();
      default:
        return send_failed();
    }
  }

  const Core& core() const { return core_; }
  std::vector<Record> journal;
  std::array<std::uint64_t, task_row_count + 1> rows() const { return core_.state().row_hits(); }

 private:
  std::uint64_t below(std::uint64_t bound) { return chance_.below(bound); }
  SessionId any_session() { return SessionId{1 + below(next_session_ + 1)}; }

  void step(const broker::Event& event) {
    Actions out;
    core_.step(now_, event, out);
    core_.check_invariants();
    for (const Action& action : out) {
      if (const auto* persist = std::get_if<Persist>(&action)) journal.push_back(persist->record);
      const auto* send = std::get_if<Send>(&action);
      if (send == nullptr) continue;
      REQUIRE(send->after_lsn <= core_.state().lsn);
      if (const auto* assign = std::get_if<Assign>(&send->message)) {
        for (const AttemptSpec& each : assign->attempts) {
          held_[send->session].push_back({each.task, each.token});
        }
        if (below(10) == 0) failed_ = {send->session, *assign};
      }
    }
  }
  void receive(SessionId from, Message message) { step(Received{from, std::move(message), {}}); }

  // Some of what a session holds, mostly its own.
  std::vector<AttemptId> some(SessionId session) {
    std::vector<AttemptId> out;
    const auto entry = held_.find(below(20) == 0 ? any_session() : session);
    if (entry == held_.end()) return out;
    for (const AttemptId& each : entry->second) {
      if (below(3) == 0) out.push_back(each);
      if (out.size() > 6) break;
    }
    if (!out.empty() && below(30) == 0) out.front().token.mac[3] ^= 1;
    return out;
  }
  SessionId worker_session() {
    for (int tries = 0; tries < 8; ++tries) {
      const SessionId session = any_session();
      const auto entry = core_.state().sessions.find(session);
      if (entry != core_.state().sessions.end() && entry->second.role == Role::worker)
        return session;
    }
    return any_session();
  }
  AttemptPhase any_phase() { return static_cast<AttemptPhase>(below(4)); }

  void hello() {
    const SessionId session{++next_session_};
    if (below(3) == 0) {
      Hello hello;
      hello.role = Role::primary;
      hello.principal = below(2) == 0 ? "ann" : "bob";
      return step(PeerHello{session, hello, "walk"});
    }
    WorkerBuilder builder = a_worker(static_cast<std::uint8_t>(1 + below(6)));
    builder.slots(static_cast<std::uint32_t>(below(4)))
        .prefetch(static_cast<std::uint32_t>(below(3)));
    if (below(3) == 0) builder.types({"echo", "render"});
    for (const AttemptId& id : some(any_session())) builder.holds(id, any_phase());
    const SessionId before = any_session();
    held_[session] = held_[before];
    step(PeerHello{session, builder.hello, "walk"});
  }
  void lost() {
    if (below(2) == 0) return step(PeerLost{any_session(), "walk"});
    if (below(4) == 0) receive(any_session(), Goodbye{"walk"});
  }
  void submit() {
    JobBuilder builder = a_job().step("a", static_cast<std::uint32_t>(1 + below(8)));
    if (below(2) == 0) builder.step("b", builder.spec.steps[0].task_count).after(0, below(2) == 0);
    if (below(4) == 0) builder.step("c", 3, "render").after(0);
    if (below(5) == 0) builder.once();
    if (below(5) == 0) builder.limit("licence", 1);
    if (below(5) == 0) builder.stopping();
    if (below(5) == 0) builder.parallel(2);
    if (below(5) == 0) builder.deadline_ms(static_cast<std::int64_t>(1 + below(20'000)));
    if (below(4) == 0) builder.timeout_ms(static_cast<std::int64_t>(1 + below(9'000)));
    if (below(3) == 0) builder.strategy(Strategy::roundrobin);
    if (below(6) == 0) builder.attempts(1);
    if (below(20) == 0) builder.with_tasks(0);
    builder.priority(static_cast<std::uint32_t>(below(101)));
    Submit message{1, {}, builder.spec};
    message.submit_id.bytes[0] = static_cast<std::uint8_t>(below(200));
    message.submit_id.bytes[1] = static_cast<std::uint8_t>(below(3));
    receive(any_session(), message);
  }
  JobId any_job() { return JobId{1 + below(core_.state().next_job)}; }
  void act() {
    Act message{
        2, static_cast<JobAction>(below(7)), any_job(), {}, static_cast<std::uint32_t>(below(120))};
    while (below(2) == 0) message.tasks.push_back(static_cast<std::uint32_t>(below(10)));
    receive(any_session(), message);
  }
  void query() {
    Query message{3,
                  static_cast<QueryKind>(below(9)),
                  {any_job(), static_cast<std::uint32_t>(below(9))},
                  static_cast<std::uint32_t>(below(5)),
                  static_cast<std::uint32_t>(below(4))};
    receive(any_session(), message);
  }
  void watch() {
    const SessionId session = any_session();
    const std::uint64_t request = below(4);
    if (below(3) == 0) return receive(session, Unwatch{request});
    if (below(2) == 0) return receive(session, EventsOk{request, below(40)});
    const JobId job = below(4) == 0 ? JobId{} : any_job();
    receive(session, Watch{request, job, {1, below(core_.state().lsn + 2)}, below(2) == 0});
  }
  void tick() {
    now_ += milliseconds(static_cast<std::int64_t>(below(below(8) == 0 ? 16'000 : 900)));
    step(Tick{below(20) == 0 ? Duration(seconds(5)) : Duration(0)});
  }
  void heartbeat() {
    const SessionId session = worker_session();
    Heartbeat message;
    message.credit = static_cast<std::uint32_t>(below(10) == 0 ? 4'000'000'000 : below(6));
    message.draining = below(12) == 0;
    message.load.cpu_permille = static_cast<std::uint32_t>(below(2000));
    message.load.bandwidth_bytes_per_s = chance_.next();
    for (const AttemptId& id : some(session)) {
      message.attempts.push_back(
          {id.task, id.token, any_phase(), static_cast<std::uint32_t>(below(3000)), ""});
    }
    receive(session, message);
  }
  void started() {
    const SessionId session = worker_session();
    receive(session, Started{some(session)});
  }
  void results() {
    const SessionId session = worker_session();
    Results message;
    for (const AttemptId& id : some(session)) {
      TaskResult result = Rig::ok(id);
      const std::uint64_t way = below(8);
      if (way == 5) result = Rig::error(id);
      if (way == 6) result = Rig::crash(id);
      if (way == 7) result = Rig::error(id, below(2) == 0);
      message.results.push_back(result);
      if (below(4) == 0) message.results.push_back(result);
    }
    receive(session, message);
  }
  void aborted() {
    const SessionId session = worker_session();
    receive(session, Aborted{some(session)});
  }
  void send_failed() {
    if (failed_.first.is_none()) return;
    step(SendFailed{failed_.first, failed_.second});
    failed_ = {};
  }
  // Messages that no honest peer sends, and references to nothing.
  void hostile() {
    const AttemptId nothing{{any_job(), static_cast<std::uint32_t>(chance_.next())},
                            {below(3), below(50), {}}};
    switch (below(8)) {
      case 0:
        return receive(any_session(), Welcome{});
      case 1:
        return receive(any_session(), Hello{});
      case 2:
        return receive(worker_session(), Results{{Rig::ok(nothing)}});
      case 3:
        return receive(worker_session(), Started{{nothing, nothing}});
      case 4:
        return receive(worker_session(), Progress{{{nothing.task, nothing.token, {}, 9, ""}}});
      case 5:
        return receive(worker_session(), Aborted{{nothing}});
      case 6:
        return step(StorePressure{below(2) == 0, "walk"});
      default: {
        Act message{1, JobAction::cancel, any_job(), {UINT32_MAX}, 0};
        return receive(any_session(), message);
      }
    }
  }

  Chance chance_;
  Core core_;
  TimePoint now_;
  std::uint64_t next_session_ = 0;
  std::map<SessionId, std::vector<AttemptId>> held_;
  std::pair<SessionId, Message> failed_;
};

std::vector<TaskState> states_of(const Core& core) {
  std::vector<TaskState> all;
  for (const auto& [id, job] : core.state().jobs) {
    for (const Task& task : job.tasks) all.push_back(task.state);
  }
  return all;
}

}  // namespace

TEST_CASE("random walk: invariants hold after every event, and replay gives the same state") {
  std::array<std::uint64_t, task_row_count + 1> rows{};
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    INFO("seed ", seed);
    Walk walk(seed);
    for (int i = 0; i < 3000; ++i) walk.event();
    for (std::size_t row = 1; row <= task_row_count; ++row) rows[row] += walk.rows()[row];
    Core copy(Walk::walk_options(), 99);
    for (std::size_t i = 0; i < walk.journal.size(); ++i) copy.restore(i + 1, {}, walk.journal[i]);
    CHECK(states_of(copy) == states_of(walk.core()));
    CHECK(copy.state().next_grant == walk.core().state().next_grant);
    CHECK(copy.state().submits.size() == walk.core().state().submits.size());
    Actions out;
    copy.step(TimePoint(seconds(1)), Tick{}, out);
    copy.check_invariants();
  }
  for (std::size_t row = 1; row <= task_row_count; ++row) {
    CHECK_MESSAGE(rows[row] > 0, "row ", row, " was never taken");
  }
}

TEST_CASE("random walk: the same seed gives the same records") {
  Walk one(5);
  Walk two(5);
  for (int i = 0; i < 1000; ++i) {
    one.event();
    two.event();
  }
  CHECK(one.journal == two.journal);
}
