// The logs of attempts, simulated: what a log store would keep, with every byte checked.
//
// The bytes of an attempt's log follow from its token, so that anybody can tell a wrong one.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <tuple>

#include "broker/core/action.h"

namespace framebus::sim {

// The byte at `offset` of that attempt's log.
std::uint8_t log_byte(const TaskRef& task, std::uint64_t epoch, std::uint64_t grant,
                      std::uint64_t offset);
Bytes log_bytes(const TaskRef& task, std::uint64_t epoch, std::uint64_t grant, std::uint64_t offset,
                std::size_t count);
// A sentence when these are not the bytes of that log.
std::optional<std::string> wrong_log(const TaskRef& task, std::uint64_t epoch, std::uint64_t grant,
                                     std::uint64_t offset, BytesView bytes);

class SimLogs {
 public:
  // The broken rule, or none. `may_gap`: the network loses messages.
  std::optional<std::string> store(const broker::StoreLog& action, bool may_gap);
  LogData read(const broker::ReadLog& action) const;
  void drop(JobId job);
  // Bytes without a gap from the beginning.
  std::uint64_t size(const TaskRef& task, std::uint64_t epoch, std::uint64_t grant) const;
  std::uint64_t stored_bytes() const { return stored_bytes_; }

 private:
  using Key = std::tuple<TaskRef, std::uint64_t, std::uint64_t>;
  std::map<Key, std::uint64_t> sizes_;
  std::uint64_t stored_bytes_ = 0;
};

}  // namespace framebus::sim
