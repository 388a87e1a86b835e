// Errors on their way to the wire and back: the one place where a code becomes a number.
#pragma once

#include <algorithm>
#include <string>

#include "libmsg/base/error.h"
#include "libmsg/schema/messages.h"

namespace framebus {

inline WireError to_wire(const Error& error) {
  return {static_cast<std::uint16_t>(error.code), error.message, error.retry_after_ms};
}

// An unknown number (a newer peer) becomes `internal`, a missing text the code's own sentence, a
// negative hint none.
inline Error from_wire(const WireError& wire) {
  const ErrorInfo& info = error_info(static_cast<Code>(wire.code));
  return {info.code, wire.message.empty() ? std::string(info.sentence) : wire.message,
          std::max<std::int64_t>(wire.retry_after_ms, 0)};
}

// The answer to a request (0: not known) that failed.
inline ErrorReply error_reply(std::uint64_t request, const Error& error) {
  return {request, to_wire(error)};
}

}  // namespace framebus
