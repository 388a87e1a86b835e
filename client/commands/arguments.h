// The command line as data. CLI11 stays inside arguments.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libmsg/base/result.h"

namespace framebus::client {

struct Arguments {
  std::string verb;  // one of the table in verbs.h; empty: only `text` is to be printed
  std::string text;  // help or version asked for
  bool print_config = false;

  // every verb
  std::optional<std::string> broker, config, timeout;
  bool json = false, quiet = false;

  // some verbs
  std::string file;
  std::string selector;
  std::vector<std::string> overrides;  // --set KEY=VALUE
  std::optional<std::uint32_t> priority;
  std::string output_directory;  // -o
  bool wait = false, dry_run = false, all = false, keep = false;
  std::uint32_t limit = 0;  // 0: the verb's default
  std::uint32_t workers = 1, threads = 0;
  bool archived = false;  // jobs

  // logs
  bool follow = false;
  std::uint32_t attempt = 0;  // counted from 1; 0: the latest

  // broadcast
  std::string command;
  std::string payload_file;               // "-": standard input
  std::vector<std::string> worker_names;  // --worker
  bool next = false, barrier = false, sticky = false;

  // worker
  std::string action;  // drain, resume, restart, remove
  std::string worker;
  std::string reason;
};

// `argv` with the program's name first. invalid_argument: names the nearest verb or option.
Result<Arguments> parse_arguments(int argc, const char* const* argv);

}  // namespace framebus::client
