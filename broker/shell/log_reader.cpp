// See log_reader.h.
#include "broker/shell/log_reader.h"

#include <algorithm>

#include "libmsg/base/limits.h"
#include "libmsg/schema/wire_error.h"

namespace framebus::broker {
namespace {

constexpr std::size_t reply_overhead_bytes = 256;  // of an answer beside its log

}  // namespace

void LogReader::reply(SessionId session, Message message, std::size_t bytes) {
  reply_bytes_ += bytes + reply_overhead_bytes;
  replies_.emplace_back(session, std::move(message));
}

std::vector<std::pair<SessionId, Message>> LogReader::take() {
  reply_bytes_ = 0;
  return std::exchange(replies_, {});
}

void LogReader::go_on() {
  while (!postponed_.empty() && !is_full()) {
    const ReadLog next = std::move(postponed_.front());
    postponed_.pop_front();
    (void)answer(next, true);
  }
}

void LogReader::read(TimePoint now, const ReadLog& action) {
  const bool may_wait = action.open && action.read.follow && parked_.size() < options_.parked_max &&
                        parked_of_[action.session] < options_.parked_of_session_max;
  if (answer(action, !may_wait)) {
    if (parked_of_[action.session] == 0) parked_of_.erase(action.session);
    return;
  }
  ++parked_of_[action.session];
  parked_.emplace(action.read.task, Parked{action, now + options_.follow_max});
}

bool LogReader::answer(const ReadLog& action, bool even_if_empty) {
  if (is_full()) {
    postponed_.push_back(action);
    return true;
  }
  const LogRead& asked = action.read;
  LogData data;
  data.request = asked.request;
  data.task = asked.task;
  data.epoch = asked.epoch;
  data.grant = asked.grant;
  data.offset = asked.offset;
  if (asked.grant != 0) {
    auto piece = store_.read({asked.task, asked.epoch, asked.grant}, asked.offset,
                             limits::log_chunk_bytes_max);
    if (!piece) {
      reply(action.session, error_reply(asked.request, piece.error()), 0);
      return true;
    }
    data.offset = piece->offset;
    data.bytes = std::move(piece->bytes);
    data.size = piece->size;
  }
  if (data.bytes.empty() && !even_if_empty) return false;
  data.end = !action.open && data.offset + data.bytes.size() >= data.size;
  const std::size_t bytes = data.bytes.size();
  reply(action.session, std::move(data), bytes);
  return true;
}

void LogReader::stored(const LogName& name) {
  auto [next, last] = parked_.equal_range(name.task);
  while (next != last) {
    const auto current = next++;
    const LogRead& asked = current->second.action.read;
    // Who asked before the task was ever granted is told that it is now: by asking again.
    const bool was_ungranted = asked.grant == 0;
    if (!was_ungranted && (asked.epoch != name.epoch || asked.grant != name.grant)) continue;
    if (answer(current->second.action, was_ungranted)) release(current);
  }
}

void LogReader::ended(const LogName& name) {
  auto [next, last] = parked_.equal_range(name.task);
  while (next != last) {
    const auto current = next++;
    ReadLog& action = current->second.action;
    if (action.read.epoch != name.epoch || action.read.grant != name.grant) continue;
    action.open = false;
    (void)answer(action, true);
    release(current);
  }
}

void LogReader::forget(SessionId session) {
  std::erase_if(postponed_, [session](const ReadLog& each) { return each.session == session; });
  if (!parked_of_.contains(session)) return;
  std::erase_if(parked_,
                [session](const auto& each) { return each.second.action.session == session; });
  parked_of_.erase(session);
}

void LogReader::expire(TimePoint now) {
  for (auto next = parked_.begin(); next != parked_.end();) {
    const auto current = next++;
    if (current->second.deadline > now) continue;
    (void)answer(current->second.action, true);
    release(current);
  }
}

std::optional<TimePoint> LogReader::next_deadline() const {
  std::optional<TimePoint> earliest;
  for (const auto& [task, parked] : parked_) {
    if (!earliest || parked.deadline < *earliest) earliest = parked.deadline;
  }
  return earliest;
}

void LogReader::release(ParkedReaders::iterator parked) {
  const auto count = parked_of_.find(parked->second.action.session);
  if (--count->second == 0) parked_of_.erase(count);
  parked_.erase(parked);
}

}  // namespace framebus::broker
