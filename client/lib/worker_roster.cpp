#include "client/lib/worker_roster.h"

namespace framebus::client {

WorkerRoster::Change WorkerRoster::update(const std::vector<WorkerSummary>& workers) {
  std::map<WorkerId, WorkerSummary> now;
  for (const WorkerSummary& worker : workers)
    if (worker.state != WorkerState::lost) now.emplace(worker.info.id, worker);
  Change change;
  for (const auto& [id, was] : known_) {
    const auto is = now.find(id);
    if (is == now.end() || is->second.info.pid != was.info.pid) change.left.push_back(was);
  }
  for (const auto& [id, is] : now) {
    const auto was = known_.find(id);
    if (was == known_.end() || was->second.info.pid != is.info.pid) change.joined.push_back(is);
  }
  known_ = std::move(now);
  return change;
}

}  // namespace framebus::client
