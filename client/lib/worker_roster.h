// Who has come and who has gone between two lists of workers. Pure; one thread.
#pragma once

#include <map>
#include <vector>

#include "libmsg/schema/parts.h"

namespace framebus::client {

class WorkerRoster {
 public:
  struct Change {
    std::vector<WorkerSummary> joined;  // as they are now
    std::vector<WorkerSummary> left;    // as they were last
    bool operator==(const Change&) const = default;
  };

  // In the order of their ids. A worker in state `lost` is not there. One that restarted in between
  // under another process id has left and joined.
  Change update(const std::vector<WorkerSummary>& workers);
  // Who is there, by the last list.
  const std::map<WorkerId, WorkerSummary>& known() const { return known_; }

 private:
  std::map<WorkerId, WorkerSummary> known_;
};

}  // namespace framebus::client
