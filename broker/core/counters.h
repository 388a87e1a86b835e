// Counters for people and monitoring, since this process started. One list: names, members, status.
#pragma once

#include <cstdint>

namespace framebus::broker {

// X(name)
#define FRAMEBUS_BROKER_COUNTERS(X)                                                                \
  X(events)                                                                                        \
  X(jobs_accepted)                                                                                 \
  X(jobs_ended)                                                                                    \
  X(submits_repeated) X(submits_refused) X(refused_store_full) X(refused_hellos) X(                \
      requests_refused) X(malformed) X(grants) X(starts) X(results) X(results_ok) X(results_error) \
      X(results_crashed) X(results_duplicate) X(results_fenced) X(results_terminal)                \
          X(results_unknown) X(results_forged) X(results_clipped) X(retries) X(tasks_dead)         \
              X(losses_worker) X(losses_lease) X(losses_omitted) X(losses_not_started)             \
                  X(sends_failed) X(reclaimed) X(adopted) X(adoptions_refused) X(timeouts)         \
                      X(heartbeats) X(workers_joined) X(workers_left) X(sessions_replaced)         \
                          X(exclusions) X(exclusions_lapsed) X(watch_events) X(stalls)             \
                              X(uploads_opened) X(uploads_dropped) X(archive_pieces)               \
                                  X(archive_errors) X(archive_loads) X(jobs_archived)              \
                                      X(jobs_revived) X(jobs_forgotten) X(requests_parked)         \
                                          X(commands) X(command_replies) X(command_replies_late)   \
                                              X(commands_late) X(readies_stale) X(loads_failed)    \
                                                  X(orders) X(workers_removed) X(log_chunks)       \
                                                      X(log_chunks_dropped) X(log_reads)

struct Counters {
#define FRAMEBUS_X(name) std::uint64_t name = 0;
  FRAMEBUS_BROKER_COUNTERS(FRAMEBUS_X)
#undef FRAMEBUS_X
};

}  // namespace framebus::broker
