// The Router: which handler takes which message, and who may send it. One list.
#pragma once

#include "broker/core/turn.h"

namespace framebus::broker {

// Dispatches one event, then does what every step ends with: jobs' states, placements, watches.
void route(Turn& turn, const Event& event);

// A request that had to wait (for the archive) is handled now. Its Turn::resume_request() was
// called; it is not counted as received again.
void handle_parked(Turn& turn, const Received& event);

}  // namespace framebus::broker
