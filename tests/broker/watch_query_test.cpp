// Watches: order, windows, cursors. Queries: pages.
#include "tests/broker/rig.h"

using namespace framebus;
using namespace framebus::broker;
using namespace framebus::broker::test;

TEST_CASE("watch: a window of unconfirmed messages is never exceeded, nothing is lost") {
  Options options;
  options.event_window = 2;
  Rig rig(options);
  const SessionId ann = rig.primary();
  const SessionId one = rig.worker(1);
  const JobId job = rig.submit(ann, a_job().with_tasks(10));
  rig.receive(ann, Watch{5, job, {}, false});
  std::uint64_t sequence = rig.only<framebus::Events>().sequence;
  std::vector<std::uint32_t> ended;
  std::size_t messages = 1;
  const auto take_in = [&](const Actions& actions) {
    for (const auto& message : Rig::all<framebus::Events>(actions)) {
      ++messages;
      CHECK(message.sequence == ++sequence);
      for (const auto& event : message.events) {
        if (event.kind == EventKind::task && event.cursor.lsn > 0)
          ended.push_back(event.task.task.index);
      }
    }
  };
  AttemptId attempt = rig.granted.at(0);
  for (int i = 0; i < 10; ++i) {
    rig.receive(one, Results{{Rig::ok(attempt)}});
    const Actions actions = rig.take();
    take_in(actions);
    const auto next = Rig::assigned(actions);
    if (!next.empty()) attempt = next.front();
  }
  CHECK(messages == 2);
  rig.receive(ann, EventsOk{5, sequence});
  take_in(rig.take());
  REQUIRE(ended.size() == 10);
  for (std::uint32_t i = 0; i < 10; ++i) CHECK(ended[i] == i);
}

TEST_CASE("watch: a job's end comes after all of its tasks") {
  Rig rig;
  const SessionId ann = rig.primary();
  const JobId job = rig.submit(ann, a_job().with_tasks(600));
  rig.receive(ann, Watch{5, job, {}, false});
  rig.take();
  rig.act(ann, JobAction::cancel, job);
  std::vector<framebus::Event> events;
  for (const auto& message : Rig::all<framebus::Events>(rig.take())) {
    events.insert(events.end(), message.events.begin(), message.events.end());
  }
  REQUIRE(events.size() == 601);
  CHECK(events.back().kind == EventKind::job);
  CHECK(events.back().job.state == JobState::cancelled);
  // Tasks of one record share its lsn: a cursor in between does not claim it.
  CHECK(events[0].cursor.lsn == 1);
  CHECK(events[599].cursor.lsn == 2);
}

TEST_CASE("watch: changes and progress are coalesced to what is true when they are told") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.worker(1);
  const JobId job = rig.submit(ann, a_job().with_tasks(1));
  rig.receive(ann, Watch{5, job, {}, false});
  rig.take();
  rig.receive(one, Started{{rig.granted.at(0)}});
  auto events = rig.only<framebus::Events>().events;
  REQUIRE(events.size() == 1);
  CHECK(events[0].task.state == TaskState::running);
  CHECK(events[0].cursor == Cursor{});
  AttemptStatus status = Rig::status(rig.granted.at(0), AttemptPhase::running);
  status.progress_permille = 250;
  status.status = "pass 1";
  rig.receive(one, Progress{{status}});
  events = rig.only<framebus::Events>().events;
  CHECK(events.at(0).kind == EventKind::progress);
  CHECK(events.at(0).task.progress_permille == 250);
}

TEST_CASE("watch: job 0 follows every job's state") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.submit(ann, a_job().with_tasks(1));
  rig.receive(ann, Watch{5, {}, {}, false});
  auto events = rig.only<framebus::Events>().events;
  REQUIRE(events.size() == 2);
  CHECK(events[1].kind == EventKind::live);
  rig.receive(ann, Submit{7, {{9}}, a_job().with_tasks(1).spec});
  const auto told = Rig::all<framebus::Events>(rig.take());
  CHECK(told.at(0).events.at(0).job.id == JobId{2});
}

TEST_CASE("watch: unknown jobs, a second watch of the same name and too many are refused") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.receive(ann, Watch{1, JobId{9}, {}, false});
  CHECK(rig.only<ErrorReply>().error.code == static_cast<int>(Code::not_found));
  for (std::uint64_t i = 0; i < limits::watches_per_session_max; ++i) {
    rig.receive(ann, Watch{100 + i, {}, {}, false});
    rig.take();
  }
  rig.receive(ann, Watch{100, {}, {}, false});
  CHECK(rig.only<ErrorReply>().error.code == static_cast<int>(Code::already_exists));
  rig.receive(ann, Watch{99, {}, {}, false});
  CHECK(rig.only<ErrorReply>().error.code == static_cast<int>(Code::resource_exhausted));
  rig.receive(ann, Unwatch{100});
  rig.receive(ann, Watch{99, {}, {}, false});
  CHECK(rig.only<framebus::Events>().request == 99);
}

TEST_CASE("watch: results come only to who asked for them") {
  for (const bool wanted : {false, true}) {
    Rig rig;
    const SessionId ann = rig.primary();
    const SessionId one = rig.worker(1);
    const JobId job = rig.submit(ann, a_job().with_tasks(1));
    TaskResult result = Rig::ok(rig.granted.at(0));
    result.result = bytes("pixels");
    rig.receive(one, Results{{result}});
    rig.take();
    rig.receive(ann, Watch{1, job, {}, wanted});
    CHECK(rig.only<framebus::Events>().events.at(0).task.result.empty() == !wanted);
  }
}

TEST_CASE("query: lists come in pages that follow each other") {
  Rig rig;
  const SessionId ann = rig.primary();
  const JobId job = rig.submit(ann, a_job().with_tasks(25));
  std::uint32_t offset = 0;
  std::uint32_t seen = 0;
  do {
    rig.receive(ann, Query{1, QueryKind::tasks, {job, 0}, offset, 10});
    const QueryReply page = rig.only<QueryReply>();
    CHECK(page.total == 25);
    for (const TaskSummary& task : page.tasks) CHECK(task.task.index == seen++);
    offset = page.next_offset;
  } while (offset != 0);
  CHECK(seen == 25);
}

TEST_CASE("query: jobs newest first, status counts, workers, spec, nonsense is refused") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.worker(3, 4);
  rig.submit(ann, a_job().with_tasks(1));
  rig.submit(ann, a_job().with_tasks(2));
  rig.receive(ann, Query{1, QueryKind::jobs, {}, 0, 0});
  const QueryReply jobs = rig.only<QueryReply>();
  REQUIRE(jobs.jobs.size() == 2);
  CHECK(jobs.jobs[0].id == JobId{2});
  rig.receive(ann, Query{1, QueryKind::status, {}, 0, 0});
  const BrokerStatus status = rig.only<QueryReply>().status;
  CHECK(status.workers == 1);
  CHECK(status.slots == 4);
  CHECK(status.slots_busy == 3);
  CHECK(status.jobs_active == 2);
  rig.receive(ann, Query{1, QueryKind::workers, {}, 0, 0});
  const QueryReply workers = rig.only<QueryReply>();
  CHECK(workers.workers.at(0).in_flight == 3);
  CHECK(workers.workers.at(0).credit == 1);
  rig.receive(ann, Query{1, QueryKind::spec, {JobId{2}, 0}, 0, 0});
  CHECK(rig.only<QueryReply>().spec.steps.at(0).task_count == 2);
  rig.receive(ann, Query{8, static_cast<QueryKind>(77), {}, 0, 0});
  CHECK(rig.only<ErrorReply>().request == 8);
}

TEST_CASE("event ring: the last events can be told") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.submit(ann, a_job().with_tasks(1));
  const std::string text = rig.core.state().ring.dump();
  CHECK(text.find("PeerHello session=1") != std::string::npos);
  CHECK(text.find("Received session=1 message=16") != std::string::npos);
}

TEST_CASE("watch: its messages wait at least as long as the one before, whatever they tell") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.worker(1);
  const JobId job = rig.submit(ann, a_job().with_tasks(1));
  const AttemptId attempt = rig.granted.at(0);
  rig.start(one, attempt);
  rig.receive(ann, Watch{9, job, {}, false});
  std::vector<Send> sent;
  const auto keep = [&] {
    for (Action& action : rig.take()) {
      auto* send = std::get_if<Send>(&action);
      if (send != nullptr && std::holds_alternative<framebus::Events>(send->message)) {
        sent.push_back(std::move(*send));
      }
    }
  };
  keep();
  AttemptStatus status = Rig::status(attempt, AttemptPhase::running);
  status.progress_permille = 500;
  rig.receive(one, Progress{{status}});  // waits for no record of its own
  keep();
  REQUIRE(sent.size() == 2);
  CHECK(sent[0].after_lsn == 3);
  CHECK(sent[1].after_lsn == 3);
  rig.receive(one, Results{{Rig::ok(attempt)}});
  keep();
  REQUIRE(sent.size() == 3);
  CHECK(sent[2].after_lsn == 4);
}

TEST_CASE("watch: the error that ends it does not overtake its last events") {
  Options options;
  options.finished_jobs_kept = seconds(10);
  Rig rig(options);
  const SessionId ann = rig.primary();
  const JobId job = rig.submit(ann, a_job().with_tasks(1));
  rig.receive(ann, Watch{9, job, {}, false});
  rig.take();
  rig.act(ann, JobAction::cancel, job);
  rig.take();
  rig.tick(seconds(10));
  rig.expect({"Send session 1 Error{request=9 * after 2", "Persist 3 JobForgotten*", "DropLogs job 1"});
}
