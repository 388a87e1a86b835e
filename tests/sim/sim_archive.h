// The archive of finished jobs, simulated: pieces are committed some time after they were handed
// over, and are answered for some time after that; a crash may come in between.
//
// Thread rule: one thread.
#pragma once

#include <functional>
#include <map>

#include "broker/core/action.h"
#include "broker/core/event.h"
#include "tests/sim/planted.h"
#include "tests/sim/world.h"

namespace framebus::sim {

class SimArchive {
 public:
  using Answer = std::function<void(broker::Event)>;
  SimArchive(World& world, Bug bug) : world_(world), bug_(bug), random_(world.stream(3)) {}

  // The broker's process has started: it hears the answers from now on.
  void open(Answer answer) { answer_ = std::move(answer); }
  // What was not committed is gone.
  void crash();
  void put(const broker::Archive& action);
  void load(const broker::LoadArchived& action);
  QueryReply list(const Query& query) const;
  void fail_for(Duration duration) { failing_until_ = world_.now() + duration; }

  // All of its tasks are there, once each.
  bool has_all(JobId job) const;
  // The state of a task of a job that has_all().
  TaskState state_of(const TaskRef& task) const;
  std::size_t jobs() const { return jobs_.size(); }

 private:
  using Pieces = std::map<std::uint32_t, broker::JobImage>;  // by first task
  void answer_later(broker::Event event);

  World& world_;
  const Bug bug_;
  Random random_;
  Answer answer_;
  std::uint64_t life_ = 0;
  TimePoint failing_until_{};
  std::map<JobId, Pieces> jobs_;
};

}  // namespace framebus::sim
