// Golden tables: what people see, at a width, without colours.
#include <doctest/doctest.h>

#include "client/output/explain_text.h"
#include "client/output/renderer.h"
#include "client/output/text.h"
#include "tests/client/output/samples.h"

using namespace framebus;
using namespace framebus::client;

namespace {

std::string table(const Report& report, std::size_t columns = 100) {
  return make_table_renderer(Terminal{true, false, true, columns})->render(report);
}

}  // namespace

TEST_CASE("table: jobs") {
  CHECK(table(JobList{{samples::job(), samples::finished_job()}, 2}, 120) ==
        "JOB  NAME                 STATE      PROGRESS                  TASKS  FAILED  OWNER     "
        "AGE     RAN\n"
        "  3  helmet turntable     running    ██████████▒░░░░░   62%  120/192       2  ada    4m "
        "12s  3m 50s\n"
        "  2  ramp metering sweep  succeeded  ████████████████  100%      4/4          grace  2h "
        "06m    4.2s\n");
  CHECK(table(JobList{}) == "no jobs yet: framebus submit JOB.json\n");
  CHECK(table(JobList{{samples::job()}, 40}).find("showing 1 of 40 jobs: --all shows the rest\n") !=
        std::string::npos);
}

TEST_CASE("table: jobs on a narrow terminal keep id, name and state") {
  const std::string narrow = table(JobList{{samples::job()}, 1}, 40);
  CHECK(narrow.find("helmet turntable") != std::string::npos);
  CHECK(narrow.find("running") != std::string::npos);
  CHECK(column_count(narrow.substr(0, narrow.find('\n'))) <= 40);
}

TEST_CASE("table: one job with what went wrong") {
  CHECK(table(JobDetail{samples::job(), {samples::failed_task()}}) ==
        "job 3  helmet turntable  running\n"
        "████████████████████▒▒░░░░░░░░░░  62% of 192 tasks\n"
        "tasks       queued 64  running 8  succeeded 118  failed 2\n"
        "owner       ada, priority 50\n"
        "accepted    4m 12s ago, running for 3m 50s\n"
        "  STEP    TYPE    TASKS  INDICES\n"
        "  render  render    192  0-191\n"
        "\n"
        "task 3:17 dead after 3 tries, last on node7:4711\n"
        "  task_failed: no such texture: wood.png\n"
        "  end of its log:\n"
        "  │ loading scene\n"
        "  │ wood.png: not found\n"
        "  TRY  WORKER      END     RAN  ERROR\n"
        "    1  node7:4711  error  1.5s\n"
        "    2  node7:4711  error  1.5s\n"
        "    3  node7:4711  error  1.5s\n");
}

TEST_CASE("table: a dead letter shows what was counted and its last errors with their logs") {
  TaskSummary task = samples::failed_task();
  task.tries = 1;
  task.crashes = 2;
  task.losses = 1;
  const auto code = static_cast<std::uint16_t>(Code::task_failed);
  task.errors = {{{code, "out of memory", 0}, ""},
                 {{code, "no such texture: wood.png", 0}, "loading scene\n"}};
  JobSummary failed = samples::finished_job();
  failed.state = JobState::failed;
  failed.counts = {{TaskState::succeeded, 3}, {TaskState::dead, 1}};
  CHECK(table(JobDetail{failed, {task}, true}) ==
        "✗ job 2 failed  ramp metering sweep: 4 tasks in 4.2s\n"
        "  succeeded 3  dead 1\n"
        "task 3:17 dead after 3 tries, last on node7:4711 (1 error, 2 crashes, 1 loss)\n"
        "  1 of 2: task_failed: out of memory\n"
        "  2 of 2: task_failed: no such texture: wood.png\n"
        "  end of its log:\n"
        "  │ loading scene\n");
}

TEST_CASE("table: the end of a job in one line, or with its troubles") {
  CHECK(table(JobDetail{samples::finished_job(), {}, true}) ==
        "✓ job 2 succeeded  ramp metering sweep: 4 tasks in 4.2s\n");
  JobSummary failed = samples::finished_job();
  failed.state = JobState::failed;
  failed.counts = {{TaskState::succeeded, 3}, {TaskState::dead, 1}};
  CHECK(table(JobDetail{failed, {samples::failed_task()}, true}) ==
        "✗ job 2 failed  ramp metering sweep: 4 tasks in 4.2s\n"
        "  succeeded 3  dead 1\n"
        "task 3:17 dead after 3 tries, last on node7:4711\n"
        "  task_failed: no such texture: wood.png\n"
        "  end of its log:\n"
        "  │ loading scene\n"
        "  │ wood.png: not found\n");
}

TEST_CASE("table: tasks") {
  CHECK(table(TaskList{samples::job(), {samples::failed_task(), samples::running_task()}, 2}) ==
        "TASK  STEP    STATE    DONE  TRIES     RAN  WORKER      NOTE\n"
        "3:17  render  dead               3    1.5s  node7:4711  no such texture: wood.png\n"
        "3:18  render  running   42%      1  1m 01s  node8:12    sampling\n");
}

TEST_CASE("table: tasks of a sweep show their parameters") {
  TaskSummary task = samples::running_task();
  const std::string_view params = R"({"map":"a","seed":1})";
  CHECK(table(TaskList{samples::job(), {task}, 1, {Bytes(params.begin(), params.end())}}) ==
        "TASK  STEP    STATE    DONE  TRIES     RAN  WORKER    PARAMS                NOTE\n"
        "3:18  render  running   42%      1  1m 01s  node8:12  {\"map\":\"a\",\"seed\":1}  "
        "sampling\n");
}

TEST_CASE("table: answers of workers to a command") {
  CommandAnswer ok, lost, binary;
  ok.worker_name = "node7:4711";
  ok.payload = Bytes{'p', 'o', 'n', 'g'};
  lost.worker_name = "node8:12";
  lost.error = {static_cast<std::uint16_t>(Code::worker_lost), "it went away", 0};
  binary.worker.bytes[15] = 3;
  binary.payload = Bytes{0xff, 0xfe, 1};
  CHECK(table(Commanded{"ping", false, 0, {ok, lost, binary}}) ==
        "WORKER                            RESULT       REPLY\n"
        "node7:4711                        ok           pong\n"
        "node8:12                          worker_lost  it went away\n"
        "00000000000000000000000000000003  ok           3 B of binary data\n");
  CHECK(table(Commanded{"prepare:map", true, 7, {}}) ==
        "\"prepare:map\" is preparation 7: workers that join later get it too\n"
        "no worker is connected now\n");
  CHECK(make_quiet_renderer()->render(Commanded{"ping", false, 0, {ok, lost}}) == "pong\n");
}

TEST_CASE("table: what a worker was told, and how it is now") {
  WorkerSummary worker = samples::worker();
  worker.state = WorkerState::draining;
  worker.reason = "new driver";
  CHECK(table(Administered{WorkerAction::drain, worker}) ==
        "worker node7:4711 drains; it is draining now and holds 3 tasks: new driver\n");
  worker.in_flight = 0;
  worker.reason.clear();
  worker.state = WorkerState::lost;
  CHECK(table(Administered{WorkerAction::remove, worker}) ==
        "worker node7:4711 leaves; it is lost now\n");
  WorkerSummary gone;
  gone.info.id.bytes[15] = 7;
  gone.state = WorkerState::lost;
  gone.reason = "may come back";
  CHECK(table(Administered{WorkerAction::resume, gone}) ==
        "worker 00000000000000000000000000000007 resumes; it is lost now: may come back\n");
}

TEST_CASE("table: explain lists the attempts of a task that waits") {
  TaskSummary task = samples::failed_task();
  task.state = TaskState::queued;
  Explanation excluded;
  excluded.worker_name = "node7:4711";
  excluded.filter = "excluded";
  excluded.detail = "3 tasks of type render failed on it";
  const std::string out = table(Explained{task, {excluded}});
  CHECK(out.find("    3  node7:4711  error  1.5s\n") != std::string::npos);
  CHECK(out.find("node7:4711  no   excluded  3 tasks of type render failed on it\n") !=
        std::string::npos);
}

TEST_CASE("table: workers, without GPU columns where there is no GPU") {
  CHECK(table(WorkerList{{samples::worker()}}) ==
        "WORKER      STATE    BUSY  CPU    DONE  FAILED  LATENCY  DEVICE                 TYPES\n"
        "node7:4711  busy   2/2 +1  87%  12,345       2  0.41 ms  16 threads, EPYC 9654  echo "
        "render\n");
  CHECK(table(WorkerList{}).find("framebus-worker") != std::string::npos);
}

TEST_CASE("table: status") {
  CHECK(table(StatusReport{"tcp://127.0.0.1:7750", samples::status()}) ==
        "broker  tcp://127.0.0.1:7750  framebus-broker 0.1.0, epoch 4, up 1d 01h\n"
        "storage     memory only: jobs do not survive a restart of the broker\n"
        "workers     3 workers, 5 of 6 slots busy\n"
        "jobs        1 active: queued 64  running 8\n"
        "  COUNTER  SINCE START\n"
        "  retries           12\n");
}

TEST_CASE("table: explain begins with what the task waits for") {
  Explanation busy;
  busy.filter = "credit";
  Explanation unable;
  unable.filter = "gpu_memory";
  Explained explained;
  explained.task.task = {JobId{3}, 17};
  explained.task.state = TaskState::queued;
  CHECK(verdict_of(explained) == "no worker is connected");
  explained.workers = {unable, unable};
  CHECK(verdict_of(explained) == "no connected worker can run it");
  explained.workers = {unable, busy};
  CHECK(verdict_of(explained) == "waits for a free slot: 1 worker could run it, all are busy");
  explained.workers[0].eligible = true;
  explained.workers[0].detail = "the job's max_parallel of 2 is reached";
  CHECK(verdict_of(explained) == "the job's max_parallel of 2 is reached");
  explained.task.state = TaskState::held;
  CHECK(verdict_of(explained) == "waits for the steps it depends on");
  explained.job_state = JobState::paused;
  CHECK(verdict_of(explained) == "its job is paused; framebus resume 3 lets it go on");
  explained.task.state = TaskState::dead;
  CHECK(verdict_of(explained) == "it has ended; framebus retry 3:17 runs it again");
  CHECK(table(explained) == "task 3:17 is dead: it has ended; framebus retry 3:17 runs it again\n");
}

TEST_CASE("table: explain, submit, act, fetch, validate") {
  Explanation no;
  no.worker_name = "node7:4711";
  no.filter = "gpu_memory";
  no.detail = "wants 24 GiB, has 16 GiB";
  TaskSummary queued;
  queued.task = {JobId{3}, 17};
  queued.state = TaskState::queued;
  CHECK(table(Explained{queued, {no}}) ==
        "task 3:17 is queued: no connected worker can run it\n"
        "WORKER      NOW  FILTER      WHY\n"
        "node7:4711  no   gpu_memory  wants 24 GiB, has 16 GiB\n");
  CHECK(table(Submitted{JobId{3}, "helmet", 192, false, false, 2, 5 << 20}) ==
        "accepted job 3 \"helmet\", 192 tasks, sent 2 files (5.0 MiB)\n");
  ActOk ok;
  ok.changed = 8;
  ok.unchanged = 2;
  ok.job = samples::job();
  CHECK(table(Acted{JobAction::cancel, {}, ok}) ==
        "job 3: 8 tasks cancelled, 2 not concerned; it is running now\n");
  CHECK(table(Fetched{JobId{3}, true, 1, 1, {{"out/a.png", "image", 2048, -1, {}}}}) ==
        "out/a.png  image, 2.0 KiB\n");
  CHECK(table(Fetched{JobId{3}, false, 1, 2, {}}) ==
        "incomplete: 1 of 2 tasks of job 3 succeeded so far\n");
  const auto json_of = [](std::string_view text) { return Bytes(text.begin(), text.end()); };
  CHECK(table(Validated{
            "sweep.json",
            "sweep",
            50,
            {{"echo", "echo", 1'000'000, 0, json_of(R"({"i":1})"), json_of(R"({"i":1000000})")}},
            0,
            0,
            {},
            {}}) ==
        "sweep.json: valid  \"sweep\", priority 50\n"
        "  STEP  TYPE      TASKS  INPUTS\n"
        "  echo  echo  1,000,000       0\n"
        "first task  {\"i\":1}\n"
        "last task   {\"i\":1000000}\n");
  CHECK(table(Validated{"job.json",
                        "helmet",
                        50,
                        {{"render", "render", 192, 4, {}, {}}},
                        4,
                        3 << 20,
                        {"out/####.png"},
                        {}}) ==
        "job.json: valid  \"helmet\", priority 50\n"
        "  STEP    TYPE    TASKS  INPUTS\n"
        "  render  render    192       4\n"
        "inputs      4 files, 3.0 MiB\n"
        "output      out/####.png\n");
}

TEST_CASE("table: names and errors of others can not drive the terminal") {
  JobSummary job = samples::job();
  job.name = "evil\x1b[2J\x1b]0;title\x07\nname";
  job.owner = "\x1b[31mred";
  TaskSummary task = samples::failed_task();
  task.error.message = "bad\x1b[1A\rline";
  task.log_tail = "log\x1b[?1049hline\r\n";
  for (const Report& report : {Report{JobList{{job}, 1}}, Report{JobDetail{job, {task}}},
                               Report{JobDetail{job, {task}, true}},
                               Report{TaskList{job, {task}, 1}}, Report{TaskOutcomeLine{task}}}) {
    const std::string out = table(report);
    CHECK(out.find('\x1b') == std::string::npos);
    CHECK(out.find('\r') == std::string::npos);
    CHECK(out.find('\x07') == std::string::npos);
  }
}

TEST_CASE("quiet: ids and paths only") {
  const auto quiet = make_quiet_renderer();
  CHECK(quiet->render(JobList{{samples::job(), samples::finished_job()}, 2}) == "3\n2\n");
  CHECK(quiet->render(JobDetail{samples::job(), {}}) == "running\n");
  CHECK(quiet->render(Submitted{JobId{9}, "x", 1, false, false, 0, 0}) == "9\n");
  CHECK(quiet->render(Fetched{JobId{3}, true, 1, 1, {{"out/a.png", "image", 1, -1, {}}}}) ==
        "out/a.png\n");
  CHECK(quiet->render(StatusReport{}) == "");
}
