// Thousands of seeded random events, sensible and hostile ones, against one core: nothing may break
// an invariant, every record must replay, and a replayed core must know the same.
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>

#include "tests/broker/rig.h"

using namespace framebus;
using namespace framebus::broker;
using namespace framebus::broker::test;

namespace {

// Workers and primaries that do what they like, half of the time something reasonable.
class Walk {
 public:
  explicit Walk(std::uint64_t seed)
      : chance_(seed),
        options_(walk_options(seed)),
        core_(std::make_unique<Core>(options_, seed)),
        now_(seconds(5)) {}

  // Every other walk has an archive and a store whose syncs take time.
  static Options walk_options(std::uint64_t seed) {
    Options options;
    options.ephemeral = seed % 2 == 0;
    options.archive = seed % 2 == 1;
    options.archive_after = seconds(5);
    options.archived_job_kept = seconds(20);
    options.upload_kept = seconds(15);
    options.named_limits = {{"licence", 2}};
    options.queued_tasks_max = 400;
    options.finished_jobs_kept = seconds(40);
    options.event_window = 4;
    return options;
  }

  void event() {
    if (below(500) == 0) return restart();
    switch (below(25)) {
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
      case 15:
      case 16:
        return upload();
      case 17:
        return archive();
      case 18:
        return step(Synced{below(core_->state().lsn + 1)});
      case 19:
      case 20:
        return command();
      case 21:
        return command_reply();
      case 22:
        return ready();
      case 23:
        return log();
      default:
        return send_failed();
    }
  }

  std::unique_ptr<Core> replay() const {
    auto copy = std::make_unique<Core>(options_, 99);
    for (std::size_t i = 0; i < journal.size(); ++i) copy->restore(i + 1, times[i], journal[i]);
    return copy;
  }
  // What a second core makes of the journal is what this one knows, and starting changes nothing.
  void check_replay() const {
    const auto copy = replay();
    const std::string lived = durable_dump(core_->state());
    const std::string replayed = durable_dump(copy->state());
    CHECK_MESSAGE(lived == replayed, first_difference(lived, replayed));
    Actions out;
    copy->step(now_, Synced{}, out);
    copy->check_invariants();
    CHECK(durable_dump(copy->state()) == replayed);
  }

  void stop() { step(Stopping{}); }
  const Core& core() const { return *core_; }
  const Options& options() const { return options_; }
  TimePoint now() const { return now_; }
  std::vector<Record> journal;
  std::vector<TimePoint> times;
  std::uint64_t revived = 0;  // in earlier lives
  // Of all its lives.
  std::array<std::uint64_t, task_row_count + 1> rows() const {
    auto sum = rows_;
    for (std::size_t row = 0; row < sum.size(); ++row) sum[row] += core_->state().row_hits()[row];
    return sum;
  }

 private:
  std::uint64_t below(std::uint64_t bound) { return chance_.below(bound); }
  SessionId any_session() { return SessionId{1 + below(next_session_ + 1)}; }

  void step(const broker::Event& event) {
    Actions out;
    core_->step(now_, event, out);
    core_->check_invariants();
    for (const Action& action : out) {
      if (const auto* persist = std::get_if<Persist>(&action)) {
        journal.push_back(persist->record);
        times.push_back(now_);
      }
      if (const auto* piece = std::get_if<Archive>(&action)) handed_over_.push_back(piece->piece);
      if (const auto* load = std::get_if<LoadArchived>(&action)) wanted_.push_back(load->job);
      const auto* send = std::get_if<Send>(&action);
      if (send == nullptr) continue;
      REQUIRE(send->after_lsn <= core_->state().lsn);
      if (const auto* assign = std::get_if<Assign>(&send->message)) {
        for (const AttemptSpec& each : assign->attempts) {
          held_[send->session].push_back({each.task, each.token});
        }
        if (below(10) == 0) failed_ = {send->session, *assign};
      }
    }
  }
  void receive(SessionId from, Message message) { step(Received{from, std::move(message), {}}); }

  // The broker ends at any moment; the tail of its journal may be lost.
  void restart() {
    rows_ = rows();
    revived += core_->state().counters.jobs_revived;
    const std::size_t lost =
        below(3) == 0 ? below(std::min<std::size_t>(journal.size(), 20) + 1) : 0;
    if (lost == 0) check_replay();
    journal.resize(journal.size() - lost);
    times.resize(journal.size());
    ++options_.epoch;
    core_ = replay();
    handed_over_.clear();
    wanted_.clear();
    now_ += milliseconds(static_cast<std::int64_t>(below(40'000)));
    step(Tick{});
  }

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
      const auto entry = core_->state().sessions.find(session);
      if (entry != core_->state().sessions.end() && entry->second.role == Role::worker)
        return session;
    }
    return any_session();
  }
  SessionId primary_session() {
    for (const auto& [session, peer] : core_->state().sessions) {
      if (peer.role == Role::primary && below(2) == 0) return session;
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
    if (below(3) != 0) builder.knows({"step"});
    if (below(3) == 0) builder.knows({"step", "load"});
    if (below(6) == 0) builder.process(static_cast<std::uint32_t>(below(3)));
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
    if (below(6) == 0) {
      builder.step("sweep", 6).last().axes = {{"a", {bytes("1"), bytes("2")}, 0, 1, 0},
                                              {"b", {}, 5, -2, 3}};
    }
    BlobRef input;
    input.hash.bytes[0] = static_cast<std::uint8_t>(below(5));
    if (below(3) == 0) builder.last().inputs = {input};
    if (below(20) == 0) builder.with_tasks(0);
    builder.priority(static_cast<std::uint32_t>(below(101)));
    Submit message{1, {}, builder.spec};
    message.submit_id.bytes[0] = static_cast<std::uint8_t>(below(200));
    message.submit_id.bytes[1] = static_cast<std::uint8_t>(below(3));
    receive(any_session(), message);
  }
  JobId any_job() { return JobId{1 + below(core_->state().next_job)}; }
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
    receive(session, Watch{request, job, {1, below(core_->state().lsn + 2)}, below(2) == 0});
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
  // Messages of uploads in any order, from anybody; some of them fit.
  void upload() {
    SubmitId id;
    id.bytes[0] = static_cast<std::uint8_t>(below(6));
    id.bytes[5] = 1;
    const auto known = core_->state().uploads.find(id);
    const bool is_open = known != core_->state().uploads.end();
    const std::uint32_t next = is_open ? known->second.next_part : 1;
    switch (below(is_open ? 6 : 2)) {
      case 0: {
        JobBuilder builder = a_job().step("a", static_cast<std::uint32_t>(1 + below(4)));
        BlobRef input;
        input.hash.bytes[0] = static_cast<std::uint8_t>(below(5));
        if (below(3) == 0) builder.last().inputs = {input};
        return receive(any_session(), SubmitOpen{1, id, builder.spec});
      }
      case 1: {
        SipHasher hasher = is_open ? known->second.parts : SipHasher(SipKey{});
        const SipHash digest = hasher.finish();
        const auto parts = static_cast<std::uint32_t>(next - 1 + below(8) / 7);
        return receive(any_session(), SubmitCommit{1, id, parts, {digest.begin(), digest.end()}});
      }
      default: {
        SubmitPart part{1, id, static_cast<std::uint32_t>(next + below(5) / 4), 0, {}};
        for (std::uint64_t left = below(3); left > 0; --left) part.task_params.push_back({1, 2});
        return receive(any_session(), std::move(part));
      }
    }
  }
  // Commands to anybody about anything, now and then sticky; orders to workers.
  void command() {
    if (below(8) == 0) {
      Administer order{5, static_cast<WorkerAction>(below(6)), any_worker(), "walk"};
      return receive(primary_session(), order);
    }
    Command message;
    message.request = below(50);
    message.target = static_cast<CommandTarget>(below(5));
    message.verb = below(3) == 0 ? "load:" + std::to_string(below(3)) : "step";
    if (message.target == CommandTarget::named) {
      while (message.workers.empty() || below(2) == 0) message.workers.push_back(any_worker());
    }
    message.payload = Bytes(below(3), 1);
    message.deadline_ms = below(2) == 0 ? 0 : static_cast<std::int64_t>(below(4'000));
    message.sticky = message.verb != "step" && below(4) == 0;
    receive(primary_session(), message);
  }
  WorkerId any_worker() { return worker_id(static_cast<std::uint8_t>(1 + below(7))); }
  // Mostly what the worker was asked, or has to prepare.
  void command_reply() {
    const SessionId session = worker_session();
    CommandReply message;
    message.command = core_->state().next_command - below(12);
    const auto entry = core_->state().sessions.find(session);
    if (entry != core_->state().sessions.end() && below(4) != 0) {
      const Worker* worker = core_->state().find_worker(entry->second.worker);
      if (worker != nullptr && !worker->asked.empty()) message.command = *worker->asked.begin();
    }
    if (below(4) == 0) message.error = {15, "walk", 0};
    receive(session, message);
  }
  void ready() {
    const SessionId session = worker_session();
    const std::uint64_t newest = core_->state().last_load_id;
    Ready message{newest - std::min(newest, below(3)), "load:" + std::to_string(below(3)), {}, {}};
    const auto entry = core_->state().sessions.find(session);
    if (entry != core_->state().sessions.end() && below(4) != 0) {
      const Worker* worker = core_->state().find_worker(entry->second.worker);
      if (worker != nullptr && !worker->loads.empty()) {
        message.verb = worker->loads.begin()->first;
        message.load_id = worker->loads.begin()->second.load_id;
      }
    }
    if (below(4) == 0) message.error = {15, "walk", 0};
    receive(session, message);
  }
  void log() {
    const SessionId session = worker_session();
    if (below(3) == 0) {
      return receive(any_session(), LogRead{6,
                                            {any_job(), static_cast<std::uint32_t>(below(9))},
                                            1,
                                            below(20),
                                            below(9),
                                            below(2) == 0});
    }
    Log message;
    for (const AttemptId& id : some(session)) message.chunks.push_back({id.task, id.token, 0, {1}});
    receive(session, message);
  }
  // The archive takes a piece or fails, brings a job or fails, is asked for blobs.
  void archive() {
    if (!handed_over_.empty()) {
      const JobImage piece = std::move(handed_over_.front());
      handed_over_.erase(handed_over_.begin());
      const bool fails = below(4) == 0;
      if (!fails && piece.first_task == 0) archived_[piece.job].clear();
      if (!fails) archived_[piece.job].push_back(piece);
      return step(Archived{piece.job, piece.first_task, fails ? "walk" : ""});
    }
    if (!wanted_.empty()) {
      const JobId job = wanted_.front();
      wanted_.erase(wanted_.begin());
      const bool fails = below(4) == 0;
      return step(ArchiveLoaded{job, fails ? std::vector<JobImage>{} : archived_[job],
                                fails && below(2) == 0 ? "walk" : ""});
    }
    if (!archived_.empty() && below(2) == 0) {
      auto job = archived_.begin();
      std::advance(job, static_cast<std::ptrdiff_t>(below(archived_.size())));
      return receive(any_session(), Act{2, JobAction::retry, job->first, {}, 0});
    }
    BlobHash blob;
    blob.bytes[0] = static_cast<std::uint8_t>(below(6));
    step(BlobsOffered{{blob}});
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
  Options options_;
  std::unique_ptr<Core> core_;
  std::array<std::uint64_t, task_row_count + 1> rows_{};
  TimePoint now_;
  std::uint64_t next_session_ = 0;
  std::map<SessionId, std::vector<AttemptId>> held_;
  std::pair<SessionId, Message> failed_;
  std::vector<JobImage> handed_over_;
  std::vector<JobId> wanted_;
  std::map<JobId, std::vector<JobImage>> archived_;
};

}  // namespace

TEST_CASE("random walk: invariants hold after every event, and replay gives the same state") {
  std::array<std::uint64_t, task_row_count + 1> rows{};
  std::uint64_t revived = 0;
  std::int64_t uploaded = 0;
  Counters sum;
  std::uint64_t answers = 0;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    INFO("seed ", seed);
    Walk walk(seed);
    for (int i = 0; i < 3000; ++i) walk.event();
    for (std::size_t row = 1; row <= task_row_count; ++row) rows[row] += walk.rows()[row];
    const Counters& counters = walk.core().state().counters;
    revived += walk.revived + counters.jobs_revived;
    sum.command_replies += counters.command_replies;
    sum.command_replies_late += counters.command_replies_late;
    sum.commands_late += counters.commands_late;
    sum.readies_stale += counters.readies_stale;
    sum.loads_failed += counters.loads_failed;
    sum.orders += counters.orders;
    sum.workers_removed += counters.workers_removed;
    sum.log_chunks += counters.log_chunks;
    sum.log_chunks_dropped += counters.log_chunks_dropped;
    answers += walk.core().state().ledger.answers_given;
    uploaded += std::count_if(walk.journal.begin(), walk.journal.end(), [](const Record& each) {
      const auto* job = std::get_if<JobAccepted>(&each);
      return job != nullptr && job->uploaded;
    });
    walk.check_replay();
  }
  std::printf("random walk: %llu answers of workers, %llu replies\n",
              static_cast<unsigned long long>(answers),
              static_cast<unsigned long long>(sum.command_replies));
  for (const std::uint64_t seen :
       {answers, sum.command_replies, sum.command_replies_late, sum.commands_late,
        sum.readies_stale, sum.loads_failed, sum.orders, sum.workers_removed, sum.log_chunks,
        sum.log_chunks_dropped}) {
    CHECK(seen > 0);
  }
  for (std::size_t row = 1; row <= task_row_count; ++row) {
    CHECK_MESSAGE(rows[row] > 0, "row ", row, " was never taken");
  }
  std::printf("random walk: %llu jobs revived, %lld uploaded\n",
              static_cast<unsigned long long>(revived), static_cast<long long>(uploaded));
  CHECK(revived > 0);
  CHECK(uploaded > 0);
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

TEST_CASE("random walk: at its end the broker leaves no request without an answer") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    INFO("seed ", seed);
    Walk walk(seed);
    for (int i = 0; i < 1500; ++i) walk.event();
    walk.stop();
    CHECK(walk.core().state().commands.empty());
    CHECK(walk.core().state().archive.parked == 0);
  }
}
