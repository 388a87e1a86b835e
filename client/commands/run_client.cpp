// From argv to an exit code: configuration first, then the verb.
#include <algorithm>
#include <csignal>
#include <cstdio>

#include "client/commands/cli.h"
#include "client/commands/verbs.h"
#include "client/output/text.h"
#include "libmsg/transport/transport.h"

namespace framebus::client {
namespace {

int refuse(const Error& error) {
  std::fprintf(stderr, "error: %s\n", many_lines(error.message).c_str());
  return error_info(error.code).exit_code;
}

// The configuration's parser gets the flags that are its own.
Result<ConfigOutcome> load(const Arguments& arguments, const char* const* environment,
                           ClientConfig& config) {
  std::vector<std::string> words{"framebus"};
  const std::string file = arguments.config.value_or(default_config_file(environment));
  if (!file.empty()) words.push_back("--config=" + file);
  if (arguments.broker) words.push_back("--broker=" + *arguments.broker);
  if (arguments.timeout) words.push_back("--timeout=" + *arguments.timeout);
  if (arguments.print_config) words.push_back("--print-config");
  std::vector<const char*> argv;
  for (const std::string& word : words) argv.push_back(word.c_str());
  FRAMEBUS_ASSIGN(ConfigOutcome outcome,
                  load_config(client_config_table(), static_cast<int>(argv.size()), argv.data(),
                              environment, config));
  if (const Status url = check_url(config.broker); !url) return fail(url.error().context("broker"));
  return outcome;
}

}  // namespace

int run_client(int argc, const char* const* argv, const char* const* environment) {
  std::signal(
      SIGPIPE,
      SIG_IGN);  // `framebus jobs | head` ends by a failed write, not by a signal in mid-transfer
  Result<Arguments> arguments = parse_arguments(argc, argv);
  if (!arguments) return refuse(arguments.error());
  if (!arguments->text.empty()) {
    std::fputs(arguments->text.c_str(), stdout);
    return 0;
  }
  ClientConfig config;
  const Result<ConfigOutcome> loaded = load(*arguments, environment, config);
  if (!loaded) return refuse(loaded.error());
  if (loaded->print) {
    std::fputs(loaded->text.c_str(), stdout);
    return 0;
  }
  const auto verbs = all_verbs();
  const auto verb = std::find_if(verbs.begin(), verbs.end(),
                                 [&](const Verb& each) { return each.name == arguments->verb; });
  if (verb == verbs.end())
    return refuse({Code::internal, "verb \"" + arguments->verb + "\" has no function", 0});
  Cli cli(std::move(*arguments), std::move(config), environment);
  return verb->run(cli);
}

}  // namespace framebus::client
