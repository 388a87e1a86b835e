// Logs of attempts (messages 40 to 43). The core checks who may write and which attempt is meant;
// the bytes go by, to and from the shell's log store.
//
// A chunk counts when its token is genuine and names an attempt in the history of a job in memory.
// Whatever else arrives is counted and confirmed all the same: the worker must forget it.
#pragma once

#include "broker/core/turn.h"

namespace framebus::broker {

void on_log(Turn& turn, SessionId session, const Log& message);
void on_log_read(Turn& turn, SessionId session, const LogRead& message);

// Ends a step: tells the followers of logs whose attempts ended in it.
void end_logs(Turn& turn);

}  // namespace framebus::broker
