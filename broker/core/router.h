// The Router: which handler takes which message, and who may send it. One list.
#pragma once

#include "broker/core/turn.h"

namespace framebus::broker {

// Dispatches one event, then does what every step ends with: jobs' states, placements, watches.
void route(Turn& turn, const Event& event);

}  // namespace framebus::broker
