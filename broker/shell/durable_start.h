// What a start of the broker makes durable before anything else: its directory, its epoch, its key.
//
// An epoch that a successful start has told never comes again, and none goes back, whenever a start
// is cut short and whatever the disk forgets then; neither does the key change. All through a Disk,
// so that exactly this is tried (tests/broker/shell/durable_start_test.cpp). Does not lock: the
// caller has. Thread rule: one thread.
#pragma once

#include <cstdint>
#include <filesystem>

#include "libmsg/base/bytes.h"
#include "libmsg/base/result.h"
#include "libmsg/disk/disk.h"

namespace framebus::broker {

// Makes `data` and what is missing above it, mode 0700, every name synced.
Status make_durable_directory(Disk& disk, const std::filesystem::path& data);

struct EpochRule {
  std::uint64_t base = 0;           // of a directory that has no epoch yet; the first is one more
  std::filesystem::path forbidden;  // if this exists a missing epoch is data_loss; may be empty
};
// Reads DATA/epoch, raises it, and returns the new one once it is durable, and with it every name
// in DATA. data_loss: damaged.
Result<std::uint64_t> raise_epoch(Disk& disk, const std::filesystem::path& data,
                                  const EpochRule& rule);

// 16 random bytes. As long as they are: a key that is given to nobody.
Result<Bytes> make_token_key();
// Changes nothing: data_loss when there is a DATA/token.key and it is no key. Before raise_epoch(),
// so that a start that is refused for it leaves everything as it was.
Status check_token_key(Disk& disk, const std::filesystem::path& data);
// DATA/token.key, made and synced when it is missing; after raise_epoch(), which syncs the name of
// one that a start before did not live to sync. data_loss: it is no key.
Result<Bytes> load_token_key(Disk& disk, const std::filesystem::path& data);

}  // namespace framebus::broker
