// What config_load.cpp and config_print.cpp share: the names and texts of one key.
#pragma once

#include <string>
#include <string_view>

#include "libmsg/base/config.h"

namespace framebus::config_detail {

std::string json_name(const Slot& slot);         // restart_grace
std::string environment_name(const Slot& slot);  // FRAMEBUS_RESTART_GRACE
// The value as JSON text.
std::string json_text(const Slot& slot);
// What is allowed, for errors and documents: "1 to 1024", "roundrobin or load"; empty when anything
// is.
std::string allowed_text(const Slot& slot);
// "NUMBER", "DURATION", ...: the kind of value, for --help. Empty for a boolean.
std::string_view placeholder(const Slot& slot);

}  // namespace framebus::config_detail
