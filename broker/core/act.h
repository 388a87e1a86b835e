// Act: cancel, pause, resume, retry, set_priority on a job or some of its tasks (rows 2, 19, 20,
// 23, 25, 32).
#pragma once

#include "broker/core/turn.h"

namespace framebus::broker {

void on_act(Turn& turn, SessionId session, const Act& message);

}  // namespace framebus::broker
