// Who may send what: one row for each message, and the sentence for a Hello on the wrong endpoint.
// Thread rule: pure.
#pragma once

#include <cstdint>
#include <optional>

#include "broker/shell/endpoints_file.h"
#include "libmsg/base/result.h"
#include "libmsg/schema/messages.h"

namespace framebus::broker {

// The two ROUTERs of the broker; what a peer may do follows from the one it came to.
enum class Side : std::uint8_t { primary = 0, worker = 1 };

const char* name_of(Side side);

// permission_denied, naming the message and the role that may send it.
Status check_may_send(Side side, const Message& message);

// permission_denied, naming the right endpoint, when the role does not belong on this side.
Status check_role(Side side, Role role, const Endpoints& endpoints);

// The request id of a message that has one; 0 for the others.
std::uint64_t request_in(const Message& message);

}  // namespace framebus::broker
