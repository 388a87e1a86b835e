// Commands, barriers, comings and goings over real sockets, against a broker that a test scripts.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

#include "client/lib/barrier.h"
#include "client/lib/primary.h"
#include "tests/client/lib/fake_broker.h"

using namespace framebus;
using namespace framebus::client;

namespace {

// Waits for a condition set by other threads, at most 10 s.
struct Latch {
  std::mutex mutex;
  std::condition_variable changed;
  int count = 0;
  void hit() {
    const std::lock_guard lock(mutex);
    ++count;
    changed.notify_all();
  }
  bool reached(int wanted) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, std::chrono::seconds(10), [&] { return count >= wanted; });
  }
};

PrimaryOptions options_for(std::shared_ptr<Context> context, const std::string& url) {
  PrimaryOptions options;
  options.broker = url;
  options.deadline = seconds(10);
  options.context = std::move(context);
  options.reconnect_max = milliseconds(300);
  return options;
}

Bytes bytes_from(const std::string& text) {
  return Bytes(text.begin(), text.end());
}

WorkerId id_of(std::uint8_t number) {
  WorkerId id;
  id.bytes[15] = number;
  return id;
}

CommandAnswer answer_of(std::uint8_t worker, const Bytes& payload = {}, Code code = Code::ok) {
  CommandAnswer out;
  out.worker = id_of(worker);
  out.worker_name = "node:" + std::to_string(worker);
  out.payload = payload;
  out.error.code = static_cast<std::uint16_t>(code);
  return out;
}

// Two workers that echo, one that fails: answers come in two messages.
void echo_commands(const Message& message, const FakeBroker::Answer& answer) {
  const auto* command = std::get_if<Command>(&message);
  if (!command) return;
  CommandDone done;
  done.request = command->request;
  if (command->target == CommandTarget::next) {
    done.answers = {answer_of(1, command->payload)};
    done.last = true;
    return answer(done);
  }
  if (command->target == CommandTarget::named) {
    for (const WorkerId& worker : command->workers)
      done.answers.push_back(answer_of(worker.bytes[15], command->payload,
                                       worker.bytes[15] == 9 ? Code::worker_lost : Code::ok));
    done.last = true;
    return answer(done);
  }
  done.answers = {answer_of(1, command->payload)};
  answer(done);
  done.answers = {answer_of(2, {}, Code::task_failed)};
  done.last = true;
  done.load_id = command->sticky ? 4 : 0;
  answer(done);
}

std::size_t entries_of(const char* folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}

}  // namespace

TEST_CASE("primary: a broadcast has an answer for each worker, told as they come") {
  auto context = make_context();
  FakeBroker broker(context, "tcp://127.0.0.1:0", echo_commands);
  Primary primary(options_for(context, broker.url()));
  Latch told;
  CommandOptions options;
  options.on_answer = [&](const CommandAnswer&) { told.hit(); };
  const auto answers = primary.broadcast("load_map", Bytes{1, 2}, options).get();
  REQUIRE(answers);
  CHECK(*answers == Answers{answer_of(1, {1, 2}), answer_of(2, {}, Code::task_failed)});
  CHECK(told.reached(2));
}

TEST_CASE("primary: to_next and to_worker end in the worker's reply or its error") {
  auto context = make_context();
  FakeBroker broker(context, "tcp://127.0.0.1:0", echo_commands);
  Primary primary(options_for(context, broker.url()));
  CHECK(primary.to_next("ping", Bytes{7}).get()->payload == Bytes{7});
  CHECK(primary.to_worker(id_of(3), "ping", Bytes{8}).get()->worker == id_of(3));
  const auto lost = primary.to_worker(id_of(9), "ping", {}).get();
  REQUIRE_FALSE(lost);
  CHECK(lost.error().code == Code::worker_lost);
  CHECK(lost.error().message.find("node:9") != std::string::npos);
}

TEST_CASE("primary: a preparation has a load id") {
  auto context = make_context();
  FakeBroker broker(context, "tcp://127.0.0.1:0", echo_commands);
  Primary primary(options_for(context, broker.url()));
  const auto prepared = primary.prepare("load_map", Bytes{1}).get();
  REQUIRE(prepared);
  CHECK(prepared->load_id == 4);
  CHECK(prepared->answers.size() == 2);
}

TEST_CASE("primary: a command nobody took is no_worker, a wrong one is told without the broker") {
  auto context = make_context();
  FakeBroker broker(context, "tcp://127.0.0.1:0",
                    [](const Message& message, const FakeBroker::Answer& answer) {
                      const auto* command = std::get_if<Command>(&message);
                      if (command) answer(CommandDone{command->request, {}, true, 0});
                    });
  Primary primary(options_for(context, broker.url()));
  CHECK(primary.broadcast("ping", {}).get().error().code == Code::no_worker);
  CHECK(primary.to_next("ping", {}).get().error().code == Code::no_worker);
  CHECK(primary.prepare("ping", {}).get().has_value());
  CHECK(primary.broadcast("", {}).get().error().code == Code::invalid_argument);
  CHECK(
      primary.broadcast("ping", Bytes(limits::command_payload_bytes_max + 1)).get().error().code ==
      Code::invalid_argument);
}

TEST_CASE("primary: a command is not sent again to a broker that came back") {
  const std::string url = "ipc:///tmp/framebus-command-test-" + std::to_string(getpid());
  std::atomic<int> commands{0};
  Latch received;
  const auto count = [&](const Message& message, const FakeBroker::Answer& answer) {
    if (std::holds_alternative<Command>(message)) {
      ++commands;
      received.hit();
    }
    if (const auto* query = std::get_if<Query>(&message)) answer(QueryReply{query->request});
  };
  auto broker = std::make_unique<FakeBroker>(make_context(), url, count);
  Primary primary(options_for(make_context(), url));
  auto future = primary.broadcast("ping", {});
  REQUIRE(received.reached(1));
  broker.reset();
  broker = std::make_unique<FakeBroker>(make_context(), url, count);
  const auto answers = future.get();
  REQUIRE_FALSE(answers);
  CHECK(answers.error().code == Code::unavailable);
  CHECK(primary.has_workers().get().has_value());  // connected again
  CHECK(commands == 1);
}

TEST_CASE("primary: a thousand commands to one worker answered in reverse order all match") {
  auto context = make_context();
  std::vector<Command> seen;
  FakeBroker broker(context, "tcp://127.0.0.1:0",
                    [&seen](const Message& message, const FakeBroker::Answer& answer) {
                      if (const auto* c = std::get_if<Command>(&message)) seen.push_back(*c);
                      if (seen.size() < 1000) return;
                      for (auto each = seen.rbegin(); each != seen.rend(); ++each)
                        answer(CommandDone{each->request, {answer_of(1, each->payload)}, true, 0});
                      seen.clear();
                    });
  Primary primary(options_for(context, broker.url()));
  std::vector<Future<CommandAnswer>> futures;
  for (int i = 0; i < 1000; ++i)
    futures.push_back(primary.to_worker(id_of(1), "echo", bytes_from(std::to_string(i))));
  for (int i = 0; i < 1000; ++i) {
    const auto answer = futures[static_cast<std::size_t>(i)].get();
    REQUIRE(answer);
    CHECK(text_of(answer->payload) == std::to_string(i));
  }
}

TEST_CASE("primary: any command from a callback works, also waiting for a barrier's step") {
  auto context = make_context();
  FakeBroker broker(context, "tcp://127.0.0.1:0", echo_commands);
  Primary primary(options_for(context, broker.url()));
  Barrier barrier(primary, "frame", {{id_of(1), id_of(2)}, 1, seconds(10)});
  Latch latch;
  primary.broadcast("a", {}, {}, [&](Result<Answers> answers) {
    CHECK(answers.has_value());
    CHECK(primary.broadcast("b", {}).get().has_value());
    CHECK(primary.to_next("c", {}).get().has_value());
    for (int i = 0; i < 3; ++i) barrier.step({});  // each waits for room
    CHECK(barrier.step({}).get().has_value());
    primary.on_worker_joined([](const WorkerSummary&) {});
    primary.on_worker_joined({});
    primary.shutdown();
    CHECK(primary.to_next("d", {}).get().error().code == Code::shutdown);
    latch.hit();
  });
  CHECK(latch.reached(1));
}

TEST_CASE("primary: a command that is cancelled completes at once, a late answer changes nothing") {
  auto context = make_context();
  Latch received;
  std::uint64_t asked = 0;  // the broker's thread only
  FakeBroker broker(context, "tcp://127.0.0.1:0",
                    [&](const Message& message, const FakeBroker::Answer& answer) {
                      if (const auto* command = std::get_if<Command>(&message)) {
                        if (command->verb == "quick") return echo_commands(message, answer);
                        asked = command->request;
                        received.hit();
                      }
                      if (const auto* query = std::get_if<Query>(&message)) {
                        answer(CommandDone{asked, {answer_of(1)}, true, 0});
                        QueryReply reply;
                        reply.request = query->request;
                        answer(reply);
                      }
                    });
  Primary primary(options_for(context, broker.url()));
  Cancel cancel;
  CommandOptions options;
  options.cancel = cancel;
  std::atomic<int> told{0};
  options.on_answer = [&](const CommandAnswer&) { ++told; };
  auto first = primary.broadcast("wait", {}, options);
  Latch called_back;
  Code seen = Code::ok;
  primary.to_next("wait", {}, options, [&](Result<CommandAnswer> outcome) {
    seen = outcome ? Code::ok : outcome.error().code;
    called_back.hit();
  });
  REQUIRE(received.reached(2));
  cancel.now();
  REQUIRE(first.wait_for(std::chrono::seconds(5)) == std::future_status::ready);
  CHECK(first.get().error().code == Code::cancelled);
  REQUIRE(called_back.reached(1));
  CHECK(seen == Code::cancelled);
  CHECK(primary.status().get().has_value());  // behind the late answer
  CHECK(told == 0);
  CHECK(primary.broadcast("wait", {}, options).get().error().code == Code::cancelled);
  options.cancel = {};
  CHECK(primary.to_next("quick", {}, options).get().has_value());
  options.cancel.now();  // over already
}

TEST_CASE("primary: a switch that outlives the Primary of its calls does nothing") {
  auto context = make_context();
  CommandOptions options;
  Future<Answers> answers;
  {
    Primary primary(options_for(context, "tcp://127.0.0.1:1"));
    answers = primary.broadcast("wait", {}, options);
  }
  options.cancel.now();
  CHECK(answers.get().error().code == Code::shutdown);
}

TEST_CASE("primary: who asks late for workers that joined is told of those that are there") {
  auto context = make_context();
  Latch asked;
  std::atomic<bool> is_silent{false};
  FakeBroker broker(context, "tcp://127.0.0.1:0",
                    [&](const Message& message, const FakeBroker::Answer& answer) {
                      const auto* query = std::get_if<Query>(&message);
                      if (!query || is_silent) return;
                      QueryReply reply;
                      reply.request = query->request;
                      for (const std::uint8_t number : {1, 2}) {
                        WorkerSummary worker;
                        worker.info.id = id_of(number);
                        worker.state = WorkerState::ready;
                        reply.workers.push_back(worker);
                      }
                      answer(reply);
                      asked.hit();
                    });
  Primary primary(options_for(context, broker.url()));
  primary.on_worker_left([](const WorkerSummary&) {});
  REQUIRE(asked.reached(2));  // so the first list has been taken in
  is_silent = true;
  Latch joined;
  primary.on_worker_joined([&](const WorkerSummary&) { joined.hit(); });
  CHECK(joined.reached(2));
  primary.shutdown();
  CHECK(joined.count == 2);  // each once
}

TEST_CASE("primary: once on_worker_joined is unset, calls that wait for their turn are void") {
  auto context = make_context();
  FakeBroker broker(context, "tcp://127.0.0.1:0",
                    [&](const Message& message, const FakeBroker::Answer& answer) {
                      const auto* query = std::get_if<Query>(&message);
                      if (!query) return;
                      QueryReply reply;
                      reply.request = query->request;
                      for (const std::uint8_t number : {1, 2, 3}) {
                        WorkerSummary worker;
                        worker.info.id = id_of(number);
                        worker.state = WorkerState::ready;
                        reply.workers.push_back(worker);
                      }
                      answer(reply);
                    });
  Primary primary(options_for(context, broker.url()));
  Latch joined, unset, after;
  primary.on_worker_joined([&](const WorkerSummary&) {
    joined.hit();
    CHECK(unset.reached(1));  // workers 2 and 3 wait behind this one
  });
  REQUIRE(joined.reached(1));
  primary.on_worker_joined({});
  // Set again, so that it is known when the list has been gone through once more.
  primary.on_worker_joined([&](const WorkerSummary&) { after.hit(); });
  unset.hit();
  CHECK(after.reached(3));
  primary.shutdown();
  CHECK(joined.count == 1);
  CHECK(after.count == 3);
}

TEST_CASE("primary: one that destroys the Primary leaves the calls behind it something to run on") {
  auto context = make_context();
  FakeBroker broker(context, "tcp://127.0.0.1:0",
                    [&](const Message& message, const FakeBroker::Answer& answer) {
                      const auto* query = std::get_if<Query>(&message);
                      if (!query) return;
                      QueryReply reply;
                      reply.request = query->request;
                      for (const std::uint8_t number : {1, 2, 3}) {
                        WorkerSummary worker;
                        worker.info.id = id_of(number);
                        worker.state = WorkerState::ready;
                        reply.workers.push_back(worker);
                      }
                      answer(reply);
                    });
  auto primary = std::make_unique<Primary>(options_for(context, broker.url()));
  // Nothing but the Primary's inside has this, so it tells how long that lives.
  auto kept = std::make_shared<int>(0);
  const std::weak_ptr<int> inside = kept;
  primary->on_result([kept = std::move(kept)](const TaskSummary&) {});
  Latch started, joined;
  std::atomic<int> on_nothing{0};
  primary->on_worker_joined([&](const WorkerSummary&) {
    if (primary) {
      CHECK(started.reached(1));  // so that nobody else uses the pointer
      primary.reset();            // workers 2 and 3 wait behind this one
    }
    if (inside.expired()) ++on_nothing;
    joined.hit();
  });
  started.hit();
  CHECK(joined.reached(3));
  CHECK(on_nothing == 0);
  const TimePoint until = now_monotonic() + seconds(10);
  while (!inside.expired() && now_monotonic() < until) std::this_thread::yield();
  CHECK(inside.expired());
}

TEST_CASE("primary: a callback about workers that a callback sets and unsets is never called") {
  auto context = make_context();
  Latch asked;
  FakeBroker broker(context, "tcp://127.0.0.1:0",
                    [&](const Message& message, const FakeBroker::Answer& answer) {
                      const auto* query = std::get_if<Query>(&message);
                      if (!query) return;
                      QueryReply reply;
                      reply.request = query->request;
                      WorkerSummary worker;
                      worker.info.id = id_of(1);
                      worker.state = WorkerState::ready;
                      reply.workers.push_back(worker);
                      answer(reply);
                      asked.hit();
                    });
  Primary primary(options_for(context, broker.url()));
  primary.on_worker_left([](const WorkerSummary&) {});
  REQUIRE(asked.reached(2));  // so the worker is known, and whoever asks is told of it at once
  Latch never, asked_again;
  Query query;
  query.kind = QueryKind::workers;
  primary.query(query, {}, [&](Result<QueryReply>) {
    for (int i = 0; i < 100; ++i) {
      primary.on_worker_joined([&](const WorkerSummary&) { never.hit(); });
      primary.on_worker_joined({});
    }
    CHECK(primary.has_workers().get().has_value());  // the I/O thread has seen all of that
    asked_again.hit();
  });
  CHECK(asked_again.reached(1));
  primary.shutdown();
  CHECK(never.count == 0);
}

TEST_CASE("barrier: a step waits for room, a slow worker is named, shutdown ends all") {
  auto context = make_context();
  std::mutex mutex;
  std::vector<std::uint64_t> requests;
  Latch received;
  std::function<void(const Message&)> send;
  FakeBroker broker(context, "tcp://127.0.0.1:0",
                    [&](const Message& message, const FakeBroker::Answer& answer) {
                      if (const auto* command = std::get_if<Command>(&message)) {
                        {
                          const std::lock_guard lock(mutex);
                          requests.push_back(command->request);
                        }
                        answer(CommandDone{command->request, {answer_of(1)}, false, 0});
                        received.hit();
                      }
                      // A query releases the oldest step.
                      if (const auto* query = std::get_if<Query>(&message)) {
                        std::uint64_t oldest = 0;
                        {
                          const std::lock_guard lock(mutex);
                          oldest = requests.front();
                          requests.erase(requests.begin());
                        }
                        answer(CommandDone{oldest, {answer_of(2)}, true, 0});
                        answer(QueryReply{query->request});
                      }
                    });
  Primary primary(options_for(context, broker.url()));
  Barrier barrier(primary, "frame", {{id_of(1), id_of(2)}, 2, seconds(30)});
  auto first = barrier.step({});
  auto second = barrier.step({});
  REQUIRE(received.reached(2));
  CHECK_FALSE(barrier.has_room());
  CHECK(first.wait_for(std::chrono::seconds(0)) == std::future_status::timeout);
  Latch third_began;
  Future<StepReport> third;
  std::thread stepper([&] {
    third = barrier.step({});
    third_began.hit();
  });
  REQUIRE(primary.has_workers().get());  // and with it the end of step 1
  REQUIRE(third_began.reached(1));
  stepper.join();
  const auto report = first.get();
  REQUIRE(report);
  CHECK(report->step == 1);
  CHECK(report->is_acknowledged_by_all());
  REQUIRE(received.reached(3));
  REQUIRE(primary.has_workers().get());
  CHECK(second.get()->step == 2);
  const std::vector<WorkerLag> lags = barrier.lags();
  REQUIRE(lags.size() == 2);
  CHECK(lags[1].last_step == 2);
  CHECK(lags[1].steps_behind == 1);
  primary.shutdown();
  CHECK(third.get().error().code == Code::shutdown);
  CHECK(barrier.step({}).get().error().code == Code::shutdown);
  CHECK(Barrier(primary, "frame", {}).step({}).get().error().code == Code::invalid_argument);
}

TEST_CASE("primary: workers that come and go are told, with no lock held") {
  auto context = make_context();
  std::atomic<int> asked{0};
  FakeBroker broker(context, "tcp://127.0.0.1:0",
                    [&](const Message& message, const FakeBroker::Answer& answer) {
                      const auto* query = std::get_if<Query>(&message);
                      if (!query) return;
                      QueryReply reply;
                      reply.request = query->request;
                      if (query->kind == QueryKind::workers) {
                        // First both, then one of them.
                        for (std::uint8_t i = 1; i <= (asked == 0 ? 2 : 1); ++i) {
                          WorkerSummary worker;
                          worker.info.id = id_of(i);
                          worker.state = WorkerState::ready;
                          reply.workers.push_back(worker);
                        }
                        ++asked;
                      }
                      answer(reply);
                    });
  Primary primary(options_for(context, broker.url()));
  Latch joined, left;
  primary.on_worker_left([&](const WorkerSummary& worker) {
    CHECK(worker.info.id == id_of(2));
    CHECK(primary.has_workers().get().has_value());
    primary.on_worker_left({});
    primary.on_worker_joined({});
    left.hit();
  });
  primary.on_worker_joined([&](const WorkerSummary&) { joined.hit(); });
  CHECK(joined.reached(1));
  CHECK(left.reached(1));
}

TEST_CASE("primary: results of submitted jobs are told until the job has ended") {
  auto context = make_context();
  Latch unwatched;
  FakeBroker broker(context, "tcp://127.0.0.1:0",
                    [&](const Message& message, const FakeBroker::Answer& answer) {
                      if (const auto* submit = std::get_if<Submit>(&message)) {
                        SubmitOk ok;
                        ok.request = submit->request;
                        ok.job = JobId{5};
                        answer(ok);
                      }
                      if (const auto* watch = std::get_if<Watch>(&message)) {
                        CHECK(watch->job == JobId{5});
                        CHECK(watch->results);
                        Event task, job;
                        task.kind = EventKind::task;
                        task.cursor = {1, 8};
                        task.task.task = {JobId{5}, 0};
                        task.task.state = TaskState::succeeded;
                        task.task.result = {42};
                        Event running = task;
                        running.cursor = {};
                        running.task.state = TaskState::running;
                        job.kind = EventKind::job;
                        job.cursor = {1, 8};
                        job.job.id = JobId{5};
                        job.job.state = JobState::succeeded;
                        answer(Events{watch->request, 1, {running, task, job}});
                      }
                      if (std::holds_alternative<Unwatch>(message)) unwatched.hit();
                    });
  Primary primary(options_for(context, broker.url()));
  Latch told;
  primary.on_result([&](const TaskSummary& task) {
    CHECK(task.result == Bytes{42});
    told.hit();
  });
  REQUIRE(primary.submit(JobSpec{}, {}).get());
  CHECK(unwatched.reached(1));
  CHECK(told.reached(1));
  CHECK(told.count == 1);
}

TEST_CASE("primary: a job larger than a message goes in parts, over a broker that is restarted") {
  const std::string url = "ipc:///tmp/framebus-parts-test-" + std::to_string(getpid());
  JobSpec job;
  job.steps.emplace_back().type = "echo";
  for (std::uint32_t i = 0; i < 100'000; ++i)
    job.steps[0].task_params.push_back(bytes_from(std::string(80, 'x') + std::to_string(i)));
  job.steps[0].task_count = 100'000;
  std::mutex mutex;
  std::vector<Bytes> recorded;
  std::uint32_t next_part = 1;
  Latch halfway;
  // Keeps what it has recorded, as a journal would; dies silently after the third part.
  const auto serve = [&](std::uint32_t parts_max) {
    return [&, parts_max](const Message& message, const FakeBroker::Answer& answer) {
      const std::lock_guard lock(mutex);
      if (const auto* open = std::get_if<SubmitOpen>(&message)) {
        CHECK(open->job.steps[0].task_params.empty());
        answer(SubmitOpenOk{open->request, next_part});
      }
      if (const auto* part = std::get_if<SubmitPart>(&message)) {
        if (next_part > parts_max) return halfway.hit();
        if (part->part == next_part) {
          ++next_part;
          recorded.insert(recorded.end(), part->task_params.begin(), part->task_params.end());
        }
        CHECK(part->part < next_part);
        answer(SubmitPartOk{part->request, part->part});
      }
      if (const auto* commit = std::get_if<SubmitCommit>(&message)) {
        CHECK(commit->parts == next_part - 1);
        CHECK(commit->digest.size() == 16);
        SubmitOk ok;
        ok.request = commit->request;
        ok.job = JobId{9};
        answer(ok);
      }
    };
  };
  auto broker = std::make_unique<FakeBroker>(make_context(), url, serve(3));
  Primary primary(options_for(make_context(), url));
  SubmitOptions options;
  std::atomic<std::uint32_t> parts{0};
  options.on_upload = [&](const Upload& upload) { parts = upload.parts_done; };
  auto future = primary.submit(job, {}, options);
  REQUIRE(halfway.reached(1));
  broker.reset();
  broker = std::make_unique<FakeBroker>(make_context(), url, serve(1000));
  const auto accepted = future.get();
  REQUIRE(accepted);
  CHECK(accepted->job == JobId{9});
  primary.shutdown();
  broker.reset();  // its thread wrote what is read now
  CHECK(recorded == job.steps[0].task_params);
  CHECK(parts == next_part - 1);
}

TEST_CASE("primary: started and stopped a hundred times it leaves no thread and no descriptor") {
  auto broker_context = make_context();
  FakeBroker broker(broker_context, "tcp://127.0.0.1:0", echo_commands);
  const auto once = [&] {
    Primary primary(options_for(nullptr, broker.url()));
    primary.on_worker_joined([](const WorkerSummary&) {});
    CHECK(primary.to_next("ping", {}).get().has_value());
    auto pending = primary.status();
    primary.shutdown();
    CHECK(pending.get().error().code == Code::shutdown);
  };
  // The broker's side of a closed connection goes a moment later: counted at equal states.
  const auto settled = [&](std::size_t threads, std::size_t files) {
    const TimePoint patience = now_monotonic() + seconds(10);
    while (now_monotonic() < patience &&
           (entries_of("/proc/self/task") > threads || entries_of("/proc/self/fd") > files)) {
      std::this_thread::yield();
    }
    return std::pair{entries_of("/proc/self/task"), entries_of("/proc/self/fd")};
  };
  once();
  const std::size_t threads = entries_of("/proc/self/task");
  const std::size_t files = entries_of("/proc/self/fd");
  for (int i = 0; i < 100; ++i) once();
  const auto [threads_now, files_now] = settled(threads, files);
  CHECK(threads_now <= threads);
  CHECK(files_now <= files);
}
