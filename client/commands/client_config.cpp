#include "client/commands/client_config.h"

#include <filesystem>
#include <string_view>

namespace framebus::client {

const ConfigTable<ClientConfig>& client_config_table() {
  using C = ClientConfig;
  constexpr double any = std::numeric_limits<double>::infinity();
  static const ConfigTable<ClientConfig> table = {
      "framebus",
      "Submits jobs written as JSON files, follows them and fetches their results.",
      {
          {"broker", &C::broker, "where the broker listens for clients", -any, any, {}},
          {"timeout", &C::timeout, "longest wait for each answer of the broker", 0.05, 86'400, {}},
          {"principal",
           &C::principal,
           "client name for fair shares; empty: the login name",
           -any,
           any,
           {}},
      }};
  return table;
}

std::string default_config_file(const char* const* environment) {
  std::filesystem::path path, home;
  for (; environment && *environment; ++environment) {
    const std::string_view entry = *environment;
    if (entry.starts_with("XDG_CONFIG_HOME=") && entry.size() > 16) path = entry.substr(16);
    if (entry.starts_with("HOME=") && entry.size() > 5) home = entry.substr(5);
  }
  if (path.empty() && !home.empty()) path = home / ".config";
  if (path.empty()) return {};
  path = path / "framebus" / "client.json";
  std::error_code error;
  return std::filesystem::is_regular_file(path, error) ? path.string() : std::string();
}

}  // namespace framebus::client
