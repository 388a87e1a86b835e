// Every bound that the core keeps can be reached, and its refusal names the bound, its value, the
// value found and when to come back; each is counted on its own and shown in the status. For each
// of the others a test is named that reaches it, and where it is counted.
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

#include "libmsg/base/json_text.h"
#include "tests/broker/rig.h"

using namespace framebus;
using namespace framebus::broker;
using namespace framebus::broker::test;

namespace {

// What was refused, and the numbers its text must name.
struct Refusal {
  WireError error;
  std::uint64_t limit = 0;
  std::uint64_t found = 0;
};

Options tight() {
  Options options;
  options.sessions_max = 4;
  options.max_workers = 1;
  options.queued_tasks_max = 100;
  options.queued_spec_bytes_max = 50'000'000;
  options.command_requests_max = 3;
  options.watches_per_principal_max = 70;
  return options;
}

struct Peers : Rig {
  SessionId ann;
  explicit Peers(Options options = {}) : Rig(options), ann(primary()) {}

  WireError error() { return only<ErrorReply>().error; }
  WireError refused() { return all<Refused>(take()).at(0).error; }
  WireError submitted(JobBuilder builder) {
    receive(ann, Submit{7, {{7}}, builder.spec});
    return error();
  }
  Command a_command(CommandTarget target, std::size_t payload = 0) {
    Command message;
    message.request = ++request;
    message.target = target;
    message.verb = "step";
    message.payload = Bytes(payload, 1);
    return message;
  }
  std::uint64_t request = 100;
};

using Provoke = Refusal (*)();

Refusal sessions() {
  Peers rig(tight());
  for (int i = 0; i < 3; ++i) rig.primary();
  Hello hello;
  hello.role = Role::primary;
  rig.step(PeerHello{rig.fresh(), hello, "test"});
  return {rig.refused(), 4, 5};
}
Refusal workers() {
  Peers rig(tight());
  rig.worker(1);
  rig.join(a_worker(2));
  return {rig.refused(), 1, 2};
}
Refusal queued_tasks() {
  Peers rig(tight());
  rig.submit(rig.ann, a_job().with_tasks(60));
  return {rig.submitted(a_job().with_tasks(41)), 100, 101};
}
Refusal queued_spec_bytes() {
  Options options;
  options.queued_spec_bytes_max = 1'000;
  Peers rig(options);
  JobBuilder builder = a_job().with_tasks(1);
  builder.last().params = Bytes(2'000, 1);
  return {rig.submitted(builder), 1'000, bytes_of(builder.spec)};
}
Refusal outcome_bytes() {
  Options options;
  options.outcome_bytes_max = 1'000;
  Peers rig(options);
  const SessionId one = rig.worker(1);
  rig.submit(rig.ann, a_job().with_tasks(2));
  TaskResult result = Rig::ok(rig.granted.at(0));
  result.result = Bytes(2'000, 1);
  rig.receive(one, Results{{result}});
  rig.take();
  return {rig.submitted(a_job().with_tasks(1)), 1'000, 2'000 + sizeof(Outcomes)};
}
Refusal tasks_per_job() {
  Peers rig;
  return {rig.submitted(a_job().with_tasks(limits::tasks_per_job_max + 1)),
          limits::tasks_per_job_max, limits::tasks_per_job_max + 1};
}
Refusal task_spec_bytes() {
  Peers rig;
  JobBuilder builder = a_job().with_tasks(1);
  builder.last().task_params = {Bytes(limits::task_spec_bytes_max + 1, 1)};
  return {rig.submitted(builder), limits::task_spec_bytes_max, limits::task_spec_bytes_max + 1};
}
Refusal inputs_per_step() {
  Peers rig;
  JobBuilder builder = a_job().with_tasks(1);
  builder.last().inputs.resize(limits::inputs_per_step_max + 1);
  return {rig.submitted(builder), limits::inputs_per_step_max, limits::inputs_per_step_max + 1};
}
Refusal blob_name_bytes() {
  Peers rig;
  JobBuilder builder = a_job().with_tasks(1);
  builder.last().inputs = {{{}, 1, std::string(limits::blob_name_bytes_max + 1, 'n')}};
  return {rig.submitted(builder), limits::blob_name_bytes_max, limits::blob_name_bytes_max + 1};
}
Refusal blob_names_bytes() {
  Peers rig;
  JobBuilder builder = a_job().with_tasks(1);
  builder.last().inputs.assign(1'000, {{}, 1, std::string(4'000, 'n')});
  return {rig.submitted(builder), limits::blob_names_bytes_max, 4'000'000};
}
Refusal sweep_axes() {
  Peers rig;
  JobBuilder builder = a_job().with_tasks(1);
  for (std::uint32_t i = 0; i <= limits::sweep_axes_max; ++i) {
    builder.last().axes.push_back({"axis" + std::to_string(i), {}, 0, 1, 1});
  }
  return {rig.submitted(builder), limits::sweep_axes_max, limits::sweep_axes_max + 1};
}
Refusal inline_result_bytes() {
  Peers rig;
  const SessionId one = rig.worker(1);
  const JobId job = rig.submit(rig.ann, a_job().with_tasks(1));
  TaskResult result = Rig::ok(rig.granted.at(0));
  result.result = Bytes(limits::inline_result_bytes_max + 1, 1);
  rig.receive(one, Results{{result}});
  rig.take();
  return {rig.core.state().find_job(job)->first_error, limits::inline_result_bytes_max,
          limits::inline_result_bytes_max + 1};
}
Refusal attempts_listed() {
  Peers rig;
  const SessionId one = rig.worker(1);
  Heartbeat beat = rig.beat({});
  beat.attempts.resize(limits::attempts_listed_max + 1);
  rig.receive(one, beat);
  return {rig.error(), limits::attempts_listed_max, limits::attempts_listed_max + 1};
}
Refusal uploads() {
  Peers rig;
  for (std::uint32_t i = 0; i <= limits::uploads_max; ++i) {
    SubmitOpen open{i + 1, {}, a_job().with_tasks(1).spec};
    open.submit_id.bytes[0] = static_cast<std::uint8_t>(i);
    open.submit_id.bytes[1] = static_cast<std::uint8_t>(1 + i / 256);
    rig.receive(rig.ann, open);
    if (i < limits::uploads_max) rig.take();
  }
  return {rig.error(), limits::uploads_max, limits::uploads_max + 1};
}
Refusal upload_parts() {
  Peers rig;
  SubmitOpen open{1, {{9}}, a_job().with_tasks(1).spec};
  rig.receive(rig.ann, open);
  rig.take();
  for (std::uint32_t part = 1; part <= limits::upload_parts_max + 1; ++part) {
    Actions out;
    rig.core.step(rig.now, Received{rig.ann, SubmitPart{2, open.submit_id, part, 0, {}}, {}}, out);
    const auto errors = Rig::all<ErrorReply>(out);
    if (!errors.empty())
      return {errors.front().error, limits::upload_parts_max, limits::upload_parts_max + 1};
  }
  return {};
}
// So many jobs, each in the archive and no more in memory.
std::map<JobId, JobImage> archived_jobs(Peers& rig, std::uint32_t count) {
  std::map<JobId, JobImage> images;
  for (std::uint32_t i = 0; i < count; ++i) {
    const JobId job = rig.submit(rig.ann, a_job().with_tasks(1));
    rig.act(rig.ann, JobAction::cancel, job);
    rig.take();
  }
  while (!rig.core.state().jobs.empty()) {
    rig.tick(milliseconds(10));
    for (Actions actions = rig.take(); !actions.empty();) {
      Actions more;
      for (const Action& action : actions) {
        const auto* out = std::get_if<Archive>(&action);
        if (out == nullptr) continue;
        images[out->piece.job] = out->piece;
        rig.step(Archived{out->piece.job, out->piece.first_task, ""});
        for (Action& each : rig.take()) more.push_back(std::move(each));
      }
      actions = std::move(more);
    }
  }
  return images;
}
Options archiving() {
  Options options;
  options.ephemeral = false;
  options.archive = true;
  options.archive_after = milliseconds(1);
  options.finished_jobs_kept = milliseconds(2);
  return options;
}
Refusal archived_copies() {
  Peers rig(archiving());
  const auto images = archived_jobs(rig, archived_copies_max + 1);
  const SessionId again = rig.primary();
  std::uint64_t number = 0;
  for (const auto& [job, image] : images) {
    const bool is_last = ++number > archived_copies_max;
    rig.receive(is_last ? again : rig.ann, Watch{number, job, {}, false});
    rig.take();
    rig.step(ArchiveLoaded{job, {image}, ""});
    if (!is_last) rig.take();
  }
  return {rig.error(), archived_copies_max, archived_copies_max + 1};
}
Refusal parked_requests() {
  Peers rig(archiving());
  const auto images = archived_jobs(rig, 1);
  for (std::uint32_t i = 0; i <= limits::parked_requests_max; ++i) {
    rig.receive(rig.ann, Query{100 + i, QueryKind::job, {images.begin()->first, 0}, 0, 0});
    if (i < limits::parked_requests_max) rig.take();
  }
  return {rig.error(), limits::parked_requests_max, limits::parked_requests_max + 1};
}
Refusal watches_per_session() {
  Peers rig;
  for (std::uint64_t i = 0; i <= limits::watches_per_session_max; ++i) {
    rig.receive(rig.ann, Watch{100 + i, {}, {}, false});
    if (i < limits::watches_per_session_max) rig.take();
  }
  return {rig.error(), limits::watches_per_session_max, limits::watches_per_session_max + 1};
}
Refusal watches_per_principal() {
  Peers rig(tight());
  const SessionId again = rig.primary();
  for (std::uint64_t i = 0; i <= 70; ++i) {
    rig.receive(i < 60 ? rig.ann : again, Watch{100 + i, {}, {}, false});
    if (i < 70) rig.take();
  }
  return {rig.error(), 70, 71};
}
Refusal commands_per_session() {
  Peers rig;
  for (std::uint32_t i = 0; i <= limits::commands_per_session_max; ++i) {
    Actions out;
    rig.core.step(rig.now, Received{rig.ann, rig.a_command(CommandTarget::next), {}}, out);
    const auto errors = Rig::all<ErrorReply>(out);
    if (!errors.empty()) {
      return {errors.front().error, limits::commands_per_session_max,
              limits::commands_per_session_max + 1};
    }
  }
  return {};
}
Refusal command_requests() {
  Peers rig(tight());
  for (int i = 0; i < 3; ++i) {
    rig.receive(rig.ann, rig.a_command(CommandTarget::next));
    rig.take();
  }
  rig.receive(rig.ann, rig.a_command(CommandTarget::next));
  return {rig.error(), 3, 4};
}
Refusal worker_asks() {
  Peers rig;
  rig.commandable(1, {"step"});
  const SessionId bob = rig.primary("bob");
  WireError error;
  for (std::uint32_t i = 0; i <= asks_per_worker_max; ++i) {
    rig.receive(i % 2 == 0 ? rig.ann : bob, rig.a_command(CommandTarget::all));
    const auto done = Rig::all<CommandDone>(rig.take());
    if (!done.empty()) error = done.at(0).answers.at(0).error;
  }
  return {error, asks_per_worker_max, asks_per_worker_max + 1};
}
Refusal worker_asked_bytes() {
  Peers rig;
  rig.commandable(1, {"step"});
  const std::size_t fit = asked_bytes_per_worker_max / limits::command_payload_bytes_max;
  for (std::size_t i = 0; i < fit; ++i) {
    rig.receive(rig.ann, rig.a_command(CommandTarget::all, limits::command_payload_bytes_max));
    CHECK(Rig::all<RunCommand>(rig.take()).size() == 1);
  }
  rig.receive(rig.ann, rig.a_command(CommandTarget::all, 1));
  return {rig.only<CommandDone>().answers.at(0).error, asked_bytes_per_worker_max,
          asked_bytes_per_worker_max + 1};
}
Refusal command_payload_bytes() {
  Peers rig;
  rig.receive(rig.ann, rig.a_command(CommandTarget::all, limits::command_payload_bytes_max + 1));
  return {rig.error(), limits::command_payload_bytes_max, limits::command_payload_bytes_max + 1};
}
Refusal command_reply_bytes() {
  Peers rig;
  const SessionId one = rig.commandable(1, {"step"});
  rig.receive(rig.ann, rig.a_command(CommandTarget::all));
  const CommandId id = rig.only<RunCommand>().command;
  rig.receive(one, CommandReply{id, {}, Bytes(limits::command_reply_bytes_max + 1, 1)});
  return {rig.only<CommandDone>().answers.at(0).error, limits::command_reply_bytes_max,
          limits::command_reply_bytes_max + 1};
}
Refusal command_fanout_bytes() {
  Peers rig;
  Command message = rig.a_command(CommandTarget::named, limits::command_payload_bytes_max);
  for (std::uint32_t i = 0; i < 2'000; ++i) {
    message.workers.push_back(worker_id(1));
    message.workers.back().bytes[1] = static_cast<std::uint8_t>(i);
    message.workers.back().bytes[2] = static_cast<std::uint8_t>(i / 256);
  }
  rig.receive(rig.ann, message);
  return {rig.error(), limits::command_fanout_bytes_max, 2'000 * limits::command_payload_bytes_max};
}
Refusal waiting_command_bytes() {
  Peers rig;
  const std::size_t fit = limits::waiting_command_bytes_max / limits::command_payload_bytes_max;
  for (std::size_t i = 0; i <= fit; ++i) {
    Actions out;
    rig.core.step(
        rig.now,
        Received{
            rig.ann, rig.a_command(CommandTarget::next, limits::command_payload_bytes_max), {}},
        out);
    const auto errors = Rig::all<ErrorReply>(out);
    if (!errors.empty()) {
      return {errors.front().error, limits::waiting_command_bytes_max,
              limits::waiting_command_bytes_max + limits::command_payload_bytes_max};
    }
  }
  return {};
}
Refusal sticky_commands() {
  Peers rig;
  for (std::uint32_t i = 0; i < limits::sticky_commands_max; ++i) {
    rig.sticky(rig.ann, i + 1, "scene" + std::to_string(i));
    rig.take();
  }
  rig.sticky(rig.ann, 999, "one more");
  return {rig.error(), limits::sticky_commands_max, limits::sticky_commands_max + 1};
}
Refusal sticky_bytes() {
  Peers rig;
  const std::string large(limits::command_payload_bytes_max, 'x');
  const std::size_t fit = limits::sticky_bytes_max / large.size();
  for (std::size_t i = 0; i < fit; ++i) {
    rig.sticky(rig.ann, i + 1, "scene" + std::to_string(i), large);
    rig.take();
  }
  rig.sticky(rig.ann, 999, "one more", "y");
  return {rig.error(), limits::sticky_bytes_max, limits::sticky_bytes_max + 1};
}
Refusal commands_per_worker() {
  Peers rig;
  rig.join(a_worker(1).knows(std::vector<std::string>(limits::commands_per_worker_max + 1, "c")));
  return {rig.refused(), limits::commands_per_worker_max, limits::commands_per_worker_max + 1};
}

const std::map<Bound, Provoke>& provocations() {
  static const std::map<Bound, Provoke> all{
      {Bound::sessions, sessions},
      {Bound::workers, workers},
      {Bound::queued_tasks, queued_tasks},
      {Bound::queued_spec_bytes, queued_spec_bytes},
      {Bound::outcome_bytes, outcome_bytes},
      {Bound::tasks_per_job, tasks_per_job},
      {Bound::task_spec_bytes, task_spec_bytes},
      {Bound::inputs_per_step, inputs_per_step},
      {Bound::blob_name_bytes, blob_name_bytes},
      {Bound::blob_names_bytes, blob_names_bytes},
      {Bound::sweep_axes, sweep_axes},
      {Bound::inline_result_bytes, inline_result_bytes},
      {Bound::attempts_listed, attempts_listed},
      {Bound::uploads, uploads},
      {Bound::upload_parts, upload_parts},
      {Bound::archived_copies, archived_copies},
      {Bound::parked_requests, parked_requests},
      {Bound::watches_per_session, watches_per_session},
      {Bound::watches_per_principal, watches_per_principal},
      {Bound::commands_per_session, commands_per_session},
      {Bound::command_requests, command_requests},
      {Bound::worker_asks, worker_asks},
      {Bound::worker_asked_bytes, worker_asked_bytes},
      {Bound::command_payload_bytes, command_payload_bytes},
      {Bound::command_reply_bytes, command_reply_bytes},
      {Bound::command_fanout_bytes, command_fanout_bytes},
      {Bound::waiting_command_bytes, waiting_command_bytes},
      {Bound::sticky_commands, sticky_commands},
      {Bound::sticky_bytes, sticky_bytes},
      {Bound::commands_per_worker, commands_per_worker},
  };
  return all;
}

// A bound that is reached where what it bounds is: the file, the beginning of the case's name, and
// the counter in the status that grows (none: programs that say it to a person and end).
struct Elsewhere {
  Bound bound;
  const char* file;
  const char* test;
  const char* counter;
};
constexpr const char* archive_tests = "tests/broker/archive_test.cpp";
constexpr const char* input_tests = "tests/broker/shell/input_check_test.cpp";
constexpr const char* result_tests = "tests/broker/shell/result_check_test.cpp";
constexpr const char* hostile_tests = "tests/libmsg/codec_hostile_test.cpp";
constexpr const char* json_tests = "tests/broker/bounds_test.cpp";
constexpr Elsewhere elsewhere[] = {
    {Bound::finished_jobs, archive_tests,
     "archive: when it can not keep up, finished jobs stay and new ones are refused", ""},
    {Bound::parked_request_bytes, archive_tests,
     "archived: requests that wait are bounded by what they take, not only by their number", ""},
    {Bound::archived_copy_bytes, archive_tests,
     "archived: copies are bounded by their bytes, one that nobody watches goes first", ""},
    {Bound::archived_copy_tasks, archive_tests,
     "archived: copies are bounded by their tasks, and the refusal says so", ""},
    {Bound::input_lookups, input_tests,
     "input check: submits beyond the bound are refused with a hint when to come again",
     "intake.refused_input_lookups"},
    {Bound::input_lookup_bytes, input_tests,
     "input check: few large submits are bounded by their bytes, one alone is always taken",
     "intake.refused_input_lookup_bytes"},
    {Bound::result_lookups, result_tests,
     "result check: results that wait are bounded in number and bytes, none is taken in part",
     "intake.refused_result_lookups"},
    {Bound::result_lookup_bytes, result_tests,
     "result check: results that wait are bounded in number and bytes, none is taken in part",
     "intake.refused_result_lookup_bytes"},
    {Bound::log_waiting_bytes, "tests/broker/shell/log_keeper_test.cpp",
     "log keeper: what does not fit the queue is dropped and counted, a read refused",
     "logs.refused_for_queue"},
    {Bound::archive_requests, "tests/broker/shell/archivist_test.cpp",
     "archivist: while the archive hangs the loop goes on, and what is too much is answered",
     "archive.refused_requests"},
    {Bound::log_chunk_bytes, "tests/broker/bounds_test.cpp",
     "bounds: a log chunk that is too long is dropped, counted and confirmed", ""},
    {Bound::journal_backlog_bytes, "tests/store/journal_store_test.cpp",
     "journal store: the backlog is bounded, a refused batch stays with the caller",
     "commit.turned_away"},
    {Bound::peer_outbox_bytes, "tests/broker/shell/delivery_test.cpp",
     "delivery: a peer with a full outbox is dropped", "delivery.slow_consumers"},
    {Bound::attempt_log_bytes, "tests/broker/shell/log_store_test.cpp",
     "log store: a log that is too long keeps its head and its tail", "logs.bytes"},
    {Bound::wire_message_bytes, hostile_tests,
     "hostile: 64 MiB of brackets are refused by their size", "intake.malformed"},
    {Bound::attachment_frames, "tests/libmsg/codec_test.cpp",
     "codec: attachments travel as they are, five at most", "intake.malformed"},
    {Bound::msgpack_depth, hostile_tests, "hostile: 16 levels are taken, 17 are not",
     "intake.malformed"},
    {Bound::array_elements, hostile_tests,
     "hostile: five bytes that declare four thousand million elements are refused",
     "intake.malformed"},
    {Bound::struct_elements, hostile_tests,
     "hostile: lists whose structs would fill the memory are refused by their length",
     "intake.malformed"},
    {Bound::decoded_bytes, hostile_tests,
     "hostile: lists whose structs would fill the memory are refused by their length",
     "intake.malformed"},
    {Bound::json_file_bytes, json_tests, "bounds: a JSON file is refused by its size", ""},
    {Bound::json_depth, json_tests, "bounds: a JSON file is refused by its size", ""},
};

const Elsewhere* elsewhere_of(Bound bound) {
  for (const Elsewhere& each : elsewhere)
    if (each.bound == bound) return &each;
  return nullptr;
}

std::string source(const char* path) {
  std::ifstream file(std::string(FRAMEBUS_SOURCE_DIR) + "/" + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE(
    "bounds: each that the core keeps is refused with its name, value, the value found and a retry "
    "hint") {
  for (const BoundRow& row : bounds) {
    if (row.keeper != Keeper::core || elsewhere_of(row.bound) != nullptr) continue;
    CAPTURE(row.name);
    const auto provoke = provocations().find(row.bound);
    REQUIRE_MESSAGE(provoke != provocations().end(), "nothing here provokes it");
    const Refusal refusal = provoke->second();
    const std::string& text = refusal.error.message;
    CAPTURE(text);
    CHECK(refusal.error.code == static_cast<int>(row.code));
    CHECK(text.find("(" + std::string(row.key) + ")") != std::string::npos);
    CHECK(text.find("allowed are " + std::to_string(refusal.limit) + " ") != std::string::npos);
    CHECK(text.find("found " + std::to_string(refusal.found) + " ") != std::string::npos);
    CHECK(refusal.error.retry_after_ms == row.retry_after_ms);
    CHECK((row.code == Code::resource_exhausted) == (row.retry_after_ms > 0));
  }
}

TEST_CASE("bounds: each that is reached in another test names one that is there, and its counter") {
  const std::string counters = source("broker/shell/status_counters.cpp");
  for (const BoundRow& row : bounds) {
    CAPTURE(row.name);
    const Elsewhere* where = elsewhere_of(row.bound);
    // In one place, not in none, not in two.
    CHECK((where == nullptr) == provocations().contains(row.bound));
    if (where == nullptr) continue;
    const std::string text = source(where->file);
    CHECK_MESSAGE(text.find("\"" + std::string(where->test)) != std::string::npos,
                  std::string(where->test));
    const bool is_counted_by_shell = row.keeper != Keeper::core && row.keeper != Keeper::client;
    CHECK(is_counted_by_shell == (std::string_view(where->counter) != ""));
    if (is_counted_by_shell)
      CHECK(counters.find("add(\"" + std::string(where->counter) + "\"") != std::string::npos);
  }
}

TEST_CASE("bounds: a JSON file is refused by its size and its depth, with the row's error") {
  const auto refused = [](std::string text) {
    const auto parsed = JsonDocument::parse(std::move(text), "job.json");
    REQUIRE(!parsed);
    return parsed.error();
  };
  const Error large = refused(std::string(limits::json_file_bytes_max + 1, ' '));
  CHECK(large.code == row_of(Bound::json_file_bytes).code);
  CHECK(large.message.find("at most " + std::to_string(limits::json_file_bytes_max) + " are") !=
        std::string::npos);
  CHECK(JsonDocument::parse(
      std::string(limits::json_depth_max, '[') + std::string(limits::json_depth_max, ']'),
      "job.json"));
  const Error deep = refused(std::string(limits::json_depth_max + 1, '['));
  CHECK(deep.code == row_of(Bound::json_depth).code);
  CHECK(deep.message.find("deeper than " + std::to_string(limits::json_depth_max) + " levels") !=
        std::string::npos);
}

TEST_CASE("bounds: a log chunk that is too long is dropped, counted and confirmed") {
  Peers rig;
  const SessionId one = rig.worker(1);
  rig.submit(rig.ann, a_job().with_tasks(1));
  const AttemptId id = rig.granted.at(0);
  rig.receive(one, Log{{{id.task, id.token, 0, Bytes(limits::log_chunk_bytes_max + 1, 'x')}}});
  rig.expect({"Send session 2 LogOk{positions=[{task=1:0 token=1.1 offset=65537}]}"});
  CHECK(rig.core.state().refusals.of(Bound::log_chunk_bytes) == 1);
}

TEST_CASE("bounds: each refusal has its own counter in the status, and no other moves") {
  Peers rig(tight());
  rig.worker(1);
  rig.join(a_worker(2));
  rig.take();
  Query query;
  query.kind = QueryKind::status;
  rig.receive(rig.ann, query);
  const BrokerStatus status = rig.only<QueryReply>().status;
  std::size_t shown = 0;
  for (const BoundRow& row : bounds) {
    if (row.keeper != Keeper::core) continue;
    for (const Counter& counter : status.counters) {
      if (counter.name != "refused_" + std::string(row.name)) continue;
      ++shown;
      CHECK_MESSAGE(counter.value == (row.bound == Bound::workers ? 1u : 0u), counter.name);
    }
  }
  std::size_t kept = 0;
  for (const BoundRow& row : bounds) kept += row.keeper == Keeper::core ? 1 : 0;
  CHECK(shown == kept);
}

TEST_CASE("bounds: no two rows share a name or a key") {
  for (const BoundRow& a : bounds) {
    for (const BoundRow& b : bounds) {
      if (a.bound == b.bound) continue;
      CHECK(a.name != b.name);
      CHECK(a.key != b.key);
    }
  }
}

TEST_CASE("bounds: watches that nobody reads cost nothing at each change") {
  Options options;
  options.event_window = 1;
  Rig rig(options);
  const SessionId ann = rig.primary();
  const JobId job = rig.submit(ann, a_job().with_tasks(2'000));
  std::vector<SessionId> readers;
  for (int i = 0; i < 4; ++i) {
    readers.push_back(rig.primary("reader" + std::to_string(i)));
    for (std::uint64_t each = 1; each <= limits::watches_per_session_max; ++each) {
      rig.receive(readers.back(), Watch{each, job, {}, false});
      rig.take();
    }
  }
  CHECK(rig.core.state().find_job(job)->awake.empty());
  const SessionId one = rig.worker(1);
  for (int i = 0; i < 20; ++i) {
    const AttemptId attempt = rig.granted.at(0);
    rig.receive(one, Results{{Rig::ok(attempt)}});
    const Actions actions = rig.take();
    CHECK(Rig::all<framebus::Events>(actions).empty());
    rig.granted = Rig::assigned(actions);
    CHECK(rig.core.state().dirty_watches.empty());
  }
  // Who begins to read is told everything, from where it was.
  std::uint64_t sequence = 1;
  std::size_t ended = 0;
  for (;;) {
    rig.receive(readers[0], EventsOk{1, sequence});
    const auto told = Rig::all<framebus::Events>(rig.take());
    if (told.empty()) break;
    CHECK(told.at(0).sequence == ++sequence);
    for (const auto& event : told.at(0).events) {
      ended += event.task.state == TaskState::succeeded ? 1 : 0;
    }
  }
  CHECK(ended == 20);
}

TEST_CASE("bounds: one step makes a bounded number of Events messages, the next goes on") {
  Options options;
  options.event_window = 1'000;
  Rig rig(options);
  const SessionId ann = rig.primary();
  const JobId job = rig.submit(ann, a_job().with_tasks(40'000));
  rig.act(ann, JobAction::cancel, job);
  rig.take();
  rig.receive(ann, Watch{5, job, {}, false});
  std::size_t messages = Rig::all<framebus::Events>(rig.take()).size();
  CHECK(messages == watch_messages_per_step);
  std::size_t steps = 1;
  while (rig.core.next_wakeup() == rig.now) {
    rig.step(Tick{});
    messages += Rig::all<framebus::Events>(rig.take()).size();
    ++steps;
  }
  CHECK(messages == 40'000 / 256 + 1);
  CHECK(steps == 3);
}
