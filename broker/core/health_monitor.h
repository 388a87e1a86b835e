// The HealthMonitor: heartbeats, silence, omissions, stalls (rows 7 to 10, 26).
#pragma once

#include "broker/core/session.h"

namespace framebus::broker {

void on_heartbeat(Turn& turn, SessionId session, const Heartbeat& message);

// A worker's silence: suspect first, lost after a lease. Arms itself again.
void on_worker_due(Turn& turn, const WorkerId& worker);

// Everything up to this record is durable: Assigns that waited for it are on their way now.
void on_synced(Turn& turn, std::uint64_t lsn);

// The broker's own loop was late by this much: nobody is to suffer for it.
void on_stall(Turn& turn, Duration stalled);

}  // namespace framebus::broker
