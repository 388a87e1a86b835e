// Commands: every worker asked is answered for exactly once, whatever happens to it, to the primary
// and to the broker.
#include "tests/broker/rig.h"

using namespace framebus;
using namespace framebus::broker;
using namespace framebus::broker::test;

namespace {

constexpr auto all = CommandTarget::all;
constexpr auto next = CommandTarget::next;
constexpr auto named = CommandTarget::named;

// The id of the first command of epoch 1, as printed.
const std::string c1 = std::to_string((1ull << 40) + 1);
const std::string c2 = std::to_string((1ull << 40) + 2);
constexpr CommandId first = (1ull << 40) + 1;

CommandReply reply(CommandId id, std::string_view payload = "") {
  return {id, {}, bytes(payload)};
}

}  // namespace

TEST_CASE("command: one for all goes to every connected worker, and each answers in its time") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.commandable(1, {"step"});
  const SessionId two = rig.commandable(2, {"step"});
  rig.command(ann, 7, all, "step");
  rig.expect({"Send session 2 RunCommand{command=" + c1 + " verb=\"step\" deadline_ms=30000}",
              "Send session 3 RunCommand{command=" + c1 + " verb=\"step\" deadline_ms=30000}"});
  rig.receive(two, reply(first, "ok"));
  rig.expect(
      {"Send session 1 CommandDone{request=7 answers=[{worker=02000000 worker_name=\"w2:1\" "
       "payload=2 bytes}]}"});
  rig.receive(one, reply(first));
  rig.expect(
      {"Send session 1 CommandDone{request=7 answers=[{worker=01000000 "
       "worker_name=\"w1:1\"}] last=1}"});
  CHECK(rig.core.state().commands.empty());
}

TEST_CASE("command: with nobody to ask, one for all is over at once") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.command(ann, 7, all, "step");
  rig.expect({"Send session 1 CommandDone{request=7 last=1}"});
}

TEST_CASE("command: a worker that does not know it is answered for, so that a barrier never lies") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.commandable(1, {"step"});
  rig.commandable(2, {"other"});
  rig.command(ann, 7, all, "step");
  rig.expect({"Send session 2 RunCommand*",
              "Send session 1 CommandDone{request=7 answers=[{worker=02000000 worker_name=\"w2:1\" "
              "error={code=8 *}]}"});
  rig.receive(one, reply(first));
  CHECK(rig.only<CommandDone>().last);
}

TEST_CASE("command: a verb is a command's name, or that and more behind a colon") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.commandable(1, {"prepare"});
  rig.command(ann, 7, next, "prepare:scene");
  rig.expect({"Send session 2 RunCommand{command=" + c1 + " verb=\"prepare:scene\" *"});
}

TEST_CASE("command: named workers are asked once each, one that is not connected is lost at once") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.commandable(1, {"step"});
  rig.command(ann, 7, named, "step", {worker_id(1), worker_id(9), worker_id(1)});
  rig.expect(
      {"Send session 2 RunCommand*",
       "Send session 1 CommandDone{request=7 answers=[{worker=09000000 error={code=21 *}]}"});
}

TEST_CASE("command: a worker that is behind is answered for, the others are asked") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.commandable(1, {"step"});
  rig.commandable(2, {"step"});
  const auto send = [&](std::uint64_t request, CommandTarget target,
                        std::vector<WorkerId> workers = {}) {
    Command message;
    message.request = request;
    message.target = target;
    message.verb = "step";
    message.workers = std::move(workers);
    message.payload = Bytes(limits::command_payload_bytes_max, 1);
    rig.receive(ann, message);
  };
  const std::uint64_t fit = asked_bytes_per_worker_max / limits::command_payload_bytes_max;
  for (std::uint64_t i = 1; i <= fit; ++i) {
    send(i, named, {worker_id(1)});
    CHECK(Rig::all<RunCommand>(rig.take()).size() == 1);
  }
  send(100, all);
  rig.expect({"Send session 3 RunCommand*",
              "Send session 1 CommandDone{request=100 answers=[{worker=01000000 "
              "worker_name=\"w1:1\" error={code=4 message=\"worker w1:1 is behind with its *"});
  send(101, named, {worker_id(1)});
  const CommandDone done = rig.only<CommandDone>();
  CHECK(done.last);  // no answer is outstanding
  REQUIRE(done.answers.size() == 1);
  CHECK(done.answers[0].error.code == static_cast<int>(Code::resource_exhausted));
  CHECK(done.answers[0].error.retry_after_ms == 1'000);
  CHECK(rig.core.state().workers.at(worker_id(1)).asked_bytes == asked_bytes_per_worker_max);
  // An answer makes room for the next.
  rig.receive(one, reply(first));
  rig.take();
  send(102, named, {worker_id(1)});
  CHECK(Rig::all<RunCommand>(rig.take()).size() == 1);
}

TEST_CASE("command: next goes round the workers that know it and are in order") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.commandable(1, {"step"});
  rig.commandable(2, {"step"});
  rig.commandable(3, {"other"});
  rig.commandable(4, {"step"});
  std::vector<std::uint64_t> asked;
  for (std::uint64_t request = 1; request <= 6; ++request) {
    rig.command(ann, request, next, "step");
    const Actions actions = rig.take();
    REQUIRE(Rig::all<RunCommand>(actions).size() == 1);
    asked.push_back(std::get<Send>(actions.front()).session.value);
  }
  CHECK(asked == std::vector<std::uint64_t>{2, 3, 5, 2, 3, 5});
}

TEST_CASE("command: next passes over a worker that drains or is silent") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.commandable(1, {"step"});
  const SessionId two = rig.commandable(2, {"step"});
  Heartbeat draining = rig.beat({});
  draining.draining = true;
  rig.receive(one, draining);
  rig.take();
  for (std::uint64_t request = 1; request <= 2; ++request) {
    rig.command(ann, request, next, "step");
    rig.expect({"Send session 3 RunCommand*"});
  }
  rig.tick(seconds(3));
  rig.take();
  rig.command(ann, 3, next, "step");
  rig.expect({});
  rig.receive(two, rig.beat({}));
  rig.expect({"Send session 3 HeartbeatAck*", "Send session 3 RunCommand*"});
}

TEST_CASE("command: next without a worker waits, and goes to the first that joins") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.command(ann, 7, next, "step");
  rig.expect({});
  rig.tick(seconds(10));
  rig.expect({});
  rig.join(a_worker(1).knows({"step"}));
  rig.expect({"Send session 2 Welcome*",
              "Send session 2 RunCommand{command=" + c1 + " verb=\"step\" deadline_ms=20000}"});
}

TEST_CASE("command: next without a worker fails with no_worker at its deadline") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.command(ann, 7, next, "step", {}, 2'000);
  rig.command(ann, 8, next, "step");
  rig.tick(milliseconds(1'999));
  rig.expect({});
  rig.tick(milliseconds(1));
  rig.expect(
      {"Send session 1 Error{request=7 error={code=20 message=\"no worker that knows the "
       "command 'step' was read...\" retry_after_ms=1000}}"});
  rig.tick(seconds(28));
  CHECK(rig.only<ErrorReply>().request == 8);
  CHECK(rig.core.state().rings.empty());
}

TEST_CASE(
    "command: a worker that says nothing is answered for at the deadline, its late reply counts "
    "nothing") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.commandable(1, {"step"});
  rig.command(ann, 7, all, "step", {}, 1'000);
  rig.take();
  rig.tick(seconds(1));
  rig.expect(
      {"Send session 1 CommandDone{request=7 answers=[{worker=01000000 "
       "worker_name=\"w1:1\" error={code=11 *}] last=1}"});
  rig.receive(one, reply(first));
  rig.expect({});
  CHECK(rig.core.state().counters.command_replies_late == 1);
}

TEST_CASE("command: the worker's own error is its answer, and a second reply counts nothing") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.commandable(1, {"step"});
  rig.commandable(2, {"step"});
  rig.command(ann, 7, all, "step");
  rig.take();
  rig.receive(one, CommandReply{first, {15, "no such scene", 0}, {}});
  rig.expect(
      {"Send session 1 CommandDone{request=7 answers=[{worker=01000000 "
       "worker_name=\"w1:1\" error={code=15 message=\"no such scene\"}}]}"});
  rig.receive(one, reply(first));
  rig.expect({});
  CHECK(rig.core.state().counters.command_replies_late == 1);
}

TEST_CASE("command: a worker that is lost, says goodbye or connects anew is answered for as lost") {
  for (int way = 0; way < 3; ++way) {
    CAPTURE(way);
    Rig rig;
    const SessionId ann = rig.primary();
    const SessionId one = rig.commandable(1, {"step"});
    for (std::uint64_t request = 1; request <= 3; ++request) {
      rig.command(ann, request, next, "step");
      rig.take();
    }
    if (way == 0) rig.step(PeerLost{one, "closed"});
    if (way == 1) rig.receive(one, Goodbye{"bye"});
    if (way == 2) rig.join(a_worker(1).knows({"step"}));
    const auto done = Rig::all<CommandDone>(rig.take());
    REQUIRE(done.size() == 3);
    for (std::uint64_t request = 1; request <= 3; ++request) {
      CHECK(done[request - 1].request == request);
      CHECK(done[request - 1].last);
      CHECK(done[request - 1].answers.at(0).error.code == static_cast<int>(Code::worker_lost));
    }
  }
}

TEST_CASE("command: a silent worker is lost to its commands at the end of its lease") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.commandable(1, {"step"});
  rig.command(ann, 7, all, "step");
  rig.take();
  rig.tick(seconds(3));
  rig.expect({});
  rig.tick(seconds(12));
  rig.expect({"CloseSession session 2 no heartbeat for a lease",
              "Send session 1 CommandDone{request=7 answers=[{worker=01000000 "
              "worker_name=\"w1:1\" error={code=21 *}] last=1}"});
}

TEST_CASE("command: a thousand to one worker, answered in reverse, find their requests") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.commandable(1, {"step"});
  std::vector<std::pair<std::uint64_t, CommandId>> asked;
  for (std::uint64_t request = 1; request <= 1'000; ++request) {
    rig.command(ann, request, next, "step");
    asked.emplace_back(request, rig.only<RunCommand>().command);
  }
  for (auto each = asked.rbegin(); each != asked.rend(); ++each) {
    rig.receive(one, reply(each->second, std::to_string(each->first)));
    const CommandDone done = rig.only<CommandDone>();
    CHECK(done.request == each->first);
    CHECK(done.last);
    CHECK(done.answers.at(0).payload == bytes(std::to_string(each->first)));
  }
  CHECK(rig.core.state().ledger.answers_asked == 1'000);
  CHECK(rig.core.state().asks == 0);
}

TEST_CASE("command: answers that come together are told in pages, each worker once") {
  Rig rig;
  const SessionId ann = rig.primary();
  std::vector<WorkerId> nobody;
  for (std::uint32_t i = 0; i < 600; ++i) {
    WorkerId id = worker_id(9);
    id.bytes[1] = static_cast<std::uint8_t>(i / 256);
    id.bytes[2] = static_cast<std::uint8_t>(i % 256);
    nobody.push_back(id);
  }
  rig.command(ann, 7, named, "step", nobody);
  const auto pages = Rig::all<CommandDone>(rig.take());
  REQUIRE(pages.size() == 3);
  std::vector<WorkerId> told;
  for (const CommandDone& page : pages) {
    CHECK(page.answers.size() <= answers_per_message_max);
    CHECK(page.last == (&page == &pages.back()));
    for (const CommandAnswer& answer : page.answers) told.push_back(answer.worker);
  }
  CHECK(told == nobody);
}

TEST_CASE("command: when its primary is gone nobody is told, and late replies count nothing") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.commandable(1, {"step"});
  rig.command(ann, 7, all, "step");
  rig.take();
  rig.command(ann, 8, next, "other");
  rig.take();
  rig.step(PeerLost{ann, "closed"});
  rig.expect({});
  CHECK(rig.core.state().commands.empty());
  CHECK(rig.core.state().ledger.requests_dropped == 2);
  rig.receive(one, reply(first));
  rig.expect({});
  CHECK(rig.core.state().counters.command_replies_late == 1);
  rig.tick(seconds(31));
  CHECK(Rig::all<CommandDone>(rig.take()).empty());
}

TEST_CASE("command: at its end the broker answers everything that waits, and takes no more") {
  Rig rig;
  const SessionId ann = rig.primary();
  rig.commandable(1, {"step"});
  rig.command(ann, 7, all, "step");
  rig.take();
  rig.command(ann, 8, next, "other");
  rig.take();
  rig.step(Stopping{});
  rig.expect(
      {"Send session 1 Error{request=8 error={code=22 message=\"the broker is shutting "
       "down\"}}",
       "Send session 1 CommandDone{request=7 answers=[{worker=01000000 "
       "worker_name=\"w1:1\" error={code=22 *}] last=1}"});
  rig.command(ann, 9, all, "step");
  CHECK(rig.only<ErrorReply>().error.code == static_cast<int>(Code::shutdown));
}

TEST_CASE("command: a reply of an earlier epoch fits no command of this one") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.commandable(1, {"step"});
  rig.command(ann, 7, all, "step");
  rig.take();
  rig.receive(one, reply(1));
  rig.expect({});
  CHECK(rig.core.state().commands.size() == 1);
  rig.receive(one, reply(first));
  rig.take();
}

TEST_CASE("command: one that could not be handed over is answered for") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.commandable(1, {"step"});
  rig.command(ann, 7, all, "step");
  const RunCommand run = rig.only<RunCommand>();
  rig.step(SendFailed{one, run});
  rig.expect(
      {"Send session 1 CommandDone{request=7 answers=[{worker=01000000 "
       "worker_name=\"w1:1\" error={code=21 *}] last=1}"});
}

TEST_CASE("command: what next puts on one worker is bounded, the rest waits for its replies") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.commandable(1, {"step"});
  Command message;
  message.target = next;
  message.verb = "step";
  message.payload = Bytes(limits::command_payload_bytes_max, 1);
  std::vector<CommandId> run;
  for (message.request = 1; message.request <= 20; ++message.request) {
    rig.receive(ann, message);
    for (const RunCommand& each : Rig::all<RunCommand>(rig.take())) run.push_back(each.command);
  }
  CHECK(run.size() == 16);
  rig.receive(one, reply(run.front()));
  const Actions actions = rig.take();
  CHECK(Rig::all<CommandDone>(actions).size() == 1);
  CHECK(Rig::all<RunCommand>(actions).size() == 1);
}

TEST_CASE("command: requests that make no sense are refused with the field") {
  Rig rig;
  const SessionId ann = rig.primary();
  const auto refused = [&](Command message, const std::string& field) {
    message.request = 9;
    rig.receive(ann, message);
    const WireError error = rig.only<ErrorReply>().error;
    CHECK(error.code == static_cast<int>(Code::invalid_argument));
    CHECK_MESSAGE(error.message.starts_with(field), error.message);
  };
  Command good;
  good.target = all;
  good.verb = "step";
  Command bad = good;
  bad.verb.clear();
  refused(bad, "verb");
  bad = good;
  bad.target = CommandTarget::none;
  refused(bad, "target");
  bad = good;
  bad.target = named;
  refused(bad, "workers");
  bad = good;
  bad.workers = {worker_id(1)};
  refused(bad, "workers");
  bad = good;
  bad.deadline_ms = -1;
  refused(bad, "deadline_ms");
  bad = good;
  bad.sticky = true;
  bad.target = next;
  refused(bad, "sticky");
  rig.commandable(1, {"step"});
  rig.command(ann, 9, all, "step");
  rig.take();
  rig.command(ann, 9, all, "step");
  CHECK(rig.only<ErrorReply>().error.code == static_cast<int>(Code::already_exists));
}

TEST_CASE("command: only a primary may ask, only a worker may answer") {
  Rig rig;
  const SessionId ann = rig.primary();
  const SessionId one = rig.commandable(1, {"step"});
  rig.command(one, 7, all, "step");
  CHECK(rig.only<ErrorReply>().error.code == static_cast<int>(Code::permission_denied));
  rig.receive(ann, reply(first));
  CHECK(rig.only<ErrorReply>().error.code == static_cast<int>(Code::permission_denied));
}
