// The requests a primary makes and what answers each: the only list of them. Private to client/lib.
// Pure; any thread.
#pragma once

#include <cstdint>

#include "libmsg/schema/messages.h"

namespace framebus::client {

// Writes `id` into the message's request field; false: this is no request of a primary.
bool set_request(Message& message, std::uint64_t id);

// "Submit": for errors.
const char* name_of_request(const Message& message);

// Whether a message of this type may answer that request (ErrorReply answers any).
bool is_answer_to(const Message& request, const Message& answer);

// False for Command: it is neither recorded nor recognised by the broker, so sending it again could
// have it carried out twice.
bool may_be_repeated(const Message& request);

// Whether the request names a job or task by its number, which means another one at a broker that
// has forgotten its jobs.
bool names_a_job(const Message& request);

}  // namespace framebus::client
