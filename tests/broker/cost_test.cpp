// What a task costs the core, printed; bounds are loose so that only a change of order fails.
#include <malloc.h>

#include <chrono>
#include <cstdio>

#include "tests/broker/rig.h"
#include "tests/sanitized.h"

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
  CHECK(submit_ns < 500 * testing::patience);
  if (!testing::is_sanitized) CHECK(heap < 100);
  CHECK(spent / done < 30'000 * testing::patience);
}

TEST_CASE("cost: a step that waits for many is looked at once, when the last of them is clear") {
  constexpr std::uint32_t roots = 128;
  constexpr std::uint32_t tasks = 20'000;
  JobBuilder builder = a_job();
  for (std::uint32_t root = 0; root < roots; ++root) builder.step("r" + std::to_string(root), 1);
  builder.step("last", tasks);
  for (std::uint32_t root = 0; root < roots; ++root) builder.after(root);
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
  step_ns(PeerHello{SessionId{2}, a_worker(1).slots(roots).hello, ""});
  // Every root but the last succeeds, one after the other.
  step_ns(Received{SessionId{1}, Submit{1, {{1}}, builder.spec}, {}});
  auto granted = Rig::assigned(out);
  REQUIRE(granted.size() == roots);
  double succeed = 0;
  for (std::uint32_t root = 0; root + 1 < roots; ++root) {
    succeed += step_ns(Received{SessionId{2}, Results{{Rig::ok(granted[root])}}, {}});
  }
  step_ns(Received{SessionId{2}, Results{{Rig::ok(granted.back())}}, {}});
  const Job& good = *core.state().find_job(JobId{1});
  CHECK(good.counts[static_cast<std::size_t>(TaskState::held)] == 0);
  step_ns(Received{SessionId{1}, Act{2, JobAction::cancel, JobId{1}, {}, 0}, {}});
  Aborted aborted;
  for (std::uint32_t index = roots; index < roots + tasks; ++index) {
    if (good.tasks[index].state != TaskState::cancelling) continue;
    const Attempt& attempt = good.detail_of(index)->attempts.back();
    aborted.attempts.push_back({{JobId{1}, index}, {attempt.epoch, attempt.grant, {}}});
  }
  step_ns(Received{SessionId{2}, aborted, {}});
  // Every root fails, and all but the last are tried again: the step stays abandoned.
  step_ns(Received{SessionId{1}, Submit{3, {{2}}, builder.spec}, {}});
  granted = Rig::assigned(out);
  REQUIRE(granted.size() == roots);
  for (const AttemptId& each : granted) {
    step_ns(Received{SessionId{2}, Results{{Rig::error(each, true)}}, {}});
  }
  std::vector<std::uint32_t> again;
  for (std::uint32_t root = 0; root + 1 < roots; ++root) again.push_back(root);
  const Job& bad = *core.state().find_job(JobId{2});
  CHECK(bad.counts[static_cast<std::size_t>(TaskState::abandoned)] == tasks);
  const double retry =
      step_ns(Received{SessionId{1}, Act{4, JobAction::retry, JobId{2}, again, 0}, {}});
  CHECK(bad.counts[static_cast<std::size_t>(TaskState::abandoned)] == tasks);
  step_ns(Received{SessionId{1}, Act{5, JobAction::retry, JobId{2}, {roots - 1}, 0}, {}});
  CHECK(bad.counts[static_cast<std::size_t>(TaskState::held)] == tasks);
  core.check_invariants();
  std::printf("cost: %u tasks that wait for %u steps: %.0f us until the last, retry %.0f us\n",
              tasks, roots, succeed / 1000, retry / 1000);
  CHECK(succeed < 60e6 * testing::patience);
  CHECK(retry < 60e6 * testing::patience);
}
