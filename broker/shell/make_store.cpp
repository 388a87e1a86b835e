// See make_store.h.
#include "broker/shell/make_store.h"

#include "broker/store/journal/journal_store.h"

namespace framebus::broker {

std::unique_ptr<Store> make_store(const BrokerConfig& config, const DataDirectory& data, Disk& disk,
                                  std::uint64_t numbers_above, std::function<void()> wake) {
  if (config.ephemeral) return make_memory_store(Retain::nothing);
  JournalStoreOptions options;
  options.journal.directory = data.journal();
  options.journal.segment_bytes = config.journal_segment.bytes;
  options.backlog_bytes_max = config.journal_backlog.bytes;
  options.journal.free_bytes_min = config.disk_reserve.bytes;
  options.journal.forget_after = config.submit_ids_kept;
  options.journal.numbers_above = numbers_above;
  options.journal.salt = 0;  // drawn at random
  return make_journal_store(disk, std::move(options), std::move(wake));
}

}  // namespace framebus::broker
