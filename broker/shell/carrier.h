// Carries out what the core wants, each action at the one place that can: messages to Delivery,
// logs to the log keeper, ended jobs to the archivist. And brings back what those have to say.
//
// Everything here returns at once; whatever takes time has a thread of its own. An answer is never
// missing: without an archive the core and the peers are told so. Thread rule: the loop's thread.
#pragma once

#include <vector>

#include "broker/core/action.h"
#include "broker/core/core.h"
#include "broker/core/event.h"
#include "broker/shell/archivist.h"
#include "broker/shell/blob_collector.h"
#include "broker/shell/delivery.h"
#include "broker/shell/log_keeper.h"
#include "broker/shell/status_counters.h"

namespace framebus::broker {

class Carrier {
 public:
  // `archivist` and `collector`: null for a broker that keeps no archive. `core`: read for the jobs
  // that are here, whose logs stay.
  Carrier(Delivery& delivery, LogKeeper& logs, Archivist* archivist, BlobCollector* collector,
          const StatusCounters& counters, const Core& core);

  void carry_out(Action&& action);
  // Events for the core from the threads since the last call; their answers to peers go out.
  void take(TimePoint now, std::vector<Event>& events);
  // The session is over: nobody waits for its logs any more.
  void session_gone(SessionId session) { logs_.forget(session); }

 private:
  void run(Persist&&);
  void run(Send&& action);
  void run(CloseSession&& action);
  void run(Note&& action);
  void run(StoreLog&& action) { logs_.store(std::move(action)); }
  void run(LogEnded&& action) { logs_.ended(action); }
  void run(ReadLog&& action) { logs_.read(std::move(action)); }
  void run(DropLogs&& action) { logs_.drop(action.job); }
  void run(Archive&& action);
  void run(LoadArchived&& action);
  void run(ListArchived&& action);
  void run(DropBlobs&& action);

  Delivery& delivery_;
  LogKeeper& logs_;
  Archivist* archivist_;
  BlobCollector* collector_;
  // The version of a job that the archive had is gone, its logs go when nothing else is left of it.
  void drop_logs_of(const std::vector<JobId>& removed);

  const StatusCounters& counters_;
  const Core& core_;
  std::vector<JobId> last_copies_;  // of them only a copy in memory is left
  std::vector<Event> answers_;  // of an archive that is not there
};

}  // namespace framebus::broker
