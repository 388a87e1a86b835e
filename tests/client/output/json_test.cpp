// The JSON shapes that docs/CLI.md promises.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "client/output/renderer.h"
#include "client/output/words.h"
#include "tests/client/output/samples.h"

using namespace framebus;
using namespace framebus::client;
using Json = nlohmann::json;

namespace {

std::string text(const Report& report) {
  return make_json_renderer()->render(report);
}
Json json(const Report& report) {
  return Json::parse(text(report));
}

}  // namespace

TEST_CASE("json: every report is one line") {
  for (const Report& report : {Report{JobList{{samples::job()}, 1}},
                               Report{JobDetail{samples::job(), {samples::failed_task()}}},
                               Report{WorkerList{{samples::worker()}}},
                               Report{StatusReport{"tcp://x:1", samples::status()}}}) {
    const std::string out = text(report);
    CHECK(out.find('\n') == out.size() - 1);
  }
}

TEST_CASE("json: submit says job_id first") {
  CHECK(
      text(Submitted{JobId{3}, "helmet", 192, false, true, 2, 5}) ==
      R"({"job_id":3,"name":"helmet","task_count":192,"known":false,"ephemeral":true,"files_sent":2,"bytes_sent":5})"
      "\n");
}

TEST_CASE("json: a job has its state and the count of every task state") {
  const Json job = json(JobDetail{samples::job(), {samples::failed_task()}});
  CHECK(job["id"] == 3);
  CHECK(job["state"] == "running");
  CHECK(job["task_count"] == 192);
  CHECK(job["counts"].size() == all_task_states.size());
  CHECK(job["counts"]["succeeded"] == 118);
  CHECK(job["counts"]["queued"] == 64);
  CHECK(job["counts"]["dead"] == 0);
  CHECK(job["first_error"]["code"] == "task_failed");
  CHECK(job["steps"][0]["name"] == "render");
  CHECK(job["troubles"][0]["task"] == "3:17");
  CHECK(json(JobDetail{samples::finished_job(), {}})["first_error"] == nullptr);
}

TEST_CASE("json: lists, tasks, workers, status, actions") {
  CHECK(json(JobList{{samples::job()}, 7})["total"] == 7);
  const Json tasks = json(TaskList{samples::job(), {samples::running_task()}, 1});
  CHECK(tasks["job_id"] == 3);
  CHECK(tasks["tasks"][0]["progress_permille"] == 420);
  CHECK(tasks["tasks"][0]["attempts"][0]["end"] == "open");
  const Json worker = json(WorkerList{{samples::worker()}})["workers"][0];
  CHECK(worker["id"] == "00000000000000000000000000000007");
  CHECK(worker["state"] == "busy");
  CHECK(worker["load"]["cpu_permille"] == 873);
  const Json status = json(StatusReport{"tcp://x:1", samples::status()});
  CHECK(status["broker"] == "tcp://x:1");
  CHECK(status["counters"]["retries"] == 12);
  ActOk ok;
  ok.changed = 8;
  ok.job = samples::job();
  const Json acted = json(Acted{JobAction::cancel, {1, 2}, ok});
  CHECK(acted["action"] == "cancel");
  CHECK(acted["tasks"] == Json::array({1, 2}));
}

TEST_CASE("json: answers to a command, administration, pieces of logs") {
  CommandAnswer ok, lost;
  ok.worker_name = "node7:4711";
  ok.payload = Bytes{'{', '}'};
  lost.error = {static_cast<std::uint16_t>(Code::worker_lost), "it went away", 0};
  CHECK(text(Commanded{"ping", false, 0, {ok, lost}}) ==
        R"({"command":"ping","sticky":false,"load_id":null,"answers":[)"
        R"({"worker_id":"00000000000000000000000000000000","worker":"node7:4711",)"
        R"("ok":true,"error":null,"reply":{}},)"
        R"({"worker_id":"00000000000000000000000000000000","worker":"",)"
        R"("ok":false,"error":{"code":"worker_lost","message":"it went away"},"reply":null}]})"
        "\n");
  CHECK(json(Commanded{"map", true, 7, {}})["load_id"] == 7);
  const Json administered = json(Administered{WorkerAction::drain, samples::worker()});
  CHECK(administered["action"] == "drain");
  CHECK(administered["worker"]["host"] == "node7");
  LogPiece piece;
  piece.task = {JobId{3}, 17};
  piece.epoch = 1;
  piece.grant = 40;
  piece.offset = 9;
  piece.gap_bytes = 5;
  piece.bytes = Bytes{'a', '\n'};
  CHECK(text(piece) ==
        R"({"task":"3:17","epoch":1,"grant":40,"offset":9,"gap_bytes":5,"log":"a\n"})"
        "\n");
  piece.bytes = Bytes{0xff};
  CHECK(json(piece)["log"]["base64"] == "/w==");
}

TEST_CASE("json: a task has its counters, its last errors and its parameters") {
  TaskSummary task = samples::failed_task();
  task.tries = 1;
  task.crashes = 2;
  task.losses = 3;
  task.errors = {{{static_cast<std::uint16_t>(Code::task_failed), "x", 0}, "log\n"}};
  const Json out = json(TaskList{samples::job(), {task}, 1, {Bytes{'{', '}'}}})["tasks"][0];
  CHECK(out["tries"] == 1);
  CHECK(out["crashes"] == 2);
  CHECK(out["losses"] == 3);
  CHECK(out["errors"][0]["error"]["code"] == "task_failed");
  CHECK(out["errors"][0]["log_tail"] == "log\n");
  CHECK(out["params"] == Json::object());
  Explained explained;
  explained.task = task;
  CHECK(json(explained)["detail"]["crashes"] == 2);
}

TEST_CASE("json: a result is embedded as JSON, as text, or as base64") {
  TaskSummary task = samples::running_task();
  const auto result_of = [&task](std::string_view bytes) {
    task.result.assign(bytes.begin(), bytes.end());
    return json(TaskOutcomeLine{task})["result"];
  };
  CHECK(result_of("") == nullptr);
  CHECK(result_of(R"({"a":[1,2]})")["a"][1] == 2);
  CHECK(result_of("plain text") == "plain text");
  CHECK(result_of("\xFF\xFE\x01")["base64"] == "//4B");
  CHECK(result_of(std::string(100'000, '[')) == std::string(100'000, '['));
}

TEST_CASE("json: texts that are not UTF-8 do not break the output") {
  JobSummary job = samples::job();
  job.name = "bad \xFF name\x1b[31m\n";
  const std::string out = text(JobDetail{job, {}});
  CHECK(Json::accept(out));
  CHECK(out.find('\x1b') == std::string::npos);
}
