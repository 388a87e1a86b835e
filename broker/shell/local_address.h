// Which addresses may be bound without keys: this machine's own only (docs/SECURITY.md).
// Thread rule: pure.
#pragma once

#include <string>

#include "libmsg/base/result.h"

namespace framebus::broker {

// permission_denied, with a sentence that says what to do instead, unless `url` is ipc, inproc or a
// loopback TCP address written as a number or as "localhost". Names are not looked up.
Status check_is_local(const std::string& key, const std::string& url);

}  // namespace framebus::broker
