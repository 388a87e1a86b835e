#include "tests/sim/records_written.h"

#include "broker/core/durable_print.h"

namespace framebus::sim {

std::optional<std::string> RecordsWritten::compare(std::uint64_t lsn, TimePoint at,
                                                   const broker::Record& record) {
  if (lsn > read_up_to_ + 1) gaps_ = true;
  if (lsn <= read_up_to_) return "records are read back in order: lsn " + std::to_string(lsn);
  read_up_to_ = lsn;
  if (lsn > all_.size())
    return "nothing is read back that was not written: lsn " + std::to_string(lsn);
  const Written& written = all_[lsn - 1];
  if (written.record == record && written.at == at) return std::nullopt;
  return "a record is read back as it was written: lsn " + std::to_string(lsn) + " is " +
         broker::to_string(record) + ", was " + broker::to_string(written.record);
}

std::optional<std::string> RecordsWritten::recovered(std::uint64_t last) {
  if (last < durable_)
    return "what was synced survives a crash: " + std::to_string(durable_) + " were durable, " +
           std::to_string(last) + " are left";
  if (last > all_.size()) return "nothing is read back that was not written";
  all_.resize(last);
  durable_ = last;
  return std::nullopt;
}

std::string RecordsWritten::state_of_replay(const broker::Options& options) const {
  broker::Core core(options, 1);
  for (std::uint64_t lsn = 1; lsn <= all_.size(); ++lsn)
    core.restore(lsn, all_[lsn - 1].at, all_[lsn - 1].record);
  return durable_state(core);
}

std::string durable_state(const broker::Core& core) {
  return broker::durable_dump(core.state());
}

}  // namespace framebus::sim
