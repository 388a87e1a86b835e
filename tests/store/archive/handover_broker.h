// A broker of one thread on one disk that can crash: the real core, commit pipeline, journal and
// archive, one worker and one primary made of function calls.
//
// It carries out the core's actions as the broker's shell does. What the peers were told is the
// truth that the tests hold the disk to, so it outlives every broker (Told). No sockets, no blobs.
// Thread rule: one thread.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "broker/core/core.h"
#include "broker/shell/commit_pipeline.h"
#include "broker/store/archive/archive.h"
#include "tests/store/stepped_store.h"

namespace framebus::broker::test {

// What no crash may take back.
struct Told {
  std::map<std::string, JobId> jobs;  // accepted, by name
  std::map<TaskRef, Bytes> results;   // confirmed to the worker, of those that succeeded
  std::set<JobId> retried;            // a retry was confirmed
  std::vector<std::string> wrong;
  TimePoint now{seconds(1'000)};
  std::uint64_t epoch = 0;
  std::uint64_t requests = 0;
};

inline const std::string fails_at_first = "fails";

class HandoverBroker {
 public:
  // `vfs`: SQLite's name for `disk`. `is_hasty`: a job counts as archived before it is.
  HandoverBroker(Disk& disk, const char* vfs, Told& told, bool is_hasty);

  // Reads journal and archive. An error: it does not start.
  Status start();
  // False: the disk is gone.
  bool is_up() const { return is_up_; }
  void submit(const std::string& name, std::uint32_t tasks);
  void retry(JobId job);
  // Time passes in heartbeats until it is over or the disk is gone.
  void pass(Duration time);
  // Everything that counts no more leaves the journal.
  void compact();

  std::uint64_t compactions() const { return store_.stats().compactions; }
  const State& state() const { return core_->state(); }
  JobArchive& archive() { return *archive_; }
  // The ids that a person sees in the list of the broker's jobs.
  std::vector<JobId> listed();

 private:
  void step(const Event& event);
  void settle();
  void carry_out(Action&& action);
  void receive(const Message& message);
  void answer_assign(const Assign& assign);
  void put(const Archive& action);
  void beat();

  Disk& disk_;
  const char* vfs_;
  Told& told_;
  const bool is_hasty_;
  testing::SteppedStore store_;
  std::unique_ptr<JobArchive> archive_;
  std::unique_ptr<CommitPipeline> pipeline_;
  std::unique_ptr<Core> core_;
  std::deque<Event> events_;
  std::map<std::uint64_t, std::string> submits_;  // by request
  std::map<std::uint64_t, JobId> retries_;        // by request
  std::map<TaskRef, Bytes> reported_;             // not confirmed
  std::deque<JobImage> late_pieces_;              // of a hasty one
  std::vector<JobId> last_list_;
  std::uint64_t beats_ = 0;
  bool is_up_ = false;
};

}  // namespace framebus::broker::test
