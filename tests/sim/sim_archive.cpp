#include "tests/sim/sim_archive.h"

#include "libmsg/base/check.h"

namespace framebus::sim {
namespace {

constexpr Duration work_max = milliseconds(150);
constexpr Duration forgetful_commit = seconds(20);

}  // namespace

void SimArchive::crash() {
  ++life_;
  answer_ = nullptr;
}

void SimArchive::answer_later(broker::Event event) {
  world_.after(random_.between(Duration{0}, work_max),
               [this, event = std::move(event), life = life_] {
                 if (life == life_ && answer_) answer_(event);
               });
}

void SimArchive::put(const broker::Archive& action) {
  const broker::JobImage& piece = action.piece;
  if (world_.now() < failing_until_) {
    const char* error = bug_ == Bug::swallowed_archive_error ? "" : "the disk is full";
    return answer_later(broker::Archived{piece.job, piece.first_task, error});
  }
  if (bug_ == Bug::stale_archive && has_all(piece.job))
    return answer_later(broker::Archived{piece.job, piece.first_task, ""});
  const bool forgets = bug_ == Bug::forgetful_archive;
  if (forgets) answer_later(broker::Archived{piece.job, piece.first_task, ""});
  const Duration takes = forgets ? forgetful_commit : random_.between(Duration{0}, work_max);
  world_.after(takes, [this, piece, forgets, life = life_] {
    if (life != life_) return;
    jobs_[piece.job][piece.first_task] = piece;
    if (!forgets) answer_later(broker::Archived{piece.job, piece.first_task, ""});
  });
}

void SimArchive::load(const broker::LoadArchived& action) {
  broker::ArchiveLoaded loaded{action.job, {}, ""};
  if (world_.now() < failing_until_) {
    loaded.error = "the disk can not be read";
  } else if (const auto found = jobs_.find(action.job); found != jobs_.end()) {
    for (const auto& [first, piece] : found->second) loaded.pieces.push_back(piece);
  }
  answer_later(std::move(loaded));
}

QueryReply SimArchive::list(const Query& query) const {
  QueryReply reply;
  reply.request = query.request;
  reply.total = static_cast<std::uint32_t>(jobs_.size());
  return reply;
}

bool SimArchive::has_all(JobId job) const {
  const auto found = jobs_.find(job);
  if (found == jobs_.end()) return false;
  std::uint32_t next = 0;
  bool is_whole = false;
  for (const auto& [first, piece] : found->second) {
    if (first != next) return false;
    for (const broker::TaskImage& task : piece.tasks) {
      if (task.index != next) return false;
      next += task.count == 0 ? 1 : task.count;
    }
    is_whole = piece.last && next == piece.task_count;
  }
  return is_whole;
}

TaskState SimArchive::state_of(const TaskRef& ref) const {
  for (const auto& [first, piece] : jobs_.at(ref.job))
    for (const broker::TaskImage& task : piece.tasks)
      if (ref.index >= task.index && ref.index < task.index + std::max(task.count, 1u))
        return task.state;
  return TaskState::held;
}

}  // namespace framebus::sim
