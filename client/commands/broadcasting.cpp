// Verbs that talk to workers: broadcast, and worker drain|resume|restart|remove.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <future>
#include <memory>
#include <set>
#include <system_error>

#include "client/commands/cli.h"
#include "client/commands/verbs.h"
#include "client/commands/worker_names.h"
#include "client/lib/barrier.h"
#include "client/output/text.h"
#include "libmsg/base/config.h"
#include "libmsg/base/json_text.h"
#include "libmsg/base/limits.h"

namespace framebus::client {
namespace {

constexpr Duration broadcast_deadline = seconds(30);  // unless --timeout is given

Result<Bytes> read_payload(const std::string& file) {
  if (file.empty()) return Bytes{};
  std::string text;
  if (file != "-") {
    FRAMEBUS_ASSIGN(text, read_text_file(file, limits::command_payload_bytes_max));
    return Bytes(text.begin(), text.end());
  }
  Bytes out;
  std::uint8_t buffer[16 * 1024];
  for (;;) {
    const ssize_t count = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      return fail(Code::invalid_argument,
                  "standard input can not be read: " +
                      std::error_code(errno, std::generic_category()).message());
    }
    if (count == 0) return out;
    out.insert(out.end(), buffer, buffer + count);
    if (out.size() > limits::command_payload_bytes_max) {
      return fail(Code::invalid_argument, "a payload has at most " +
                                              std::to_string(limits::command_payload_bytes_max) +
                                              " bytes; send large data as a file of a job");
    }
  }
}

// Those named on the command line; with --barrier and no names all that are connected.
Result<std::vector<WorkerId>> find_named(Cli& cli) {
  const Arguments& arguments = cli.arguments();
  std::vector<WorkerId> ids;
  if (arguments.worker_names.empty() && !arguments.barrier) return ids;
  FRAMEBUS_ASSIGN(const std::vector<WorkerSummary> workers, cli.await(cli.primary().workers()));
  for (const std::string& name : arguments.worker_names) {
    FRAMEBUS_ASSIGN(const WorkerSummary worker, find_worker(workers, name));
    ids.push_back(worker.info.id);
  }
  if (arguments.worker_names.empty()) {
    for (const WorkerSummary& worker : workers)
      if (worker.state != WorkerState::lost) ids.push_back(worker.info.id);
    if (ids.empty()) return fail(Code::no_worker, "no worker is connected");
  }
  return ids;
}

// A worker's own error is an answer like that of the others; any other error ends the command.
Result<Answers> ask_next(Cli& cli, Bytes payload, CommandOptions options) {
  const auto told = std::make_shared<Answers>();  // shared with callbacks, which come in order
  const auto promise = std::make_shared<std::promise<Result<CommandAnswer>>>();
  options.on_answer = [told](const CommandAnswer& answer) { told->push_back(answer); };
  cli.primary().to_next(
      cli.arguments().command, std::move(payload), options,
      [promise](Result<CommandAnswer> outcome) { promise->set_value(std::move(outcome)); });
  const Result<CommandAnswer> outcome = cli.await(promise->get_future());
  if (!outcome && (outcome.error().code == Code::cancelled || told->empty()))
    return fail(outcome.error());
  return *told;
}

Result<Commanded> command(Cli& cli) {
  const Arguments& arguments = cli.arguments();
  FRAMEBUS_ASSIGN(Bytes payload, read_payload(arguments.payload_file));
  CommandOptions options;
  options.deadline = arguments.timeout ? cli.config().timeout : broadcast_deadline;
  FRAMEBUS_ASSIGN(options.workers, find_named(cli));
  Primary& primary = cli.primary();
  Commanded out;
  out.command = arguments.command;
  if (arguments.sticky) {
    FRAMEBUS_ASSIGN(Prepared prepared,
                    cli.await(primary.prepare(out.command, std::move(payload), options)));
    out.is_sticky = true;
    out.load_id = prepared.load_id;
    out.answers = std::move(prepared.answers);
  } else if (arguments.next) {
    FRAMEBUS_ASSIGN(out.answers, ask_next(cli, std::move(payload), options));
  } else if (arguments.barrier) {
    Barrier barrier(primary, out.command, {options.workers, 1, options.deadline});
    FRAMEBUS_ASSIGN(StepReport report, cli.await(barrier.step(std::move(payload))));
    out.answers = std::move(report.answers);
  } else {
    FRAMEBUS_ASSIGN(out.answers,
                    cli.await(primary.broadcast(out.command, std::move(payload), options)));
  }
  return out;
}

WorkerAction action_of(const std::string& word) {
  if (word == "drain") return WorkerAction::drain;
  if (word == "resume") return WorkerAction::resume;
  if (word == "restart") return WorkerAction::restart;
  return WorkerAction::remove;  // the command line's parser has refused all other words
}

// A worker that was removed is in no list, but may be let in again under its whole id.
Result<WorkerSummary> find_administered(Cli& cli) {
  const std::string& wanted = cli.arguments().worker;
  FRAMEBUS_ASSIGN(const std::vector<WorkerSummary> workers, cli.await(cli.primary().workers()));
  Result<WorkerSummary> found = find_worker(workers, wanted);
  WorkerSummary absent;
  std::array<std::uint8_t, 16>& id = absent.info.id.bytes;
  if (!found && from_hex(wanted, id.data(), id.size())) return absent;
  return found;
}

Result<Administered> administer(Cli& cli) {
  const Arguments& arguments = cli.arguments();
  FRAMEBUS_ASSIGN(const WorkerSummary meant, find_administered(cli));
  const WorkerAction action = action_of(arguments.action);
  FRAMEBUS_ASSIGN(WorkerSummary worker,
                  cli.await(cli.primary().administer(action, meant.info.id, arguments.reason)));
  if (worker.info.host.empty()) worker.info = meant.info;  // it is gone already
  return Administered{action, std::move(worker)};
}

// A command that workers do not know may be a slip.
void say_what_they_know(Cli& cli, const Commanded& done) {
  const auto is_unknown = [](const CommandAnswer& answer) {
    return answer.error.code == static_cast<std::uint16_t>(Code::not_found);
  };
  if (std::none_of(done.answers.begin(), done.answers.end(), is_unknown)) return;
  const auto workers = cli.await(cli.primary().workers());
  if (!workers) return;
  std::set<std::string> known;
  for (const WorkerSummary& worker : *workers)
    known.insert(worker.info.commands.begin(), worker.info.commands.end());
  const std::string asked = done.command.substr(0, done.command.find(':'));  // "prepare:map"
  if (known.contains(asked)) return;
  const std::string nearest = nearest_name(asked, {known.begin(), known.end()});
  if (!nearest.empty()) return cli.say("did you mean \"" + one_line(nearest) + "\"?");
  std::string text = "commands that workers know:";
  for (const std::string& name : known) text += " " + one_line(name);
  if (!known.empty()) cli.say(text);
}

}  // namespace

int run_broadcast(Cli& cli) {
  const Result<Commanded> done = command(cli);
  if (!done) return cli.fail(done.error());
  cli.print(*done);
  say_what_they_know(cli, *done);
  for (const CommandAnswer& answer : done->answers)
    if (answer.error.code != 0) return error_info(Code::task_failed).exit_code;
  return 0;
}

int run_worker(Cli& cli) {
  const Result<Administered> done = administer(cli);
  if (!done) return cli.fail(done.error());
  cli.print(*done);
  return 0;
}

}  // namespace framebus::client
