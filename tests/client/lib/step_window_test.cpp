// A barrier's bookkeeping, and who has come and gone.
#include "client/lib/step_window.h"

#include <doctest/doctest.h>

#include "client/lib/worker_roster.h"

using namespace framebus;
using namespace framebus::client;

namespace {

WorkerId id_of(std::uint8_t number) {
  WorkerId id;
  id.bytes[15] = number;
  return id;
}

CommandAnswer answer(std::uint8_t worker, Code code = Code::ok) {
  CommandAnswer out;
  out.worker = id_of(worker);
  out.worker_name = "node:" + std::to_string(worker);
  out.error.code = static_cast<std::uint16_t>(code);
  return out;
}

WorkerSummary worker(std::uint8_t number, std::uint32_t pid,
                     WorkerState state = WorkerState::ready) {
  WorkerSummary out;
  out.info.id = id_of(number);
  out.info.pid = pid;
  out.state = state;
  return out;
}

}  // namespace

TEST_CASE("step window: no more steps begin than the window holds") {
  StepWindow window({id_of(1)}, 2);
  CHECK(*window.begin() == 1);
  CHECK(*window.begin() == 2);
  CHECK_FALSE(window.has_room());
  CHECK_FALSE(window.begin());
  window.end(1);
  CHECK(*window.begin() == 3);
}

TEST_CASE("step window: a window of none is one of one") {
  StepWindow window({id_of(1)}, 0);
  CHECK(*window.begin() == 1);
  CHECK_FALSE(window.begin());
}

TEST_CASE("step window: the lag of each worker is what it has not answered") {
  StepWindow window({id_of(2), id_of(1)}, 3);
  for (int i = 0; i < 3; ++i) window.begin();
  window.on_answer(1, answer(1));
  window.on_answer(2, answer(1));
  window.on_answer(1, answer(2, Code::task_failed));
  window.on_answer(1, answer(2));  // twice is once
  window.on_answer(9, answer(1));  // never begun
  window.on_answer(1, answer(7));  // not in the group
  const WireError failed{static_cast<std::uint16_t>(Code::task_failed), "", 0};
  CHECK(window.lags() == std::vector<WorkerLag>{{id_of(1), "node:1", 2, 1, 0, {}},
                                                {id_of(2), "node:2", 0, 2, 1, failed}});
  window.end(1);
  window.end(2);
  window.end(3);
  CHECK(window.lags()[1].steps_behind == 0);
}

TEST_CASE("worker roster: the first list has joined, then only what changes is told") {
  WorkerRoster roster;
  using Change = WorkerRoster::Change;
  CHECK(roster.update({worker(2, 20), worker(1, 10)}) ==
        Change{{worker(1, 10), worker(2, 20)}, {}});
  CHECK(roster.update({worker(1, 10, WorkerState::busy), worker(2, 20)}) == Change{});
  CHECK(roster.update({worker(1, 10)}) == Change{{}, {worker(2, 20)}});
  CHECK(roster.update({worker(1, 10, WorkerState::lost)}) == Change{{}, {worker(1, 10)}});
  CHECK(roster.update({worker(1, 10)}) == Change{{worker(1, 10)}, {}});
}

TEST_CASE("worker roster: another process under the same id has left and joined") {
  WorkerRoster roster;
  roster.update({worker(1, 10)});
  CHECK(roster.update({worker(1, 11)}) == WorkerRoster::Change{{worker(1, 11)}, {worker(1, 10)}});
}
