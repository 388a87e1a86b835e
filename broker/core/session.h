// Sessions: Hello, Goodbye, loss and replacement, and the attempts a worker says it still holds
// (row 30).
#pragma once

#include "broker/core/task_manager.h"

namespace framebus::broker {

void on_hello(Turn& turn, const PeerHello& event);
// Rows 10 and 27. The session is gone from the state afterwards.
void lose_session(Turn& turn, SessionId session, Loss loss, const std::string& reason);

// Whether an attempt that a worker lists is its lease here, adopting it when it may be (row 30);
// what it has to stop goes to `aborts`.
bool claim_attempt(Turn& turn, Worker& worker, const HeldAttempt& held, AbortList& aborts);

// A worker that was lost a while ago and holds nothing leaves the list.
void on_forget_worker_due(Turn& turn, const WorkerId& worker);

}  // namespace framebus::broker
