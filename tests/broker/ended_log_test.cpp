// The log of ended tasks over rounds of cancel and retry: it stays small, and no watch notices.
#include "tests/broker/rig.h"

using namespace framebus;
using namespace framebus::broker;
using namespace framebus::broker::test;

namespace {

const JobId first{1};

// A watch that confirms when the test says so; the ends that it was told, in order.
struct Reader {
  Rig& rig;
  SessionId session;
  std::uint64_t request = 5;
  std::uint64_t sequence = 0;
  std::vector<std::uint32_t> ended;
  std::uint64_t cursor_lsn = 0;

  void take_in(const Actions& actions) {
    for (const auto& message : Rig::all<framebus::Events>(actions)) {
      if (message.request != request) continue;
      CHECK(message.sequence == ++sequence);
      for (const auto& event : message.events) {
        if (event.cursor.lsn == 0) continue;
        CHECK(event.cursor.lsn >= cursor_lsn);
        cursor_lsn = event.cursor.lsn;
        if (event.kind == EventKind::task) ended.push_back(event.task.task.index);
      }
    }
  }
  // Reads until nothing more comes.
  void read() {
    for (std::uint64_t before = UINT64_MAX; before != sequence;) {
      before = sequence;
      rig.receive(session, EventsOk{request, sequence});
      take_in(rig.take());
    }
  }
};

std::vector<std::uint32_t> range(std::uint32_t begin, std::uint32_t end) {
  std::vector<std::uint32_t> out;
  for (std::uint32_t each = begin; each < end; ++each) out.push_back(each);
  return out;
}

}  // namespace

TEST_CASE("ended: rounds of cancel and retry do not make a job larger") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.submit(ann, a_job().with_tasks(10));
  for (int round = 0; round < 100; ++round) {
    rig.act(ann, JobAction::cancel, first);
    rig.take();
    CHECK(rig.core.state().find_job(first)->ended.size() == 10);
    rig.act(ann, JobAction::retry, first);
    rig.take();
    CHECK(rig.core.state().find_job(first)->ended.empty());
  }
  // One task after the other: the log may hold as many old lines as true ones, and no more.
  rig.act(ann, JobAction::cancel, first);
  rig.take();
  for (std::uint32_t round = 0; round < 100; ++round) {
    rig.act(ann, JobAction::retry, first, {round % 10});
    rig.take();
    rig.act(ann, JobAction::cancel, first, {round % 10});
    rig.take();
    CHECK(rig.core.state().find_job(first)->ended.size() <= 20);
  }
}

TEST_CASE("ended: a watch that lags within one record is told every end once, whatever leaves it") {
  Options options;
  options.event_window = 1;
  Rig rig(options);
  const SessionId ann = rig.primary();
  rig.submit(ann, a_job().with_tasks(600));
  Reader reader{rig, ann};
  rig.receive(ann, Watch{5, first, {}, false});
  reader.take_in(rig.take());
  reader.read();
  rig.act(ann, JobAction::cancel, first);  // record 2 ends all of them
  reader.take_in(rig.take());
  REQUIRE(reader.ended == range(0, 256));  // one message, unconfirmed
  // Some of those that it was told and some that it was not run again.
  std::vector<std::uint32_t> again = range(0, 100);
  for (const std::uint32_t each : range(300, 600)) again.push_back(each);
  rig.act(ann, JobAction::retry, first, again);
  reader.take_in(rig.take());
  CHECK(rig.core.state().find_job(first)->ended.size() == 200);
  reader.read();
  CHECK(reader.ended == range(0, 300));
  CHECK(reader.cursor_lsn == 2);  // record 2 was told as a whole
  reader.ended.clear();
  rig.act(ann, JobAction::cancel, first);
  reader.take_in(rig.take());
  reader.read();
  CHECK(reader.ended == again);
  CHECK(reader.cursor_lsn == 4);
}

TEST_CASE("ended: when all that is left of a record has gone, its cursor repeats nothing") {
  Options options;
  options.event_window = 1;
  Rig rig(options);
  const SessionId ann = rig.primary();
  rig.submit(ann, a_job().with_tasks(600));
  Reader reader{rig, ann};
  rig.receive(ann, Watch{5, first, {}, false});
  reader.take_in(rig.take());
  reader.read();
  rig.act(ann, JobAction::cancel, first);
  reader.take_in(rig.take());
  rig.act(ann, JobAction::retry, first, range(256, 600));
  reader.take_in(rig.take());
  reader.read();
  CHECK(reader.ended == range(0, 256));
  REQUIRE(reader.cursor_lsn == 2);
  Reader later{rig, ann, 6};
  rig.receive(ann, Watch{6, first, {1, reader.cursor_lsn}, false});
  later.take_in(rig.take());
  later.read();
  CHECK(later.ended.empty());
}

TEST_CASE("ended: a watch that was told everything, and one that was told nothing, stay so") {
  Options options;
  options.event_window = 1;
  Rig rig(options);
  const SessionId ann = rig.primary();
  rig.submit(ann, a_job().with_tasks(4));
  Reader quick{rig, ann, 5};
  Reader slow{rig, ann, 6};
  rig.receive(ann, Watch{5, first, {}, false});
  quick.take_in(rig.take());
  quick.read();
  rig.receive(ann, Watch{6, first, {}, false});
  slow.take_in(rig.take());  // and never confirms
  for (int round = 1; round <= 3; ++round) {
    rig.act(ann, JobAction::cancel, first);
    quick.take_in(rig.take());
    quick.read();
    CHECK(quick.ended.size() == static_cast<std::size_t>(4 * round));
    rig.act(ann, JobAction::retry, first);
    quick.take_in(rig.take());
    quick.read();
  }
  CHECK(slow.ended.empty());
  rig.act(ann, JobAction::cancel, first);
  quick.take_in(rig.take());
  slow.read();
  CHECK(slow.ended == range(0, 4));
}
