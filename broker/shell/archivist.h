// The thread that keeps the archive: takes pieces, answers loads and lists, removes what is old.
//
// The loop posts and goes on; results wait in take(), and `wake` (any thread) says that there are
// some. An archive that is slow, full or damaged costs errors in those results and nothing else.
// Thread rule: everything but the constructor's `wake` is for the loop's thread; work posted with
// post() runs on this thread. The destructor finishes the work at hand, drops the rest and joins.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "broker/core/action.h"
#include "broker/core/event.h"
#include "broker/store/archive/archive.h"
#include "libmsg/base/limits.h"
#include "libmsg/base/time.h"

namespace framebus::broker {

struct ArchivistOptions {
  Duration keep = std::chrono::hours(90 * 24);  // after the end of a job
  std::uint64_t bytes_max = 0;                  // of the file; 0: no bound
  Duration remove_every = std::chrono::minutes(10);
  std::size_t waiting_max = limits::archive_requests_max;  // not yet begun
  std::function<std::int64_t()> wall_ms;  // ms since 1970; on the archivist's thread; none: system
};

// What has come together since the last take().
struct ArchivistResults {
  std::vector<Event> events;                           // Archived, ArchiveLoaded: for the core
  std::vector<std::pair<SessionId, Message>> replies;  // to ListArchived: for Delivery::send
  std::vector<JobId> removed;                          // left the archive: their logs may go
};

class Archivist {
 public:
  using Work = std::function<void(JobArchive&)>;

  Archivist(std::unique_ptr<JobArchive> archive, ArchivistOptions options,
            std::function<void()> wake);
  ~Archivist();
  Archivist(const Archivist&) = delete;
  Archivist& operator=(const Archivist&) = delete;

  // The caller has waited for `after_lsn`. Always answered by an Archived.
  void put(Archive&& action);
  // Always answered by an ArchiveLoaded.
  void load(const LoadArchived& action);
  // Always answered by a QueryReply or an ErrorReply.
  void list(const ListArchived& action);
  // False when too much waits.
  bool post(Work work);
  // Times that too much waited; whoever asked got an answer that says so.
  std::uint64_t refused() const;

  ArchivistResults take();

 private:
  void run();
  bool tidy_up();
  void remove_old(std::int64_t now_ms);
  void add(const std::function<void(ArchivistResults&)>& fill);

  std::unique_ptr<JobArchive> archive_;
  const ArchivistOptions options_;
  const std::function<void()> wake_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Work> waiting_;
  ArchivistResults results_;
  std::uint64_t refused_ = 0;
  bool stopping_ = false;

  // The thread's own.
  std::vector<std::pair<JobId, std::int64_t>> loaded_;  // and when: not removed soon after
  std::int64_t next_removal_ms_ = 0;
  std::int64_t next_cleaning_ms_ = 0;
  std::thread thread_;
};

}  // namespace framebus::broker
