#include "tests/sim/sim_logs.h"

#include <algorithm>

namespace framebus::sim {
namespace {

constexpr std::size_t answer_bytes_max = 4096;

}  // namespace

std::uint8_t log_byte(const TaskRef& task, std::uint64_t epoch, std::uint64_t grant,
                      std::uint64_t offset) {
  const std::uint64_t mixed =
      (task.job.value * 31 + task.index) * 31 + epoch * 7 + grant * 13 + offset * 17;
  return static_cast<std::uint8_t>('a' + mixed % 26);
}

Bytes log_bytes(const TaskRef& task, std::uint64_t epoch, std::uint64_t grant, std::uint64_t offset,
                std::size_t count) {
  Bytes bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = log_byte(task, epoch, grant, offset + i);
  return bytes;
}

std::optional<std::string> wrong_log(const TaskRef& task, std::uint64_t epoch, std::uint64_t grant,
                                     std::uint64_t offset, BytesView bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if (bytes[i] != log_byte(task, epoch, grant, offset + i))
      return "a log has the bytes that its attempt wrote: task " + to_string(task) + " grant " +
             std::to_string(epoch) + "." + std::to_string(grant) + " at " +
             std::to_string(offset + i);
  return std::nullopt;
}

std::optional<std::string> SimLogs::store(const broker::StoreLog& action, bool may_gap) {
  if (auto wrong = wrong_log(action.task, action.epoch, action.grant, action.offset, action.bytes))
    return wrong;
  std::uint64_t& size = sizes_[{action.task, action.epoch, action.grant}];
  if (action.offset > size && !may_gap)
    return "a log has no gap: task " + to_string(action.task) + " has " + std::to_string(size) +
           " bytes, then come those from " + std::to_string(action.offset);
  size = std::max(size, action.offset + action.bytes.size());
  stored_bytes_ += action.bytes.size();
  return std::nullopt;
}

LogData SimLogs::read(const broker::ReadLog& action) const {
  const LogRead& read = action.read;
  LogData data{read.request, read.task, read.epoch, read.grant, read.offset, {}, 0, false};
  data.size = size(read.task, read.epoch, read.grant);
  if (read.offset < data.size) {
    const std::size_t count = std::min<std::uint64_t>(data.size - read.offset, answer_bytes_max);
    data.bytes = log_bytes(read.task, read.epoch, read.grant, read.offset, count);
  }
  data.end = !action.open && read.offset + data.bytes.size() >= data.size;
  return data;
}

void SimLogs::drop(JobId job) {
  std::erase_if(sizes_, [job](const auto& each) { return std::get<0>(each.first).job == job; });
}

std::uint64_t SimLogs::size(const TaskRef& task, std::uint64_t epoch, std::uint64_t grant) const {
  const auto found = sizes_.find({task, epoch, grant});
  return found == sizes_.end() ? 0 : found->second;
}

}  // namespace framebus::sim
