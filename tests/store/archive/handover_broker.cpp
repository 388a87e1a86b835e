// See handover_broker.h.
#include "tests/store/archive/handover_broker.h"

#include "broker/core/state.h"

namespace framebus::broker::test {
namespace {

const SessionId worker{1};
const SessionId primary{2};
constexpr std::uint32_t slots = 4;
constexpr Duration beat_every = milliseconds(50);
constexpr std::size_t rounds_max = 10'000;  // of one settle(): more would be for ever

Options options_of(std::uint64_t epoch) {
  Options options;
  options.epoch = epoch;
  options.ephemeral = false;
  options.archive = true;
  options.archive_after = milliseconds(100);
  options.finished_jobs_kept = milliseconds(300);
  options.archived_job_kept = milliseconds(500);
  options.retry_base = options.retry_max = milliseconds(1);
  options.restart_grace = milliseconds(200);
  return options;
}

testing::SteppedStore::Options store_options() {
  testing::SteppedStore::Options options;
  options.journal.directory = "/data/journal";
  options.journal.segment_bytes = 4'096;
  options.journal.free_bytes_min = 0;
  options.journal.compact_dead_bytes_min = 8'192;
  options.journal.salt = 99;
  return options;
}

Hello hello_of(Role role) {
  Hello hello;
  hello.role = role;
  hello.program = "test";
  hello.principal = "ann";
  if (role != Role::worker) return hello;
  hello.worker.id.bytes[0] = 1;
  hello.worker.host = "host";
  hello.worker.pid = 1;
  hello.worker.slots = hello.worker.threads = slots;
  hello.worker.task_types = {"echo"};
  return hello;
}

Bytes result_of(const AttemptSpec& attempt) {
  const std::string text = "result of " + to_string(attempt.task) + " by grant " +
                           std::to_string(attempt.token.epoch) + "." +
                           std::to_string(attempt.token.grant);
  return {text.begin(), text.end()};
}

}  // namespace

HandoverBroker::HandoverBroker(Disk& disk, const char* vfs, Told& told, bool is_hasty)
    : disk_(disk), vfs_(vfs), told_(told), is_hasty_(is_hasty), store_(disk, store_options()) {}

Status HandoverBroker::start() {
  FRAMEBUS_ASSIGN(archive_, JobArchive::open("/data/archive.db", {}, {vfs_, &disk_}));
  FRAMEBUS_ASSIGN(const ArchiveHighest highest, archive_->highest());
  core_ = std::make_unique<Core>(options_of(++told_.epoch), 1);
  FRAMEBUS_TRY(store_.replay([&](std::uint64_t lsn, TimePoint at, const Record& record) {
    core_->restore(lsn, at, record);
  }));
  core_->reserve_jobs(highest.job);
  pipeline_ = std::make_unique<CommitPipeline>(store_);
  is_up_ = true;
  step(PeerHello{worker, hello_of(Role::worker), "test"});
  step(PeerHello{primary, hello_of(Role::primary), "test"});
  settle();
  return {};
}

void HandoverBroker::step(const Event& event) {
  if (!is_up_) return;
  Actions actions;
  core_->step(told_.now, event, actions);
  core_->check_invariants();
  is_up_ = pipeline_->append(told_.now, std::move(actions)).has_value();
}

// Until nothing moves any more: group commit, release, and what comes of it.
void HandoverBroker::settle() {
  for (std::size_t round = 0; is_up_; ++round) {
    FRAMEBUS_CHECK(round < rounds_max, "the broker and its peers come to rest");
    store_.work();
    const auto synced = pipeline_->poll();
    if (!synced) {
      is_up_ = false;
      return;
    }
    if (*synced) step(**synced);
    if (is_up_)
      pipeline_->release([this](Action&& action) {
        if (is_up_) carry_out(std::move(action));
      });
    store_.upkeep();
    if (events_.empty() && !store_.has_work()) return;
    if (events_.empty()) continue;
    const Event event = std::move(events_.front());
    events_.pop_front();
    step(event);
  }
}

void HandoverBroker::carry_out(Action&& action) {
  if (const auto* send = std::get_if<Send>(&action)) return receive(send->message);
  if (const auto* piece = std::get_if<Archive>(&action)) return put(*piece);
  if (const auto* wanted = std::get_if<LoadArchived>(&action)) {
    auto pieces = archive_->load(wanted->job);
    ArchiveLoaded loaded{wanted->job, {}, ""};
    if (pieces) {
      loaded.pieces = std::move(*pieces);
    } else if (pieces.error().code != Code::not_found) {
      loaded.error = pieces.error().message;
    }
    events_.push_back(std::move(loaded));
  }
}

void HandoverBroker::put(const Archive& action) {
  const JobImage& piece = action.piece;
  if (is_hasty_) {
    late_pieces_.push_back(piece);
    return events_.push_back(Archived{piece.job, piece.first_task, ""});
  }
  const Status done = archive_->put(piece);
  events_.push_back(
      Archived{piece.job, piece.first_task, done ? std::string() : done.error().message});
}

// What the peers hear.
void HandoverBroker::receive(const Message& message) {
  if (const auto* assign = std::get_if<Assign>(&message)) return answer_assign(*assign);
  if (const auto* ok = std::get_if<ResultsOk>(&message)) {
    for (const AttemptId& id : ok->attempts)
      if (const auto found = reported_.find(id.task); found != reported_.end())
        told_.results[id.task] = found->second;
  }
  if (const auto* ok = std::get_if<SubmitOk>(&message)) {
    const std::string& name = submits_.at(ok->request);
    const auto [known, is_new] = told_.jobs.emplace(name, ok->job);
    if (!is_new && known->second != ok->job) told_.wrong.push_back(name + " is two jobs");
  }
  if (const auto* ok = std::get_if<ActOk>(&message)) told_.retried.insert(retries_.at(ok->request));
  if (const auto* error = std::get_if<ErrorReply>(&message))
    told_.wrong.push_back("refused: " + error->error.message);
  if (const auto* reply = std::get_if<QueryReply>(&message))
    for (const JobSummary& job : reply->jobs) last_list_.push_back(job.id);
}

void HandoverBroker::answer_assign(const Assign& assign) {
  Results results;
  for (const AttemptSpec& attempt : assign.attempts) {
    TaskResult result;
    result.task = attempt.task;
    result.token = attempt.token;
    const Job* job = core_->state().find_job(attempt.task.job);
    if (job != nullptr && job->spec.name == fails_at_first && attempt.task.index == 0 &&
        !told_.retried.contains(attempt.task.job)) {
      result.outcome = Outcome::error;
      result.error = {static_cast<std::uint16_t>(Code::task_failed), "at first", 0};
      result.permanent = true;
    } else {
      result.outcome = Outcome::ok;
      result.result = result_of(attempt);
      reported_[attempt.task] = result.result;
    }
    results.results.push_back(std::move(result));
  }
  events_.push_back(Received{worker, std::move(results), {}});
}

void HandoverBroker::submit(const std::string& name, std::uint32_t tasks) {
  if (!is_up_) return;
  Submit message;
  message.request = ++told_.requests;
  std::copy_n(name.begin(), std::min<std::size_t>(name.size(), 16),
              message.submit_id.bytes.begin());
  message.job.name = name;
  StepSpec step_spec;
  step_spec.name = "work";
  step_spec.type = "echo";
  step_spec.task_count = tasks;
  message.job.steps = {step_spec};
  submits_[message.request] = name;
  step(Received{primary, std::move(message), {}});
  settle();
}

void HandoverBroker::retry(JobId job) {
  if (!is_up_) return;
  Act message;
  message.request = ++told_.requests;
  message.action = JobAction::retry;
  message.job = job;
  retries_[message.request] = job;
  step(Received{primary, message, {}});
  settle();
}

void HandoverBroker::beat() {
  Heartbeat beat;
  beat.sequence = ++beats_;
  beat.credit = slots;
  step(Received{worker, beat, {}});
}

void HandoverBroker::pass(Duration time) {
  for (const TimePoint end = told_.now + time; is_up_ && told_.now < end;) {
    told_.now += beat_every;
    beat();
    step(Tick{});
    settle();
  }
  // The next thing a hasty one does is what it has said was done.
  for (; !late_pieces_.empty(); late_pieces_.pop_front())
    if (is_up_) (void)archive_->put(late_pieces_.front());
}

void HandoverBroker::compact() {
  if (!is_up_) return;
  (void)store_.journal().request_compaction();  // a crash within is what the tests are for
  store_.upkeep();
  settle();
}

std::vector<JobId> HandoverBroker::listed() {
  last_list_.clear();
  Query query;
  query.request = ++told_.requests;
  query.kind = QueryKind::jobs;
  step(Received{primary, query, {}});
  settle();
  return last_list_;
}

}  // namespace framebus::broker::test
