#include "client/commands/log_follower.h"

#include "client/output/words.h"

namespace framebus::client {

std::optional<LogRead> LogFollower::next_read() const {
  if (step_ != Step::read) return {};
  LogRead read;
  read.task = choice_.task;
  read.epoch = grant_ != 0 ? epoch_ : choice_.epoch;
  read.grant = grant_ != 0 ? grant_ : choice_.grant;
  read.offset = offset_;
  read.follow = choice_.follow;
  return read;
}

std::optional<LogPiece> LogFollower::on_data(const LogData& data) {
  is_idle_ = data.bytes.empty() && !data.end;
  if (data.grant == 0) {
    if (!choice_.follow) step_ = Step::over;
    // A task that was never granted may have ended all the same (cancelled, expired).
    if (choice_.follow) step_ = Step::ask_task;
    return {};
  }
  was_granted_ = true;
  epoch_ = data.epoch;
  grant_ = data.grant;
  std::optional<LogPiece> piece;
  const bool has_gap =
      data.offset > offset_ && (!data.bytes.empty() || data.end || !choice_.follow);
  if (!data.bytes.empty() || has_gap) {
    piece = LogPiece{};
    piece->task = choice_.task;
    piece->epoch = data.epoch;
    piece->grant = data.grant;
    piece->offset = data.offset;
    piece->gap_bytes = has_gap ? data.offset - offset_ : 0;
    piece->bytes = data.bytes;
    offset_ = data.offset + data.bytes.size();
  }
  const bool is_read =
      data.end || (!choice_.follow && (data.bytes.empty() || offset_ >= data.size));
  if (is_read) step_ = choice_.follow && choice_.grant == 0 ? Step::ask_task : Step::over;
  return piece;
}

void LogFollower::on_task(const TaskSummary& task) {
  // Grants are numbered anew in each epoch of the broker.
  const bool is_new = !task.attempts.empty() && (task.attempts.back().grant != grant_ ||
                                                 task.attempts.back().epoch != epoch_);
  if (is_terminal(task.state)) {
    // An attempt that came and ended meanwhile is still to be read.
    if (!is_new || choice_.grant != 0) {
      step_ = Step::over;
      return;
    }
  } else if (!is_new) {
    is_idle_ = true;  // waits for its next attempt
    return;
  }
  step_ = Step::read;
  is_idle_ = false;
  epoch_ = task.attempts.back().epoch;
  grant_ = task.attempts.back().grant;
  offset_ = 0;
}

}  // namespace framebus::client
