#include "client/commands/arguments.h"

#include <CLI/CLI.hpp>

#include "client/commands/verbs.h"
#include "libmsg/base/config.h"

namespace framebus::client {
namespace {

constexpr std::string_view selector_help = "last, all, 3, 3,5-8, 3:17 (task 17 of job 3), 3:2,5-9";

void add_common(CLI::App& app, Arguments& out) {
  app.add_option("--broker", out.broker, "URL of the broker; also FRAMEBUS_BROKER or client.json")
      ->type_name("URL");
  app.add_option("--timeout", out.timeout, "longest wait for each answer, such as 5s")
      ->type_name("DURATION");
  app.add_option("--config", out.config, "file to read instead of ~/.config/framebus/client.json")
      ->type_name("FILE");
  app.add_flag("--json", out.json, "print JSON, one value a line (docs/CLI.md)");
  app.add_flag("-q,--quiet", out.quiet, "print ids or paths only, and no progress");
}

bool is_one_of(std::string_view verb, std::initializer_list<std::string_view> verbs) {
  return std::find(verbs.begin(), verbs.end(), verb) != verbs.end();
}

void add_broadcast(CLI::App& app, Arguments& out) {
  app.add_option("command", out.command, "a command that the workers know, such as ping")
      ->required()
      ->type_name("");
  app.add_option("--payload", out.payload_file, "what they are given; - reads standard input")
      ->type_name("FILE");
  auto* named = app.add_option("--worker", out.worker_names,
                               "only this one, by id or host:pid; may be repeated")
                    ->type_name("ID")
                    ->allow_extra_args(false);
  auto* next = app.add_flag("--next", out.next, "one worker, each in turn; waits for one");
  auto* barrier = app.add_flag("--barrier", out.barrier,
                               "ask those connected now by name, so that one that goes is told");
  auto* sticky = app.add_flag("--sticky", out.sticky,
                              "also every worker that joins later, before its first task");
  next->excludes(named)->excludes(barrier)->excludes(sticky);
  sticky->excludes(named)->excludes(barrier);
}

void add_worker(CLI::App& app, Arguments& out) {
  app.add_option("action", out.action, "drain, resume, restart or remove")
      ->required()
      ->type_name("");
  app.add_option("worker", out.worker, "its id, the beginning of it, or host:pid")
      ->required()
      ->type_name("");
  app.add_option("--reason", out.reason, "for people: shown by framebus workers")
      ->type_name("TEXT");
}

void add_logs(CLI::App& app, Arguments& out) {
  app.add_flag("-f,--follow", out.follow, "go on as it grows, until the task has ended");
  app.add_option("--attempt", out.attempt, "which try, from 1 (default: the latest)")
      ->check(CLI::Range(1, 1'000'000).description(""))
      ->type_name("N");
}

void add_options(CLI::App& app, std::string_view verb, Arguments& out) {
  if (is_one_of(verb, {"local", "submit", "validate"})) {
    app.add_option("job.json", out.file, "the job file")->required()->type_name("");
    // One value for each --set, so that the job file may follow it.
    app.add_option("--set", out.overrides,
                   "change a key of the job file, such as sampling.spp=16; may be repeated")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
  }
  if (is_one_of(verb, {"local", "submit"})) {
    app.add_option("--priority", out.priority, "0 to 100 instead of that of the job file")
        ->check(CLI::Range(0, 100).description(""))
        ->type_name("N");
  }
  if (is_one_of(verb, {"local", "submit", "fetch"})) {
    app.add_option("-o,--output", out.output_directory,
                   "where files go instead of where the job says")
        ->type_name("DIR");
  }
  if (verb == "submit") {
    app.add_flag("--wait", out.wait,
                 "stay until the job has ended, show progress, fetch its images");
    app.add_flag("--dry-run", out.dry_run, "check and plan everything, send nothing");
  }
  if (verb == "local") {
    app.add_option("--workers", out.workers, "workers to start (default 1)")
        ->check(CLI::Range(1, 64).description(""))
        ->type_name("N");
    app.add_option("--threads", out.threads, "CPU threads of all workers together (default: all)")
        ->check(CLI::Range(1, 4096).description(""))
        ->type_name("N");
    app.add_flag("--keep", out.keep, "keep the temporary directory and print its path");
  }
  if (is_one_of(verb, {"job", "tasks", "wait", "watch", "fetch", "cancel", "pause", "resume",
                       "retry", "explain", "logs"})) {
    const bool has_default = is_one_of(verb, {"job", "tasks", "wait", "watch", "fetch", "logs"});
    auto* option =
        app.add_option("selector", out.selector,
                       std::string(selector_help) + (has_default ? "; default: last" : ""));
    option->type_name("");
    if (!has_default) option->required();
  }
  if (verb == "jobs") app.add_flag("--archived", out.archived, "those in the archive");
  if (verb == "broadcast") add_broadcast(app, out);
  if (verb == "worker") add_worker(app, out);
  if (verb == "logs") add_logs(app, out);
  if (is_one_of(verb, {"jobs", "tasks"})) {
    app.add_flag("--all", out.all, "all of them, however many");
    app.add_option("--limit", out.limit,
                   verb == "jobs" ? "most to show (default 20)" : "most to show (default 100)")
        ->check(CLI::Range(1, 1'000'000).description(""))
        ->type_name("N");
  }
}

bool takes_value(std::string_view option) {
  return is_one_of(option, {"--broker", "--timeout", "--config"});
}

// The first word that is not an option: what the user means as the verb.
std::string_view verb_word(int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (!word.starts_with("-")) return word;
    if (takes_value(word)) ++i;
  }
  return {};
}

Status check_verb(std::string_view word) {
  if (word.empty() || word == "help") return {};
  std::vector<std::string> names;
  for (const Verb& verb : all_verbs()) names.emplace_back(verb.name);
  if (std::find(names.begin(), names.end(), word) != names.end()) return {};
  const std::string nearest = nearest_name(word, names);
  std::string text = "there is no verb \"" + std::string(word.substr(0, 40)) + "\"";
  if (!nearest.empty())
    return fail(Code::invalid_argument, text + "; did you mean \"framebus " + nearest + "\"?");
  text += "; there are";
  for (const std::string& name : names) text += (&name == &names.front() ? " " : ", ") + name;
  return fail(Code::invalid_argument, text);
}

Status check_action(const std::string& action) {
  const std::vector<std::string> actions{"drain", "resume", "restart", "remove"};
  if (std::find(actions.begin(), actions.end(), action) != actions.end()) return {};
  const std::string nearest = nearest_name(action, actions);
  return fail(Code::invalid_argument,
              "framebus worker can not \"" + action.substr(0, 40) + "\"" +
                  (nearest.empty() ? "; it can drain, resume, restart and remove"
                                   : "; did you mean \"" + nearest + "\"?"));
}

// "--wiat" -> "; did you mean --wait?"
std::string hint_for(const CLI::App& app, int argc, const char* const* argv) {
  std::vector<std::string> names{"--help"};
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (!word.starts_with("--")) continue;
    const std::string_view name = word.substr(0, word.find('='));
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    const std::string nearest = nearest_name(name, names);
    if (!nearest.empty()) return "; did you mean " + nearest + "?";
  }
  return {};
}

std::string overview() {
  std::string out =
      "framebus: submits jobs written as JSON files, follows them and fetches their results.\n\n"
      "usage: framebus VERB [options]        framebus VERB --help shows the options of one\n\n";
  for (const Verb& verb : all_verbs()) {
    out += "  " + std::string(verb.name) + std::string(11 - verb.name.size(), ' ') +
           std::string(verb.summary) + "\n";
  }
  return out +
         "\nOptions of every verb:\n"
         "  --broker URL        where the broker listens (FRAMEBUS_BROKER, client.json; "
         "tcp://127.0.0.1:7750)\n"
         "  --timeout DURATION  longest wait for each answer of the broker (10s)\n"
         "  --json, -q          output for programs: JSON, or bare ids\n"
         "  --print-config      the configuration in effect, as JSON\n\n"
         "Selectors: " +
         std::string(selector_help) +
         "\n"
         "Exit codes: 0 ok, 1 the job failed, 2 bad input, 3 no broker or no worker, 4 "
         "credentials, 5 "
         "wrong state, 6 no answer\n";
}

}  // namespace

Result<Arguments> parse_arguments(int argc, const char* const* argv) {
  Arguments out;
  const std::string_view word = verb_word(argc, argv);
  FRAMEBUS_TRY(check_verb(word));
  const bool wants_help = argc <= 1 || word == "help";
  CLI::App app("", "framebus");
  app.set_help_flag();
  bool help = wants_help, version = false;
  app.add_flag("-h,--help", help);
  app.add_flag("--version", version);
  app.add_flag("--print-config", out.print_config);
  add_common(app, out);
  CLI::App* chosen = nullptr;
  for (const Verb& verb : all_verbs()) {
    if (verb.name != word) continue;
    chosen = app.add_subcommand(std::string(verb.name), std::string(verb.summary));
    chosen->set_help_flag("-h,--help", "print this");
    chosen->get_formatter()->label("Positionals", "Arguments");
    chosen->get_formatter()->label("REQUIRED", "");
    add_options(*chosen, verb.name, out);
    add_common(*chosen, out);
  }
  if (!wants_help) {
    try {
      app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
      out.text = chosen ? chosen->help("framebus") : overview();
      return out;
    } catch (const CLI::ParseError& error) {
      const std::string where = "framebus " + std::string(word) + (word.empty() ? "" : " ");
      return fail(Code::invalid_argument, std::string(error.what()) +
                                              hint_for(chosen ? *chosen : app, argc, argv) + " (" +
                                              where + "--help shows what is allowed)");
    }
  }
  if (help) {
    out.text = overview();
    return out;
  }
  if (version) {
    out.verb = "version";
    return out;
  }
  if (word == "worker") FRAMEBUS_TRY(check_action(out.action));
  if (word.empty() && !out.print_config) {
    return fail(Code::invalid_argument,
                "a verb is missing, such as \"framebus jobs\" (framebus --help lists them)");
  }
  out.verb = std::string(word);
  return out;
}

}  // namespace framebus::client
