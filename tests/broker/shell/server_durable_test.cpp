// A broker that keeps a journal: what it accepted is there after a restart, and what refuses a
// start.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "broker/shell/exit_codes.h"
#include "libmsg/blob/blob_store.h"
#include "tests/broker/shell/running_server.h"

namespace framebus::broker {
namespace {

using test::code_of;
using test::echo_job;
using test::RawPeer;
using test::RunningServer;

BrokerConfig lasting_config(const test::ScratchDirectory& scratch) {
  BrokerConfig config = RunningServer::config_on_free_ports();
  config.ephemeral = false;
  config.data = scratch / "broker";
  config.journal_segment.bytes = limits::MiB;
  config.disk_reserve.bytes = 0;
  return config;
}

std::map<std::string, std::uint64_t> counters_of(RawPeer& primary) {
  primary.send(Query{99, QueryKind::status, {}, 0, 0});
  const auto reply = primary.next_of<QueryReply>();
  REQUIRE(reply);
  std::map<std::string, std::uint64_t> counters;
  for (const Counter& each : reply->status.counters) counters[each.name] = each.value;
  CHECK(counters.size() == reply->status.counters.size());  // no name twice
  return counters;
}

JobSummary job_of(RawPeer& primary, JobId job) {
  primary.send(Query{98, QueryKind::job, {job, 0}, 0, 0});
  const auto reply = primary.next_of<QueryReply>();
  REQUIRE(reply);
  REQUIRE(reply->jobs.size() == 1);
  return reply->jobs[0];
}

TaskResult ok_result(const AttemptSpec& attempt) {
  TaskResult result;
  result.task = attempt.task;
  result.token = attempt.token;
  result.outcome = Outcome::ok;
  result.result = {1, 2, 3};
  return result;
}

// Every regular file below a directory, with its bytes.
std::map<std::string, std::string> contents_of(const std::filesystem::path& directory) {
  std::map<std::string, std::string> contents;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    contents[entry.path().string()] = {std::istreambuf_iterator<char>(file), {}};
  }
  return contents;
}

TEST_CASE("durable server: an accepted job is there after a restart, its repeat is recognised") {
  test::ScratchDirectory scratch;
  JobId job;
  {
    RunningServer server(lasting_config(scratch));
    const auto primary = server.primary();
    primary->send(echo_job(1, 3));
    const auto accepted = primary->next_of<SubmitOk>();
    REQUIRE(accepted);
    CHECK_FALSE(accepted->ephemeral);
    CHECK_FALSE(accepted->known);
    job = accepted->job;
    CHECK(server.stop());
  }
  RunningServer server(lasting_config(scratch));
  CHECK(server->facts().epoch == 2);
  const auto primary = server.primary();
  CHECK(job_of(*primary, job).state == JobState::queued);
  primary->send(echo_job(1, 3));
  const auto repeated = primary->next_of<SubmitOk>();
  REQUIRE(repeated);
  CHECK(repeated->known);
  CHECK(repeated->job == job);
  const auto counters = counters_of(*primary);
  CHECK(counters.at("recovery.records") >= 1);
  CHECK(counters.at("store.dropped_tail_records") == 0);
  server.stop();
  CHECK(server->counters().recovered_records == counters.at("recovery.records"));
}

TEST_CASE("durable server: a worker that kept its attempt over a restart delivers its result") {
  test::ScratchDirectory scratch;
  JobId job;
  AttemptSpec attempt;
  {
    RunningServer server(lasting_config(scratch));
    const auto worker = server.worker();
    const auto primary = server.primary();
    primary->send(echo_job(1, 1));
    const auto accepted = primary->next_of<SubmitOk>();
    REQUIRE(accepted);
    job = accepted->job;
    const auto assign = worker->next_of<Assign>();
    REQUIRE(assign);
    attempt = assign->attempts.at(0);
    worker->send(Started{{{attempt.task, attempt.token}}});
    REQUIRE(test::eventually([&] { return job_of(*primary, job).state == JobState::running; }));
  }
  RunningServer server(lasting_config(scratch));
  RawPeer worker(server->endpoints().worker);
  Hello hello = RunningServer::worker_hello();
  hello.held = {{attempt.task, attempt.token, AttemptPhase::running}};
  const auto welcome = worker.hello(hello);
  REQUIRE(welcome);
  REQUIRE(std::holds_alternative<Welcome>(welcome->message));
  worker.send(Results{{ok_result(attempt)}});
  const auto confirmed = worker.next_of<ResultsOk>();
  REQUIRE(confirmed);
  CHECK(confirmed->attempts.size() == 1);
  const auto primary = server.primary();
  CHECK(job_of(*primary, job).state == JobState::succeeded);
}

TEST_CASE("durable server: a damaged journal refuses the start, names the place, changes nothing") {
  test::ScratchDirectory scratch;
  {
    RunningServer server(lasting_config(scratch));
    const auto primary = server.primary();
    for (std::uint8_t id = 1; id <= 20; ++id) {
      primary->send(echo_job(id, 1, id));
      REQUIRE(primary->next_of<SubmitOk>());
    }
    CHECK(server.stop());
  }
  const std::filesystem::path journal = scratch / "broker/journal";
  std::filesystem::path damaged;
  for (const auto& [path, bytes] : contents_of(journal)) {
    const std::size_t at = bytes.find("echo");
    if (at == std::string::npos) continue;
    damaged = path;
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at));
    file.put('E');
  }
  REQUIRE_FALSE(damaged.empty());
  const auto before = contents_of(journal);
  const auto refused = BrokerServer::start(lasting_config(scratch));
  REQUIRE_FALSE(refused);
  CHECK(exit_code_of_start(refused.error()) == 65);
  CHECK(refused.error().message.find(damaged.filename().string()) != std::string::npos);
  CHECK(refused.error().message.find("journal verify") != std::string::npos);
  CHECK(refused.error().message.find("journal repair") != std::string::npos);
  CHECK(contents_of(journal) == before);
}

TEST_CASE("durable server: numbers of archived jobs are not given again without the journal") {
  test::ScratchDirectory scratch;
  BrokerConfig config = lasting_config(scratch);
  config.archive_after = Duration{0};
  JobId archived;
  {
    RunningServer server(config);
    const auto primary = server.primary();
    for (std::uint8_t id = 1; id <= 3; ++id) {
      primary->send(echo_job(id, 1, id));
      const auto accepted = primary->next_of<SubmitOk>();
      REQUIRE(accepted);
      archived = accepted->job;
    }
    Act cancel;
    cancel.request = 4;
    cancel.action = JobAction::cancel;
    cancel.job = archived;
    primary->send(cancel);
    REQUIRE(primary->next_of<ActOk>());
    REQUIRE(test::eventually([&] {
      primary->send(Query{5, QueryKind::archive, {}, 0, 0});
      const auto reply = primary->next_of<QueryReply>();
      return reply && reply->total == 1;
    }));
    CHECK(server.stop());
  }
  std::filesystem::remove_all(scratch / "broker/journal");
  RunningServer server(config);
  const auto primary = server.primary();
  primary->send(echo_job(1, 1, 9));
  const auto accepted = primary->next_of<SubmitOk>();
  REQUIRE(accepted);
  CHECK(accepted->job == JobId{archived.value + 1});
}

TEST_CASE("exit codes: an error of the disk at the start is 74, what another try may mend is not") {
  CHECK(exit_code_of_start({Code::internal, "fdatasync: Input/output error", 0}) == 74);
  CHECK(exit_code_of_start({Code::unavailable, "write epoch: Input/output error", 0}) == 74);
  // Of the archive: a disk that fails, and a process that holds it.
  CHECK(exit_code_of_start({Code::unavailable, "archive: disk I/O error", 0}) == 74);
  CHECK(exit_code_of_start({Code::unavailable, "archive: database is locked", 5'000}) == 3);
  CHECK(exit_code_of_start({Code::resource_exhausted, "no room", 0}) == 3);
  CHECK(exit_code_of_start({Code::data_loss, "damaged", 0}) == 65);
  CHECK(exit_code_of_start({Code::permission_denied, "denied", 0}) == 78);
  CHECK(exit_code_of_start({Code::already_exists, "taken", 0}) == 5);
}

TEST_CASE("durable server: a full disk refuses submits and still records results") {
  test::ScratchDirectory scratch;
  {
    RunningServer server(lasting_config(scratch));
    const auto primary = server.primary();
    primary->send(echo_job(1, 1));
    REQUIRE(primary->next_of<SubmitOk>());
  }
  BrokerConfig config = lasting_config(scratch);
  config.disk_reserve.bytes = 1ull << 60;  // more than any disk has
  RunningServer server(config);
  const auto primary = server.primary();
  Submit second = echo_job(2, 1, 2);
  primary->send(second);
  const auto refused = primary->next_of<ErrorReply>();
  REQUIRE(refused);
  CHECK(code_of(*refused) == Code::resource_exhausted);
  CHECK(refused->error.retry_after_ms > 0);
  const auto worker = server.worker();
  const auto assign = worker->next_of<Assign>();
  REQUIRE(assign);
  worker->send(Started{{{assign->attempts[0].task, assign->attempts[0].token}}});
  worker->send(Results{{ok_result(assign->attempts[0])}});
  const auto confirmed = worker->next_of<ResultsOk>();
  REQUIRE(confirmed);
  CHECK(confirmed->attempts.size() == 1);
  CHECK(job_of(*primary, assign->attempts[0].task.job).state == JobState::succeeded);
}

TEST_CASE("durable server: a result whose blob is not stored counts as a failed attempt") {
  RunningServer server;
  const auto worker = server.worker();
  const auto primary = server.primary();
  Submit submit = echo_job(1, 1);
  submit.job.steps[0].max_attempts = 1;
  primary->send(submit);
  const auto accepted = primary->next_of<SubmitOk>();
  REQUIRE(accepted);
  const auto assign = worker->next_of<Assign>();
  REQUIRE(assign);
  TaskResult result = ok_result(assign->attempts[0]);
  result.blobs.push_back({hash_bytes(bytes_of("never put")), 9, "image.exr"});
  worker->send(Results{{result}});
  REQUIRE(worker->next_of<ResultsOk>());
  CHECK(job_of(*primary, accepted->job).state == JobState::failed);
  CHECK(counters_of(*primary).at("intake.results_without_blob") == 1);
}

TEST_CASE("durable server: status tells where every message of the broker is") {
  RunningServer server;
  const auto worker = server.worker();
  const auto primary = server.primary();
  for (std::uint8_t id = 1; id <= 50; ++id) primary->send(echo_job(id, 1, id));
  for (int i = 0; i < 50; ++i) REQUIRE(primary->next_of<SubmitOk>());
  const auto counters = counters_of(*primary);
  CHECK(counters.at("delivery.made") >= 52);
  CHECK(counters.at("delivery.made") ==
        counters.at("delivery.handed_over") + counters.at("delivery.refused") +
            counters.at("delivery.outstanding") + counters.at("delivery.dropped_with_session"));
  CHECK(counters.at("commit.taken") >= counters.at("commit.released"));
  server.stop();
  CHECK(server->counters().sent >= counters.at("delivery.handed_over"));
}

TEST_CASE("durable server: a port that is taken is no damage and no refusal") {
  test::ScratchDirectory scratch;
  RunningServer server;
  BrokerConfig config = lasting_config(scratch);
  config.primary_endpoint = server->endpoints().primary;
  const auto taken = BrokerServer::start(config);
  REQUIRE_FALSE(taken);
  CHECK(exit_code_of_start(taken.error()) == 5);
  config.primary_endpoint = "tcp://127.0.0.1:0";
  CHECK(BrokerServer::start(config));
}

}  // namespace
}  // namespace framebus::broker
