// What a task costs the core, printed; bounds are loose so that only a change of order fails.
#include <malloc.h>

#include <chrono>
#include <cstdio>

#include "tests/broker/rig.h"

using namespace framebus;
using namespace framebus::broker;
using namespace framebus::broker::test;

namespace {

double now_ns() {
  return std::chrono::duration<double, std::nano>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}
double heap_bytes() {
  const auto info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

}  // namespace

TEST_CASE("cost: submit, grant and result of a million-task job, a few microseconds each") {
  constexpr std::uint32_t tasks = 1'000'000;
  constexpr std::uint32_t run = 200'000;
  Core core(Options{}, 1);
  TimePoint now{seconds(1)};
  Actions out;
  const auto step = [&](const broker::Event& event) {
    out.clear();
    core.step(now, event, out);
  };
  Hello hello;
  hello.role = Role::primary;
  step(PeerHello{SessionId{1}, hello, ""});
  const broker::Event submit =
      Received{SessionId{1}, Submit{1, {{1}}, a_job().with_tasks(tasks).spec}, {}};
  const double heap_before = heap_bytes();
  double begin = now_ns();
  step(submit);
  const double submit_ns = (now_ns() - begin) / tasks;
  const double heap = (heap_bytes() - heap_before) / tasks;
  std::vector<std::vector<AttemptId>> open(65);
  const auto note_assigned = [&] {
    for (const Action& action : out) {
      const auto* send = std::get_if<Send>(&action);
      const auto* assign = send == nullptr ? nullptr : std::get_if<Assign>(&send->message);
      if (assign == nullptr) continue;
      for (const AttemptSpec& each : assign->attempts) {
        open[send->session.value - 10].push_back({each.task, each.token});
      }
    }
  };
  for (std::uint8_t number = 0; number < 64; ++number) {
    step(PeerHello{SessionId{10u + number},
                   a_worker(static_cast<std::uint8_t>(number + 1)).slots(64).prefetch(64).hello,
                   ""});
    note_assigned();
  }
  // Results of 64 tasks come in one message; as many are granted in the same step.
  double spent = 0;
  std::uint32_t done = 0;
  while (done < run) {
    for (std::uint8_t number = 0; number < 64 && done < run; ++number) {
      Results results;
      for (std::size_t i = 0; i < 64 && i < open[number].size(); ++i) {
        results.results.push_back(Rig::ok(open[number][i]));
      }
      open[number].erase(open[number].begin(), open[number].begin() + static_cast<std::ptrdiff_t>(
                                                                          results.results.size()));
      done += static_cast<std::uint32_t>(results.results.size());
      const broker::Event event = Received{SessionId{10u + number}, std::move(results), {}};
      begin = now_ns();
      step(event);
      spent += now_ns() - begin;
      note_assigned();
    }
  }
  const double finished = (heap_bytes() - heap_before - heap * tasks) / done;
  std::printf(
      "cost: submit %.1f ns/task, %.1f bytes/queued task; result + grant %.0f ns/task, "
      "%.0f more bytes/ended task\n",
      submit_ns, heap, spent / done, finished);
  CHECK(submit_ns < 500);
  CHECK(heap < 100);
  CHECK(spent / done < 30'000);
}

TEST_CASE("cost: a job whose steps all wait for each other ends and runs again in linear time") {
  constexpr std::uint32_t steps = 256;
  constexpr std::uint32_t tasks = 250;
  JobBuilder builder = a_job();
  for (std::uint32_t step = 0; step < steps; ++step) {
    builder.step("s" + std::to_string(step), tasks);
    for (std::uint32_t before = 0; before < step; ++before) builder.after(before);
  }
  Core core(Options{}, 1);
  TimePoint now{seconds(1)};
  Actions out;
  const auto step_ns = [&](const broker::Event& event) {
    out.clear();
    const double begin = now_ns();
    core.step(now, event, out);
    return now_ns() - begin;
  };
  Hello hello;
  hello.role = Role::primary;
  step_ns(PeerHello{SessionId{1}, hello, ""});
  step_ns(PeerHello{SessionId{2}, a_worker(1).hello, ""});
  step_ns(Received{SessionId{1}, Submit{1, {{1}}, builder.spec}, {}});
  const auto granted = Rig::assigned(out);
  REQUIRE(granted.size() == 1);
  const double abandon =
      step_ns(Received{SessionId{2}, Results{{Rig::error(granted[0], true)}}, {}});
  const Job& job = *core.state().find_job(JobId{1});
  CHECK(job.counts[static_cast<std::size_t>(TaskState::abandoned)] == (steps - 1) * tasks);
  const double revive =
      step_ns(Received{SessionId{1}, Act{2, JobAction::retry, JobId{1}, {0}, 0}, {}});
  CHECK(job.counts[static_cast<std::size_t>(TaskState::held)] == (steps - 1) * tasks);
  core.check_invariants();
  std::printf("cost: %u steps that wait for all before: abandoned %.0f, held again %.0f ns/task\n",
              steps, abandon / (steps * tasks), revive / (steps * tasks));
  CHECK(abandon / (steps * tasks) < 5'000);
  CHECK(revive / (steps * tasks) < 5'000);
}
