// What the client can be told for good: client.json, FRAMEBUS_* and flags. One table, as for the
// servers.
#pragma once

#include <string>

#include "libmsg/base/config.h"

namespace framebus::client {

struct ClientConfig {
  std::string broker = "tcp://127.0.0.1:7750";
  Duration timeout = seconds(10);
  std::string principal;
};

const ConfigTable<ClientConfig>& client_config_table();

// client.json in XDG_CONFIG_HOME/framebus or ~/.config/framebus, when it exists; else empty.
std::string default_config_file(const char* const* environment);

}  // namespace framebus::client
