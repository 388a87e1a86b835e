// The journal as a Store: one thread writes and syncs what has come together (pipelined group
// commit), another prepares segments and compacts.
//
// Thread rule: as Store; `on_progress` runs on the store's own thread and must return at once.
#pragma once

#include <functional>
#include <memory>

#include "broker/store/journal/journal.h"
#include "broker/store/store.h"
#include "libmsg/base/limits.h"

namespace framebus::broker {

struct JournalStoreOptions {
  journal::JournalOptions journal;
  std::size_t backlog_bytes_max = limits::journal_backlog_bytes_max;  // appended and not durable
  // The records of one append() go into as many batches as this asks for (half a segment, so that
  // the segments kept ready are used): an archived job that comes back may be larger than what a
  // batch can hold.
  std::size_t batch_bytes_max = 32 * limits::MiB;
  Duration seal_after = milliseconds(10);  // without anything to write
  Duration space_check_interval = seconds(1);
  Duration space_retry_interval = milliseconds(200);  // when a write had no room
};

// `disk` must outlive the store. Nothing is opened before replay(), whose errors are those of
// journal::Journal::replay(). A salt of 0 is drawn at random.
std::unique_ptr<Store> make_journal_store(Disk& disk, JournalStoreOptions options,
                                          std::function<void()> on_progress);

}  // namespace framebus::broker
