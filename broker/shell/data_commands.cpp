// See data_commands.h. One row for each command.
#include "broker/shell/data_commands.h"

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "broker/shell/data_directory.h"
#include "broker/shell/exit_codes.h"
#include "broker/store/archive/archive.h"
#include "broker/store/journal/tool.h"
#include "libmsg/base/config.h"

namespace framebus::broker {
namespace {

using Words = std::vector<std::string>;

struct CommandConfig {
  std::string data;
  std::int64_t from = 1;
  std::int64_t to = 0;
  bool dry_run = false;
};

struct Command {
  const char* group;
  const char* verb;
  const char* words;  // that follow, for people
  std::size_t word_count;
  bool is_for_stopped_broker;
  const char* meaning;
  Status (*run)(const std::filesystem::path& data, const CommandConfig& config, const Words& words);
};

void print_line(const std::string& line) {
  std::printf("%s\n", line.c_str());
}

Status run_verify(const std::filesystem::path& data, const CommandConfig&, const Words&) {
  return journal::verify_journal(*make_posix_disk(), data / "journal", print_line);
}

Status run_show(const std::filesystem::path& data, const CommandConfig& config, const Words&) {
  const auto last = config.to == 0 ? std::numeric_limits<std::uint64_t>::max()
                                   : static_cast<std::uint64_t>(config.to);
  return journal::show_journal(*make_posix_disk(), data / "journal",
                               static_cast<std::uint64_t>(config.from), last, print_line);
}

Status run_repair(const std::filesystem::path& data, const CommandConfig& config, const Words&) {
  const auto mode = config.dry_run ? journal::RepairMode::only_tell : journal::RepairMode::repair;
  return journal::repair_journal(*make_posix_disk(), data / "journal", mode, print_line);
}

Status run_archive_export(const std::filesystem::path& data, const CommandConfig&,
                          const Words& words) {
  JobId job;
  const char* const end = words[0].data() + words[0].size();
  const auto [stop, error] = std::from_chars(words[0].data(), end, job.value);
  if (error != std::errc{} || stop != end)
    return fail(Code::invalid_argument, "\"" + words[0] + "\" is not the number of a job");
  // Only reading: without the lock, since a broker may be running on it, of whichever version.
  FRAMEBUS_ASSIGN(const auto archive, JobArchive::open_to_read(data / "archive.db"));
  FRAMEBUS_TRY(export_job(*archive, job, words[1]));
  print_line("job " + to_string(job) + " is in " + words[1]);
  return {};
}

constexpr Command commands[] = {
    {"journal", "verify", "", 0, true, "read every record and say whether all of them are sound",
     run_verify},
    {"journal", "show", "", 0, true, "print the records, one a line [--from LSN] [--to LSN]",
     run_show},
    {"journal", "repair", "", 0, true,
     "give up what is damaged, keep a copy of every file, say what is lost [--dry-run]",
     run_repair},
    {"archive", "export", "JOB FILE", 2, false,
     "write one ended job into a new SQLite file, with a row for every task", run_archive_export},
};

const ConfigTable<CommandConfig>& command_table() {
  static const ConfigTable<CommandConfig> table = [] {
    ConfigKey<CommandConfig> data{
        "data", &CommandConfig::data,
        "the broker's directory; empty: $XDG_STATE_HOME/framebus/broker or "
        "~/.local/state/framebus/broker"};
    data.environment = "FRAMEBUS_BROKER_DATA";
    constexpr double lsn_max = 9e15;
    return ConfigTable<CommandConfig>{
        "framebus-broker",
        "Looks at, or mends, the data directory of a broker.",
        {data,
         {"from", &CommandConfig::from, "first record shown", 1, lsn_max},
         {"to", &CommandConfig::to, "last record shown; 0: all", 0, lsn_max},
         {"dry-run", &CommandConfig::dry_run, "repair: only say what would be lost"}}};
  }();
  return table;
}

int complain(const Error& error) {
  std::fprintf(stderr, "framebus-broker: %s\n", error.message.c_str());
  return exit_code_of_start(error);
}

void print_usage(std::FILE* to, const std::string& group) {
  std::fprintf(to, "usage: framebus-broker %s VERB [--data DIR]\n", group.c_str());
  for (const Command& each : commands) {
    if (group != each.group) continue;
    const std::string words = std::string(each.verb) + " " + each.words;
    std::fprintf(to, "  %-18s %s\n", words.c_str(), each.meaning);
  }
  std::fprintf(
      to,
      "Ends with 0 (done, sound), 65 (damaged) or 78 (not possible here; the sentence says "
      "why).\n");
}

const Command* find_command(const std::string& group, const std::string& verb) {
  for (const Command& each : commands)
    if (group == each.group && verb == each.verb) return &each;
  return nullptr;
}

bool is_group(const std::string& word) {
  for (const Command& each : commands)
    if (word == each.group) return true;
  return false;
}

Status run_command(const Command& command, const CommandConfig& config, const Words& words) {
  std::filesystem::path data = config.data;
  if (data.empty()) {
    FRAMEBUS_ASSIGN(data, default_data_directory());
  }
  if (!std::filesystem::is_directory(data))
    return fail(Code::invalid_argument, "data: there is no directory " + data.string());
  FileDescriptor lock;
  if (command.is_for_stopped_broker) {
    FRAMEBUS_ASSIGN(lock, lock_for_reading(data));
  }
  return command.run(data, config, words);
}

}  // namespace

std::optional<int> run_data_command(int argc, const char* const* argv,
                                    const char* const* environment) {
  if (argc < 2 || !is_group(argv[1])) return std::nullopt;
  const std::string group = argv[1];
  Words words;
  int next = 2;
  for (; next < argc && argv[next][0] != '-'; ++next) words.emplace_back(argv[next]);
  std::vector<const char*> flags = {argv[0]};
  flags.insert(flags.end(), argv + next, argv + argc);
  CommandConfig config;
  const auto outcome = load_config(command_table(), static_cast<int>(flags.size()), flags.data(),
                                   environment, config);
  if (!outcome) return complain(outcome.error());
  if (outcome->version || outcome->print) {
    std::printf("%s\n", outcome->text.c_str());
    return 0;
  }
  const Command* const command = words.empty() ? nullptr : find_command(group, words[0]);
  const bool is_one = command && words.size() == 1 + command->word_count;
  if (outcome->help && (is_one || words.empty())) {
    print_usage(stdout, group);
    return 0;
  }
  if (!is_one) {
    print_usage(stderr, group);
    return exit_config_refused;
  }
  words.erase(words.begin());
  const Status done = run_command(*command, config, words);
  return done ? 0 : complain(done.error());
}

}  // namespace framebus::broker
