// A watch of one job, or of all. It holds no events: it walks the job's log of ended tasks and the
// job's log of changes, so a slow watcher costs a few numbers, and nothing at each change: one
// whose window is full is `asleep` (not in Job::awake) until it confirms.
#pragma once

#include <cstdint>
#include <map>
#include <set>

#include "libmsg/base/ids.h"

namespace framebus::broker {

// Tasks that changed without ending, once each, in the order of their last change: the latest
// `changes_kept` of them. Empty while nobody watches.
class ChangeLog {
 public:
  void note(std::uint32_t task) {
    const auto [entry, is_new] = number_of_.try_emplace(task, next_);
    if (!is_new) {
      by_number_.erase(entry->second);
      entry->second = next_;
    }
    by_number_.emplace(next_++, task);
    if (by_number_.size() > changes_kept) {
      number_of_.erase(by_number_.begin()->second);
      by_number_.erase(by_number_.begin());
    }
  }
  // The first change from number `position` on: moves `position` behind it. False: there is none.
  bool next(std::uint64_t& position, std::uint32_t& task) const {
    const auto entry = by_number_.lower_bound(position);
    if (entry == by_number_.end()) return false;
    task = entry->second;
    position = entry->first + 1;
    return true;
  }
  bool has_after(std::uint64_t position) const {
    return !by_number_.empty() && by_number_.rbegin()->first >= position;
  }
  std::uint64_t end() const { return next_; }
  std::size_t size() const { return by_number_.size(); }
  void clear() {
    by_number_.clear();
    number_of_.clear();
  }

  static constexpr std::size_t changes_kept = 4096;

 private:
  std::map<std::uint64_t, std::uint32_t> by_number_;
  std::map<std::uint32_t, std::uint64_t> number_of_;
  std::uint64_t next_ = 0;
};

struct WatchState {
  JobId job;  // none: every job's state
  bool results = false;
  bool live = false;            // the replay is over and said so
  bool job_changed = true;      // its summary is to be told
  std::size_t position = 0;     // in Job::ended: the next to be told
  std::uint64_t changes = 0;    // in Job::changes: the next to be told
  std::uint64_t progress = 0;   // in Job::progressed
  std::uint64_t seen_lsn = 0;   // everything up to it was told
  std::uint64_t sequence = 0;   // Events messages sent
  std::uint64_t confirmed = 0;  // by EventsOk
  std::uint64_t after_lsn = 0;  // of its last message: the next must not overtake it
  std::set<JobId> jobs;         // all-jobs watch: summaries to be told
};

// Events messages of all watches made in one step; what is left follows in the next.
inline constexpr std::uint32_t watch_messages_per_step = 64;

}  // namespace framebus::broker
