// The golden bytes: one example of each message as frames in hex. Printed by golden_messages,
// compared by wire_golden_test, read by anybody who writes a client in another language.
#pragma once

#include <string>

namespace framebus::golden {

// The whole content of tests/golden/messages.txt.
std::string message_bytes();

}  // namespace framebus::golden
