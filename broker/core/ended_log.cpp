#include "broker/core/ended_log.h"

#include <algorithm>

namespace framebus::broker {
namespace {

// The watches of a job, the one that is furthest behind first.
std::vector<WatchState*> by_position(State& state, const Job& job) {
  std::vector<WatchState*> watches;
  for (const WatchKey& key : job.watches) {
    const auto entry = state.watches.find(key);
    if (entry != state.watches.end()) watches.push_back(&entry->second);
  }
  std::sort(watches.begin(), watches.end(),
            [](const WatchState* a, const WatchState* b) { return a->position < b->position; });
  return watches;
}

}  // namespace

bool is_stale(const Job& job, const EndedTask& ended) {
  return job.tasks[ended.index].ended_lsn != ended.lsn;
}

void prune_ended(State& state, Job& job) {
  const std::size_t current = job.tasks.size() - job.open_tasks();
  if (job.ended.size() - current <= current) return;
  const std::vector<WatchState*> watches = by_position(state, job);
  auto watch = watches.begin();
  std::vector<EndedTask> kept;
  kept.reserve(current);
  for (std::size_t at = 0; at <= job.ended.size(); ++at) {
    for (; watch != watches.end() && (*watch)->position == at; ++watch) {
      (*watch)->position = kept.size();
    }
    if (at < job.ended.size() && !is_stale(job, job.ended[at])) kept.push_back(job.ended[at]);
  }
  // What was left of the record that a watch stands in may have gone: then it was told all of it.
  for (WatchState* each : watches) {
    const std::size_t next = each->position;
    if (next == 0 || (next < kept.size() && kept[next].lsn == kept[next - 1].lsn)) continue;
    each->seen_lsn = std::max(each->seen_lsn, kept[next - 1].lsn);
  }
  job.ended = std::move(kept);
}

}  // namespace framebus::broker
