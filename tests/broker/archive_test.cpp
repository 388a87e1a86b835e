// Finished jobs on their way to the archive, and back when somebody asks for them.
#include <algorithm>

#include "broker/core/job_image.h"
#include "broker/core/summary.h"
#include "tests/broker/archive_rig.h"

using namespace framebus;
using namespace framebus::broker;
using namespace framebus::broker::test;

namespace {

const JobId first{1};

int code(Code value) {
  return static_cast<int>(value);
}

}  // namespace

TEST_CASE("archive: handed over some time after the end, forgotten later, never before") {
  Library rig;
  rig.step(PeerLost{rig.one, "not needed"});
  rig.take();
  rig.submit(rig.ann, a_job().with_tasks(3));
  rig.act(rig.ann, JobAction::cancel, first);
  rig.take();
  rig.tick(seconds(30) - milliseconds(1));
  rig.expect({});
  rig.tick(milliseconds(1));
  rig.expect({"Archive job 1 from 0 last after 2"});
  rig.tick(seconds(500));
  rig.expect({});
  rig.step(Archived{first, 0, ""});
  rig.expect({"Persist 3 JobForgotten{job=1 submit_id=* digest=16 bytes task_count=3 archived=1}"});
}

TEST_CASE("archive: pieces are bounded, one is out at a time, equal tasks are one entry") {
  Library rig;
  rig.submit(rig.ann, a_job().step("many", 500'000).step("few", 3));
  rig.step(PeerLost{rig.one, "not needed"});
  rig.take();
  rig.act(rig.ann, JobAction::cancel, first);
  rig.take();
  rig.tick(seconds(30));
  const Actions actions = rig.take();
  REQUIRE(actions.size() == 1);
  const JobImage& piece = std::get<Archive>(actions[0]).piece;
  CHECK(piece.last);
  // Task 0 was granted once.
  REQUIRE(piece.tasks.size() == 2);
  CHECK(piece.tasks[1].index == 1);
  CHECK(piece.tasks[1].count == 500'002);

  Library other;
  JobBuilder wide = a_job().with_tasks(40);
  for (int i = 0; i < 40; ++i) wide.last().task_params.push_back(Bytes(200'000));
  other.submit(other.ann, wide);
  other.step(PeerLost{other.one, "not needed"});
  other.take();
  other.act(other.ann, JobAction::cancel, first);
  other.take();
  other.tick(seconds(30));
  std::uint32_t count = 0;
  std::uint32_t tasks = 0;
  std::uint64_t params = 0;
  for (;;) {
    const Actions step = other.take();
    if (step.empty()) break;
    REQUIRE(step.size() == 1);
    const JobImage image = std::get<Archive>(step[0]).piece;
    CHECK(image.first_task == tasks);
    CHECK(bytes_of(image.spec) < 3'000'000);
    for (const TaskImage& each : image.tasks) tasks += each.count;
    params += image.spec.steps.at(0).task_params.size();
    ++count;
    other.tick(seconds(1));  // nothing more before its answer
    other.expect({});
    other.step(Archived{first, image.first_task, ""});
  }
  CHECK(count > 2);
  CHECK(tasks == 40);
  CHECK(params == 40);
  CHECK(other.core.state().find_job(first)->archived);
}

TEST_CASE("archive: what failed is tried again, later and later, and noted") {
  Library rig;
  rig.step(PeerLost{rig.one, "not needed"});
  rig.take();
  rig.submit(rig.ann, a_job().with_tasks(1));
  rig.act(rig.ann, JobAction::cancel, first);
  rig.take();
  rig.tick(seconds(30));
  rig.take();
  for (int wait_s : {1, 2, 4}) {
    rig.step(Archived{first, 0, "disk full"});
    rig.expect({});
    rig.tick(seconds(wait_s) - milliseconds(1));
    rig.expect({});
    rig.tick(milliseconds(1));
    rig.expect({"Archive job 1 from 0 last after 2"});
  }
  CHECK(rig.core.state().counters.archive_errors == 3);
  rig.step(Archived{first, 0, ""});
  CHECK(rig.core.state().find_job(first)->archived);
}

TEST_CASE("archive: after an error the hand-over begins again with the first piece") {
  Library rig;
  rig.step(PeerLost{rig.one, "not needed"});
  rig.take();
  JobBuilder wide = a_job().with_tasks(40);
  for (int i = 0; i < 40; ++i) wide.last().task_params.push_back(Bytes(200'000));
  rig.submit(rig.ann, wide);
  rig.act(rig.ann, JobAction::cancel, first);
  rig.take();
  rig.tick(seconds(30));
  rig.expect({"Archive job 1 from 0 after 2"});
  rig.step(Archived{first, 0, ""});
  const Actions second = rig.take();
  REQUIRE(second.size() == 1);
  const std::uint32_t begins = std::get<Archive>(second[0]).piece.first_task;
  REQUIRE(begins > 0);
  rig.step(Archived{first, begins, "a piece is missing; begin again with the first"});
  rig.expect({});
  rig.tick(seconds(1));
  rig.pieces.clear();
  CHECK(rig.commit_all(rig.take()).empty());
  CHECK(rig.pieces.at(0).first_task == 0);
  CHECK(rig.core.state().find_job(first)->archived);
}

TEST_CASE("archive: a job that runs again meanwhile is handed over anew after its next end") {
  Library rig;
  rig.submit(rig.ann, a_job().with_tasks(1).attempts(1));
  rig.receive(rig.one, Results{{Rig::error(rig.granted.at(0))}});
  rig.take();
  rig.pass(seconds(30));
  CHECK(rig.take().size() == 1);
  rig.act(rig.ann, JobAction::retry, first);
  const auto again = Rig::assigned(rig.take());
  rig.step(Archived{first, 0, ""});
  rig.expect({});
  CHECK(!rig.core.state().find_job(first)->archived);
  rig.receive(rig.one, Results{{Rig::ok(again.at(0))}});
  rig.take();
  rig.pass(seconds(30));
  const Actions actions = rig.take();
  REQUIRE(actions.size() == 1);
  CHECK(std::get<Archive>(actions[0]).piece.state == JobState::succeeded);
  rig.step(Archived{first, 0, ""});
  CHECK(rig.core.state().find_job(first)->archived);
}

TEST_CASE("archive: after a restart it is handed over once more") {
  Library before;
  before.submit(before.ann, a_job().with_tasks(1));
  before.receive(before.one, Results{{Rig::ok(before.granted.at(0))}});
  before.take();
  before.pass(seconds(30));
  before.commit_all(before.take());
  Library rig(before, seconds(60));
  rig.step(Tick{});
  rig.expect({"Archive job 1 from 0 last after 3"});
  rig.step(Archived{first, 0, ""});
  rig.pass(seconds(20));
  rig.expect({"Persist 4 JobForgotten*"});
}

TEST_CASE("archive: when it can not keep up, finished jobs stay and new ones are refused") {
  Options options = archiving();
  options.queued_spec_bytes_max = 30'000;
  Library rig(options);
  JobBuilder heavy = a_job().with_tasks(1);
  heavy.last().params = Bytes(12'000);
  for (int i = 0; i < 3; ++i) {
    rig.submit(rig.ann, heavy);
    rig.receive(rig.one, Results{{Rig::ok(rig.granted.at(0))}});
    const Actions actions = rig.take();
    // The third is too much: the oldest is handed over at once.
    CHECK(std::count_if(actions.begin(), actions.end(), [](const Action& each) {
            return std::holds_alternative<Archive>(each);
          }) == (i == 2 ? 1 : 0));
  }
  rig.receive(rig.ann, Submit{1, {{99}}, a_job().with_tasks(1).spec});
  const WireError error = rig.only<ErrorReply>().error;
  CHECK(error.code == code(Code::resource_exhausted));
  CHECK(error.retry_after_ms > 0);
  CHECK(error.message.find("archive") != std::string::npos);
  CHECK(rig.core.state().jobs.size() == 3);
  rig.step(Archived{first, 0, ""});
  rig.expect({"Persist 10 JobForgotten{job=1 *"});
  rig.submit(rig.ann, a_job().with_tasks(1));
}

TEST_CASE("archive: jobs that it has and a watcher holds are told as waiting for the watcher") {
  Options options = archiving();
  options.queued_spec_bytes_max = 50'000;
  options.event_window = 2;
  Library rig(options);
  rig.submit(rig.ann, a_job().with_tasks(1));
  const AttemptId attempt = rig.granted.at(0);
  rig.receive(rig.ann, Watch{5, first, {}, false});
  rig.take();
  rig.start(rig.one, attempt);  // the window is full
  TaskResult result = Rig::ok(attempt);
  result.result = Bytes(60'000, 1);
  rig.receive(rig.one, Results{{result}});
  rig.take();
  const auto refusal = [&](std::uint8_t id) {
    rig.receive(rig.ann, Submit{id, {{id}}, a_job().with_tasks(1).spec});
    return rig.only<ErrorReply>().error.message;
  };
  CHECK(refusal(98).find("the archive, which can not keep up") != std::string::npos);
  rig.step(Archived{first, 0, ""});
  rig.take();
  REQUIRE(rig.core.state().find_job(first) != nullptr);
  CHECK(refusal(99).find("watchers that lag") != std::string::npos);
}

TEST_CASE("archived: a request waits for its job, which then answers for a while") {
  Library rig;
  rig.archive_one(a_job().with_tasks(3));
  rig.ask(50);
  rig.expect({"LoadArchived job 1"});
  rig.ask(51, QueryKind::tasks);
  rig.expect({});
  rig.step(ArchiveLoaded{first, rig.pieces, ""});
  const auto replies = Rig::all<QueryReply>(rig.take());
  REQUIRE(replies.size() == 2);
  CHECK(replies[0].request == 50);
  CHECK(replies[0].jobs.at(0).state == JobState::cancelled);
  CHECK(replies[0].jobs.at(0).owner == "ann");
  CHECK(replies[1].tasks.size() == 3);
  rig.ask(52);
  CHECK(rig.only<QueryReply>().request == 52);
  // It is no job of this broker: lists and dumps are without it.
  rig.receive(rig.ann, Query{53, QueryKind::jobs, {}, 0, 0});
  CHECK(rig.only<QueryReply>().total == 0);
  rig.pass(seconds(299));
  rig.take();
  CHECK(rig.core.state().archive.copies == 1);
  rig.pass(seconds(1));
  rig.take();
  CHECK(rig.core.state().jobs.empty());
  rig.ask(54);
  rig.expect({"LoadArchived job 1"});
}

TEST_CASE("archived: none, unreadable, damaged, unknown: four answers") {
  Library rig;
  rig.archive_one(a_job().with_tasks(3));
  const auto answer = [&](std::vector<JobImage> pieces, std::string error) {
    rig.ask(50);
    rig.expect({"LoadArchived job 1"});
    rig.step(ArchiveLoaded{first, std::move(pieces), std::move(error)});
    return rig.only<ErrorReply>().error;
  };
  CHECK(answer({}, "").code == code(Code::not_found));
  const WireError unreadable = answer({}, "disk");
  CHECK(unreadable.code == code(Code::unavailable));
  CHECK(unreadable.retry_after_ms > 0);
  std::vector<JobImage> damaged = rig.pieces;
  SUBCASE("a state that is none") {
    damaged[0].tasks[0].state = TaskState::queued;
  }
  SUBCASE("a gap") {
    damaged[0].tasks[0].index = 1;
  }
  SUBCASE("too many") {
    damaged[0].tasks[0].count = 4;
  }
  SUBCASE("no end") {
    damaged[0].last = false;
  }
  SUBCASE("no spec") {
    damaged[0].spec = {};
  }
  SUBCASE("another job") {
    damaged[0].job = JobId{2};
  }
  SUBCASE("newer than the journal") {
    damaged[0].tasks[0].ended_lsn = 1'000'000;
  }
  SUBCASE("one parameter of three") {
    damaged[0].spec.steps[0].task_params = {bytes("x")};
  }
  CHECK(answer(damaged, "").code == code(Code::data_loss));
  rig.receive(rig.ann, Query{1, QueryKind::job, {JobId{2}, 0}, 0, 0});
  CHECK(rig.only<ErrorReply>().error.code == code(Code::not_found));
}

TEST_CASE("archived: a watch resumes at its cursor") {
  Library rig;
  rig.submit(rig.ann, a_job().with_tasks(3));
  std::vector<std::uint64_t> lsns;
  AttemptId attempt = rig.granted.at(0);
  for (int i = 0; i < 3; ++i) {
    TaskResult result = Rig::ok(attempt);
    result.result = bytes("r" + std::to_string(i));
    rig.receive(rig.one, Results{{result}});
    lsns.push_back(rig.core.state().find_job(first)->tasks[static_cast<std::size_t>(i)].ended_lsn);
    const auto next = Rig::assigned(rig.take());
    if (!next.empty()) attempt = next.front();
  }
  rig.pass(seconds(30));
  rig.commit_all(rig.take());
  rig.pass(seconds(100));
  rig.commit_all(rig.take());
  REQUIRE(rig.core.state().jobs.empty());
  rig.receive(rig.ann, Watch{60, first, {1, lsns[0]}, true});
  rig.expect({"LoadArchived job 1"});
  rig.step(ArchiveLoaded{first, rig.pieces, ""});
  const auto events = rig.only<framebus::Events>().events;
  REQUIRE(events.size() == 4);
  CHECK(events[0].task.task.index == 1);
  CHECK(events[0].cursor.lsn == lsns[1]);
  CHECK(events[0].task.result == bytes("r1"));
  CHECK(events[1].task.task.index == 2);
  CHECK(events[2].kind == EventKind::live);
  // Watched, it stays.
  rig.pass(seconds(5'000));
  rig.take();
  CHECK(rig.core.state().archive.copies == 1);
  rig.receive(rig.ann, Unwatch{60});
  rig.pass(seconds(301));
  rig.take();
  CHECK(rig.core.state().archive.copies == 0);
}

TEST_CASE("row 25: a retry brings an archived job back under its id, with its history") {
  Library rig;
  rig.submit(rig.ann, a_job().with_tasks(2).attempts(1));
  rig.receive(rig.one, Results{{Rig::error(rig.granted.at(0))}});
  const auto second = Rig::assigned(rig.take());
  rig.receive(rig.one, Results{{Rig::ok(second.at(0))}});
  rig.take();
  rig.pass(seconds(30));
  rig.commit_all(rig.take());
  rig.pass(seconds(100));
  rig.commit_all(rig.take());
  REQUIRE(rig.core.state().jobs.empty());
  const std::uint64_t lsn = rig.core.state().lsn;

  rig.receive(rig.ann, Watch{60, first, {}, false});
  rig.expect({"LoadArchived job 1"});
  rig.step(ArchiveLoaded{first, rig.pieces, ""});
  rig.take();
  rig.act(rig.ann, JobAction::retry, first);
  const Actions actions = rig.take();
  const auto ok = Rig::all<ActOk>(actions);
  REQUIRE(ok.size() == 1);
  CHECK(ok[0].changed == 1);
  const auto again = Rig::assigned(actions);
  REQUIRE(again.size() == 1);
  CHECK(again[0].task == TaskRef{first, 0});
  CHECK(!Rig::all<framebus::Events>(actions).empty());  // who watched the copy goes on watching
  CHECK(std::holds_alternative<JobRevived>(rig.journal.at(lsn)));
  CHECK(std::holds_alternative<JobActed>(rig.journal.at(lsn + 1)));
  const TaskSummary task =
      summarize_task(rig.core.state(), *rig.core.state().find_job(first), 0, Detail::whole);
  REQUIRE(task.attempts.size() == 2);
  CHECK(task.attempts[0].error.message == "it broke");
  CHECK(rig.core.state().archive.copies == 0);
  CHECK(rig.core.state().counters.jobs_revived == 1);

  rig.receive(rig.one, Results{{Rig::ok(again[0])}});
  rig.take();
  CHECK(rig.job_state(first) == JobState::succeeded);
  rig.pass(seconds(30));  // and it goes to the archive once more
  rig.pieces.clear();
  rig.commit_all(rig.take());
  CHECK(rig.pieces.at(0).tasks.at(0).attempts.size() == 2);
}

TEST_CASE("row 25: a revival that was torn by a crash has never begun, and is begun anew") {
  Library rig;
  JobBuilder wide = a_job().with_tasks(40);
  for (int i = 0; i < 40; ++i) wide.last().task_params.push_back(Bytes(200'000));
  rig.archive_one(wide);
  const std::vector<JobImage> pieces = rig.pieces;
  const std::size_t before = rig.journal.size();
  rig.act(rig.ann, JobAction::retry, first);
  rig.take();
  rig.step(ArchiveLoaded{first, pieces, ""});
  rig.take();
  const std::vector<Record> journal = rig.journal;
  const std::vector<TimePoint> times = rig.times;
  const auto revived = static_cast<std::ptrdiff_t>(pieces.size());
  REQUIRE(revived > 2);
  REQUIRE(journal.size() > before + pieces.size());
  const auto begin = journal.begin() + static_cast<std::ptrdiff_t>(before);
  for (std::ptrdiff_t kept = 0; kept <= revived; ++kept) {
    for (std::ptrdiff_t kept_before = 0; kept_before < revived; ++kept_before) {
      CAPTURE(kept);
      CAPTURE(kept_before);
      // Torn at one place in one life and at another in the next.
      rig.journal.assign(journal.begin(), begin + kept_before);
      rig.journal.insert(rig.journal.end(), begin, begin + kept);
      rig.times.assign(rig.journal.size(), times.back());
      std::copy_n(times.begin(), before, rig.times.begin());
      Library next(rig, seconds(1));
      CHECK(next.core.state().reviving.empty());
      CHECK(next.core.state().jobs.size() == (kept == revived ? 1 : 0));
      next.act(next.ann, JobAction::retry, first);
      if (kept < revived) {
        next.expect({"LoadArchived job 1"});
        next.step(ArchiveLoaded{first, pieces, ""});
      }
      const auto reply = Rig::all<ActOk>(next.take());
      REQUIRE(reply.size() == 1);
      CHECK(reply[0].changed == 40);
      const Job* job = next.core.state().find_job(first);
      REQUIRE(job != nullptr);
      CHECK(job->tasks.size() == 40);
      CHECK(job->open_tasks() == 40);
      CHECK(job->spec.steps.at(0).task_params.size() == 40);
    }
  }
  rig.journal = journal;
  rig.times = times;
}

TEST_CASE("row 25: an archived job that comes back still has its deadline") {
  Library before;
  before.archive_one(a_job().with_tasks(1).deadline_ms(600'000));
  Library rig(before, seconds(1));  // no timer of its first life is left
  rig.step(PeerLost{rig.one, "not needed"});
  rig.take();
  rig.act(rig.ann, JobAction::retry, first);
  rig.take();
  rig.step(ArchiveLoaded{first, rig.pieces, ""});
  rig.take();
  CHECK(rig.state(first) == TaskState::queued);
  rig.tick(seconds(600));
  rig.take();
  CHECK(rig.state(first) == TaskState::expired);
}

TEST_CASE("archived: what would change nothing makes no record") {
  Library rig;
  rig.archive_one(a_job().with_tasks(3));
  const std::size_t records = rig.journal.size();
  rig.act(rig.ann, JobAction::cancel, first);
  rig.expect({"LoadArchived job 1"});
  rig.step(ArchiveLoaded{first, rig.pieces, ""});
  const ActOk reply = rig.only<ActOk>();
  CHECK(reply.changed == 0);
  CHECK(reply.unchanged == 3);
  CHECK(reply.job.state == JobState::cancelled);
  for (const JobAction action : {JobAction::pause, JobAction::resume, JobAction::set_priority}) {
    rig.act(rig.ann, action, first);
    CHECK(rig.only<ActOk>().changed == 0);
  }
  CHECK(rig.journal.size() == records);
  CHECK(rig.hits(23) > 0);
}

TEST_CASE("archived: requests that wait are bounded, and go with their connection") {
  Library rig;
  rig.archive_one(a_job().with_tasks(1));
  rig.ask(1);
  rig.take();
  for (std::uint32_t i = 1; i < limits::parked_requests_max; ++i) rig.ask(1 + i);
  rig.ask(5'000);
  const WireError full = rig.only<ErrorReply>().error;
  CHECK(full.code == code(Code::resource_exhausted));
  CHECK(full.message.find("parked_requests_max") != std::string::npos);
  const SessionId bob = rig.primary("bob");
  rig.step(PeerLost{rig.ann, "cut"});
  rig.take();
  CHECK(rig.core.state().archive.parked == 0);
  rig.receive(bob, Query{9, QueryKind::job, {first, 0}, 0, 0});
  rig.expect({});  // it is on its way already
  rig.step(ArchiveLoaded{first, rig.pieces, ""});
  CHECK(rig.only<QueryReply>().request == 9);
  rig.step(ArchiveLoaded{first, rig.pieces, ""});  // nobody has asked for it
  rig.expect({});
}

TEST_CASE("archived: a watch that is ended before its job has come does not begin") {
  Library rig;
  rig.archive_one(a_job().with_tasks(1));
  rig.receive(rig.ann, Watch{8, first, {}, false});
  rig.expect({"LoadArchived job 1"});
  rig.receive(rig.ann, Unwatch{8});
  rig.step(ArchiveLoaded{first, rig.pieces, ""});
  rig.expect({});
  CHECK(rig.core.state().watches.empty());
}

TEST_CASE("archived: when the broker ends, who waits is told") {
  Library rig;
  rig.archive_one(a_job().with_tasks(1));
  rig.ask(1);
  rig.expect({"LoadArchived job 1"});
  rig.step(Stopping{});
  CHECK(rig.only<ErrorReply>().error.code == code(Code::shutdown));
}

TEST_CASE("archive: its list is asked for by the shell, or refused where there is none") {
  Library rig;
  rig.receive(rig.ann, Query{4, QueryKind::archive, {}, 0, 10});
  rig.expect({"ListArchived session 1 Query{request=4 kind=8 limit=10}"});
  Rig without;
  const SessionId ann = without.primary();
  without.receive(ann, Query{4, QueryKind::archive, {}, 0, 10});
  CHECK(without.only<ErrorReply>().error.code == code(Code::failed_precondition));
}

TEST_CASE("image: a job made of its pieces tells the same as the job") {
  Library rig;
  JobBuilder builder = a_job().step("a", 3).attempts(2).step("b", 3).after(0, true);
  builder.spec.steps[0].task_params = {bytes("x"), bytes("y"), bytes("z")};
  rig.submit(rig.ann, builder);
  TaskResult good = Rig::ok(rig.granted.at(0));
  good.result = bytes("pixels");
  BlobRef blob;
  blob.hash.bytes[3] = 3;
  good.blobs = {blob};
  good.log_tail = "said";
  rig.receive(rig.one, Results{{good}});
  std::vector<AttemptId> next = Rig::assigned(rig.take());
  for (int i = 0; i < 200 && rig.job_state(first) != JobState::failed; ++i) {
    if (!next.empty()) {
      rig.receive(rig.one, Results{{i % 2 == 0 ? Rig::crash(next[0]) : Rig::error(next[0])}});
    } else {
      rig.pass(seconds(9));
    }
    next = Rig::assigned(rig.take());
  }
  REQUIRE(rig.job_state(first) == JobState::failed);
  const State& state = rig.core.state();
  const Job& job = *state.find_job(first);
  std::vector<JobImage> pieces;
  for (std::uint32_t at = 0; at < job.tasks.size(); at = next_task_of(pieces.back())) {
    pieces.push_back(make_piece(state, job, at));
  }
  CHECK(check_pieces(state, first, pieces).has_value());
  State other(archiving(), 1);
  other.now = state.now;
  Job made;
  for (const JobImage& piece : pieces) add_piece(other, made, piece);
  const Job& back = finish_image(other, std::move(made), pieces[0].owner, pieces[0].last_lsn);
  CHECK(summarize_job(other, back) == summarize_job(state, job));
  CHECK(back.spec == job.spec);
  for (std::uint32_t index = 0; index < job.tasks.size(); ++index) {
    CHECK(summarize_task(other, back, index, Detail::whole) ==
          summarize_task(state, job, index, Detail::whole));
  }
  CHECK(other.blob_uses == state.blob_uses);
}

TEST_CASE("archived: requests that wait are bounded by what they take, not only by their number") {
  Library rig;
  rig.archive_one(a_job().with_tasks(1));
  const std::vector<std::uint32_t> tasks(1'000'000, 0);
  const std::uint64_t each = tasks.size() * sizeof(std::uint32_t);
  std::uint64_t parked = 0;
  for (; (parked + 1) * each < parked_request_bytes_max; ++parked) {
    rig.act(rig.ann, JobAction::retry, first, tasks);
    rig.take();
  }
  rig.act(rig.ann, JobAction::retry, first, tasks);
  const WireError full = rig.only<ErrorReply>().error;
  CHECK(full.code == code(Code::resource_exhausted));
  CHECK(full.retry_after_ms == 1'000);
  CHECK(full.message.find("(parked_request_bytes_max)") != std::string::npos);
  CHECK(rig.core.state().archive.parked == parked);
  rig.ask(5'000);  // a small one has room, and the whole goes with its connection
  rig.expect({});
  rig.step(PeerLost{rig.ann, "cut"});
  rig.take();
  CHECK(rig.core.state().archive.parked_bytes == 0);
}

// A cancelled job as the archive's reader may bring it.
JobImage image_of(std::uint64_t number, std::uint32_t task_count, std::size_t params_bytes) {
  JobImage image;
  image.job = JobId{number};
  image.owner = "ann";
  image.state = JobState::cancelled;
  image.task_count = task_count;
  StepSpec step;
  step.name = "work";
  step.type = "echo";
  step.task_count = image.task_count;
  if (params_bytes > 0) step.task_params.assign(image.task_count, Bytes(params_bytes, 1));
  image.spec.name = "large";
  image.spec.steps = {step};
  image.accepted_lsn = image.last_lsn = 1;
  image.ended_at_ms = 1;
  TaskImage task;
  task.count = image.task_count;
  task.state = TaskState::cancelled;
  task.ended_lsn = 1;
  image.tasks = {task};
  image.last = true;
  return image;
}

// Four jobs that only the archive has, so that their numbers are known.
void archive_four(Library& rig) {
  for (std::uint8_t i = 1; i <= 4; ++i) {
    rig.submit(rig.ann, a_job().with_tasks(1).id(i));
    rig.receive(rig.one, Results{{Rig::ok(rig.granted.at(0))}});
    rig.take();
  }
  rig.pass(seconds(30));
  rig.commit_all(rig.take());
  rig.pass(seconds(100));
  rig.commit_all(rig.take());
  REQUIRE(rig.core.state().jobs.empty());
}

// What a Watch of this job is answered with, when the archive brings this of it.
std::vector<Action> watch(Library& rig, const JobImage& image) {
  rig.receive(rig.ann, Watch{image.job.value, image.job, {}, false});
  rig.expect({"LoadArchived job " + std::to_string(image.job.value)});
  rig.step(ArchiveLoaded{image.job, {image}, ""});
  return rig.take();
}

TEST_CASE("archived: copies are bounded by their bytes, one that nobody watches goes first") {
  Library rig;
  archive_four(rig);
  const auto large = [](std::uint64_t number) {  // 66 MiB; the tasks share their parameters' bytes
    return image_of(number, 264, limits::task_spec_bytes_max);
  };
  CHECK(Rig::all<framebus::Events>(watch(rig, large(1))).size() == 2);
  CHECK(rig.core.state().archive.copy_bytes > archived_copy_bytes_max / 2);
  rig.receive(rig.ann, Query{60, QueryKind::job, {JobId{4}, 0}, 0, 0});
  rig.expect({"LoadArchived job 4"});
  rig.step(ArchiveLoaded{JobId{4}, {image_of(4, 1, limits::task_spec_bytes_max)}, ""});
  rig.take();
  const auto refused = Rig::all<ErrorReply>(watch(rig, large(2)));
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].error.code == code(Code::resource_exhausted));
  CHECK(refused[0].error.retry_after_ms == 5'000);
  CHECK(refused[0].error.message.find("(archived_copy_bytes_max)") != std::string::npos);
  // Nobody watches it, but it would have gone for nothing.
  CHECK(rig.core.state().find_job(JobId{4}) != nullptr);
  CHECK(rig.core.state().archive.copies == 2);
  rig.receive(rig.ann, Unwatch{1});
  CHECK(Rig::all<ErrorReply>(watch(rig, large(3))).empty());
  CHECK(rig.core.state().archive.copies == 2);
  CHECK(rig.core.state().find_job(JobId{1}) == nullptr);
}

TEST_CASE("archived: copies are bounded by their tasks, and the refusal says so") {
  Library rig;
  archive_four(rig);
  const std::uint32_t half = archived_copy_tasks_max / 2;
  CHECK(Rig::all<ErrorReply>(watch(rig, image_of(1, half, 0))).empty());
  CHECK(Rig::all<ErrorReply>(watch(rig, image_of(2, half, 0))).empty());  // just fits
  CHECK(rig.core.state().archive.copy_tasks == archived_copy_tasks_max);
  const auto refused = Rig::all<ErrorReply>(watch(rig, image_of(3, 1, 0)));
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].error.code == code(Code::resource_exhausted));
  CHECK(refused[0].error.retry_after_ms == 5'000);
  CHECK(refused[0].error.message.find(
            "found 2000001 tasks of archived jobs read back, allowed are 2000000 "
            "(archived_copy_tasks_max)") != std::string::npos);
  CHECK(rig.core.state().refusals.of(Bound::archived_copy_tasks) == 1);
  CHECK(rig.core.state().refusals.of(Bound::archived_copies) == 0);
  rig.receive(rig.ann, Unwatch{2});
  CHECK(Rig::all<ErrorReply>(watch(rig, image_of(4, 1, 0))).empty());
  CHECK(rig.core.state().archive.copy_tasks == half + 1);
}

TEST_CASE("archived: a full disk brings no job back, and questions about it are answered") {
  Library rig;
  rig.archive_one(a_job().with_tasks(3));
  const std::size_t records = rig.journal.size();
  rig.step(StorePressure{true, "12 MiB are left"});
  rig.act(rig.ann, JobAction::retry, first);
  rig.expect({"LoadArchived job 1"});
  rig.step(ArchiveLoaded{first, rig.pieces, ""});
  const WireError error = rig.only<ErrorReply>().error;
  CHECK(error.code == code(Code::resource_exhausted));
  CHECK(error.retry_after_ms == 5'000);
  CHECK(rig.journal.size() == records);
  CHECK(rig.core.state().archive.copies == 1);
  rig.ask(50);
  CHECK(rig.only<QueryReply>().jobs.at(0).state == JobState::cancelled);
  rig.act(rig.ann, JobAction::cancel, first);
  CHECK(rig.only<ActOk>().unchanged == 3);
  rig.step(StorePressure{false, ""});
  rig.act(rig.ann, JobAction::retry, first);
  CHECK(Rig::all<ActOk>(rig.take()).at(0).changed == 3);
}
