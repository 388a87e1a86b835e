// Finished jobs: the hand-over to the archive, the end of their time in memory, and their way back
// for whoever asks (options.archive).
//
//   ends -> archive_after -> Archive{piece} -> Archived -> ... -> last piece: may be forgotten
//   Query, Act, Watch, LogRead of a job that is only there: parked -> LoadArchived -> ArchiveLoaded
//   -> a copy to read (no record is made about it) -> the requests are handled
//   retry of a copy: JobRevived pieces, then it is a job like any other (row 25)
#pragma once

#include "broker/core/image.h"
#include "broker/core/turn.h"

namespace framebus::broker {

// The job has just ended; one that had ended runs again.
void finish_job(State& state, Job& job);
void unfinish_job(State& state, Job& job);
// After replay: what has ended is on its way again.
void begin_finished(State& state);
// Finished jobs beyond the bounds: the oldest go, if the archive has them and whoever watches them
// has been told their end. A watcher that lags keeps a job for one lease.
void drop_oldest(Turn& turn);
// The archive or watchers can not keep up and the bounds of finished jobs are reached.
Status check_archive_keeps_up(State& state);

void on_archive_due(Turn& turn, JobId job);
void on_forget_due(Turn& turn, JobId job);
void on_archived(Turn& turn, const Archived& event);
// Gives the archive the next piece, if it has none.
void pump_archive(Turn& turn);

// Whether this request waits for the archive now (or was refused for that); false: handle it.
bool park_request(Turn& turn, const Received& event);
void on_archive_loaded(Turn& turn, const ArchiveLoaded& event);
void on_copy_due(Turn& turn, JobId job);
// Answers everything parked with this error.
void fail_parked(Turn& turn, Code code, const std::string& message);
// Requests of a session that is gone are dropped; a Watch that is ended before it began.
void drop_parked_of(State& state, SessionId session);
void drop_parked_watch(State& state, SessionId session, std::uint64_t request);

// Makes an archived copy an ordinary job again, under its id. Returns it.
Job& revive_job(Turn& turn, JobId job);

// Answers a Query of kind archive.
void on_list_archived(Turn& turn, SessionId session, const Query& query);

}  // namespace framebus::broker
