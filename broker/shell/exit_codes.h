// What framebus-broker ends with, and why; docs/OPERATING.md says what to do about each.
// Thread rule: pure.
#pragma once

#include "libmsg/base/error.h"

namespace framebus::broker {

inline constexpr int exit_data_damaged = 65;  // journal, archive, epoch or key; nothing was changed
inline constexpr int exit_sync_failed = 74;   // what was not answered yet may not be on the disk
inline constexpr int exit_config_refused = 78;  // configuration, or the data directory as it is

// Of an error of BrokerServer::start(); the others as `framebus` ends with them.
int exit_code_of_start(const Error& error);

}  // namespace framebus::broker
