// The configurations of the three programs, by the loader that they use: command line, environment
// and file. Input: the program's name in a line ("broker", "worker", "client"), then a word of the
// command line or a variable (FRAMEBUS_...=VALUE) in each line, then a line "---" and the file.
//
// What loads must be within its bounds, be what the strongest source says (flag, then environment,
// then file), be printed and loaded again as the same, and give settings that the program's own
// checks take or refuse with a reason.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>

#include "broker/shell/config.h"
#include "client/commands/client_config.h"
#include "libmsg/base/check.h"
#include "libmsg/base/config_slots.h"
#include "libmsg/base/limits.h"
#include "tests/fuzz/fuzz_target.h"
#include "worker/shell/config.h"

using namespace framebus;

namespace {

enum Reached : std::size_t { loaded, changed, taken };
FuzzMilestone milestones[] = {
    {"loads", 10}, {"loads and changes a setting", 8}, {"is taken by the program", 8}};

// A file in memory with a path, so that the loader's own reading is part of the test.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view text) : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    FRAMEBUS_CHECK(fd_ >= 0, "a memory file can be made");
    FRAMEBUS_CHECK(::write(fd_, text.data(), text.size()) == static_cast<ssize_t>(text.size()),
                   "and written");
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

struct Given {
  std::string program;
  std::vector<std::string> words, environment;
  bool has_file = false;
  std::string_view file;
};

Given cut(std::string_view text) {
  Given given;
  const auto take_line = [&text] {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    return line.substr(0, line.find('\0'));  // as the system cuts what it hands to a program
  };
  given.program = take_line();
  while (!text.empty()) {
    std::string line = take_line();
    if (line == "---") {
      given.has_file = true;
      given.file = text;
      break;
    }
    auto& list = line.starts_with("FRAMEBUS_") ? given.environment : given.words;
    list.push_back(std::move(line));
  }
  return given;
}

std::vector<const char*> pointers(const std::vector<std::string>& texts) {
  std::vector<const char*> all;
  for (const std::string& text : texts) all.push_back(text.c_str());
  all.push_back(nullptr);
  return all;
}

template <class C>
Result<ConfigOutcome> load(const ConfigTable<C>& table, std::vector<std::string> words,
                           const std::vector<std::string>& environment, C& config) {
  words.insert(words.begin(), table.program);
  return load_config(table, static_cast<int>(words.size()), pointers(words).data(),
                     pointers(environment).data(), config);
}

template <class C>
Result<ConfigOutcome> load_text(const ConfigTable<C>& table, const std::string& text, C& config) {
  const MemoryFile file(text);
  return load(table, {"--config", file.path(), "--print-config"}, {}, config);
}

template <class C>
void check_bounds(const ConfigTable<C>& table, C& config) {
  for (const config_detail::Slot& slot : config_detail::slots_of(table, config).keys) {
    const auto check_number = [&slot](double number) {
      FRAMEBUS_CHECK(std::isfinite(number) && number >= slot.min && number <= slot.max, slot.name);
    };
    const auto check_choice = [&slot](const std::string& text) {
      const auto& all = slot.choices;
      FRAMEBUS_CHECK(all.empty() || std::find(all.begin(), all.end(), text) != all.end(),
                     slot.name);
    };
    if (const auto* whole = std::get_if<std::uint32_t*>(&slot.target)) check_number(**whole);
    if (const auto* large = std::get_if<std::int64_t*>(&slot.target))
      check_number(static_cast<double>(**large));
    if (const auto* real = std::get_if<double*>(&slot.target)) check_number(**real);
    if (const auto* wait = std::get_if<Duration*>(&slot.target))
      check_number(std::chrono::duration<double>(**wait).count());
    if (const auto* size = std::get_if<ByteSize*>(&slot.target))
      check_number(static_cast<double>((**size).bytes));
    if (const auto* text = std::get_if<std::string*>(&slot.target)) check_choice(**text);
    if (const auto* list = std::get_if<std::vector<std::string>*>(&slot.target))
      for (const std::string& text : **list) check_choice(text);
  }
}

// A flag that says something of its own wins; else the environment does, unless a flag may have
// said the default.
template <class C>
void check_precedence(const ConfigTable<C>& table, const Given& given, C& config) {
  C defaults, by_flags, by_environment;
  FRAMEBUS_CHECK(load(table, given.words, {}, by_flags), "the flags load alone");
  FRAMEBUS_CHECK(load(table, {}, given.environment, by_environment), "as does the environment");
  const auto slots = config_detail::slots_of(table, config).keys;
  const auto flags = config_detail::slots_of(table, by_flags).keys;
  const auto variables = config_detail::slots_of(table, by_environment).keys;
  const auto standards = config_detail::slots_of(table, defaults).keys;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const std::string value = config_detail::json_text(slots[i]);
    const std::string standard = config_detail::json_text(standards[i]);
    const std::string flag = config_detail::json_text(flags[i]);
    const std::string variable = config_detail::json_text(variables[i]);
    if (flag != standard)
      FRAMEBUS_CHECK(value == flag, slots[i].name + ": the flag counts");
    else if (variable != standard)
      FRAMEBUS_CHECK(value == variable || value == standard, slots[i].name + ": not the file");
    else if (!given.has_file)
      FRAMEBUS_CHECK(value == standard, slots[i].name + ": nobody has set it");
  }
}

// Printed in both ways and loaded again, it must be the same.
template <class C>
void check_again(const ConfigTable<C>& table, const C& config) {
  C copy = config;
  const std::string text = config_detail::print_json(config_detail::slots_of(table, copy), false);
  C defaults;
  C again;
  const auto outcome = load_text(table, text, again);
  if (!outcome) {
    // Text from a command line need not be UTF-8; a file must be.
    FRAMEBUS_CHECK(outcome.error().message.find("UTF-8") != std::string::npos,
                   outcome.error().message);
    return;
  }
  FRAMEBUS_CHECK(outcome->text == text, "printed and loaded the same");
  const auto commented = load_text(table, print_default_config(table, config), again);
  FRAMEBUS_CHECK(commented && commented->text == text, "with comments too");
  if (text != config_detail::print_json(config_detail::slots_of(table, defaults), false))
    ++milestones[changed].count;
}

bool is_taken(const broker::BrokerConfig& config) {
  const auto options = broker::core_options(config);
  if (!options) return false;
  FRAMEBUS_CHECK(options->lease >= 2 * options->heartbeat, "a lease is two heartbeats");
  FRAMEBUS_CHECK(options->named_limits.size() == config.limits.size(), "every limit is there");
  return true;
}
bool is_taken(const worker::WorkerConfig& config) {
  if (!worker::check(config)) return false;
  const auto labels = worker::parse_labels(config.label);
  FRAMEBUS_CHECK(labels && labels->size() <= limits::labels_max, "labels that the wire takes");
  return true;
}
bool is_taken(const client::ClientConfig&) {
  return true;
}

template <class C>
void run(const ConfigTable<C>& table, const Given& given) {
  C config;
  std::vector<std::string> words = given.words;
  std::optional<MemoryFile> file;
  if (given.has_file) {
    file.emplace(given.file);
    words.insert(words.end(), {"--config", file->path()});
  }
  const auto outcome = load(table, words, given.environment, config);
  if (!outcome) {
    FRAMEBUS_CHECK(!outcome.error().message.empty(), "a refusal says why");
    return;
  }
  if (outcome->help || outcome->version) return;
  ++milestones[loaded].count;
  check_bounds(table, config);
  // A flag that names a file of its own makes the words say more than the flags do.
  if (std::none_of(given.words.begin(), given.words.end(),
                   [](const std::string& word) { return word.starts_with("--config"); }))
    check_precedence(table, given, config);
  check_again(table, config);
  if (is_taken(config)) ++milestones[taken].count;
}

// Every key there is with its default, in each of the ways to give it: new keys are tried from
// their first day on.
template <class C>
void add_seeds(const std::string& program, const ConfigTable<C>& table,
               std::vector<std::vector<std::uint8_t>>& seeds) {
  C defaults;
  const config_detail::Slots slots = config_detail::slots_of(table, defaults);
  std::string file = program + "\n---\n" + config_detail::print_json(slots, false);
  std::string flags = program + "\n", variables = flags;
  for (const config_detail::Slot& slot : slots.keys) {
    std::string value = config_detail::json_text(slot);
    if (value.starts_with('"')) value = value.substr(1, value.size() - 2);
    if (value.starts_with('[')) value = "name=4";
    flags += "--" + slot.name + "=" + value + "\n";
    variables += config_detail::environment_name(slot) + "=" + value + "\n";
  }
  for (const std::string& text : {file, flags, variables})
    seeds.emplace_back(text.begin(), text.end());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Given given = cut({reinterpret_cast<const char*>(data), size});
  if (given.program == "broker") run(broker::broker_config_table(), given);
  if (given.program == "worker") run(worker::worker_config_table(), given);
  if (given.program == "client") run(client::client_config_table(), given);
  return 0;
}

std::span<FuzzMilestone> fuzz_milestones() {
  return milestones;
}

std::vector<std::vector<std::uint8_t>> fuzz_seeds() {
  std::vector<std::vector<std::uint8_t>> seeds;
  add_seeds("broker", broker::broker_config_table(), seeds);
  add_seeds("worker", worker::worker_config_table(), seeds);
  add_seeds("client", client::client_config_table(), seeds);
  return seeds;
}
