// Configuration as a field table: key, unit, default, bounds, doc in one row; parser, --help, the
// files in config/ and docs/OPERATING.md derive from it. Precedence: default < file < environment <
// flag.
//
//   struct WorkerConfig { std::string broker = "tcp://127.0.0.1:7751"; std::uint32_t slots = 1; ...
//   }; const ConfigTable<WorkerConfig>& worker_config_table();   // rows made with config_key(...)
//
// Key "restart-grace" is `restart_grace` in JSON, --restart-grace VALUE on the command line and
// FRAMEBUS_RESTART_GRACE in the environment; a key that would mean another thing in another program
// of the family names its variable itself (ConfigKey::environment). Booleans take --key,
// --key=false or --no-key. Durations are written 90s, 250ms, 1h30m; sizes 8GiB, 512KiB; lists
// repeat the flag, or are separated by commas in the environment, and are arrays in JSON. Unknown
// keys are errors that name the nearest one; unknown FRAMEBUS_* variables are not (other programs
// of the family read them). Target to link: msg_config.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "libmsg/base/result.h"
#include "libmsg/base/time.h"

namespace framebus {

struct ByteSize {
  std::uint64_t bytes = 0;
  auto operator<=>(const ByteSize&) const = default;
};

// "90s", "1h30m", "250ms"; a bare number is refused except 0.
Result<Duration> parse_duration(std::string_view text);
std::string to_text(Duration duration);
// "8GiB", "512KiB", "100MB", "4096" (bytes).
Result<ByteSize> parse_size(std::string_view text);
std::string to_text(ByteSize size);

// The candidate with the smallest edit distance, if it is near enough to be what was meant; else
// empty.
std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates);

template <class C>
struct ConfigKey {
  using Member =
      std::variant<bool C::*, std::uint32_t C::*, std::int64_t C::*, double C::*, std::string C::*,
                   Duration C::*, ByteSize C::*, std::vector<std::string> C::*>;
  std::string name;  // words joined by '-'
  Member member;
  std::string doc;                                        // one sentence; units for plain numbers
  double min = -std::numeric_limits<double>::infinity();  // numbers as they are, durations in
                                                          // seconds, sizes in bytes
  double max = std::numeric_limits<double>::infinity();
  std::vector<std::string> choices = {};  // strings: allowed values; empty: any
  std::string environment = {};           // variable instead of FRAMEBUS_<NAME>; empty: that
};

template <class C>
struct ConfigTable {
  std::string program;  // "framebus-worker"
  std::string summary;  // one sentence for --help
  std::vector<ConfigKey<C>> keys;
};

// What load_config found besides values: positional words are errors unless the program takes them.
struct ConfigOutcome {
  bool help = false;     // --help was given: `text` is to be printed, exit 0
  bool version = false;  // --version
  bool print = false;    // --print-config: the effective configuration as JSON is in `text`
  std::string text;
};

// `config` holds the defaults and receives the values. --config FILE names the file (default:
// none). Errors are invalid_argument and name the source: "worker.json: /slots: ...", "--slots:
// ...", "FRAMEBUS_SLOTS: ...". Nothing is read but `argv`, the environment given and the file.
// argv[0] is the program's name and skipped; argc may be 0.
template <class C>
Result<ConfigOutcome> load_config(const ConfigTable<C>& table, int argc, const char* const* argv,
                                  const char* const* environment, C& config);

// The default configuration as the JSON (with comments) that config/*.json hold.
template <class C>
std::string print_default_config(const ConfigTable<C>& table, const C& defaults);

template <class C>
std::string help_text(const ConfigTable<C>& table, const C& defaults);
// Rows of docs/OPERATING.md's table for this program, Markdown.
template <class C>
std::string markdown_rows(const ConfigTable<C>& table, const C& defaults);

}  // namespace framebus

#include "libmsg/base/config_impl.h"
