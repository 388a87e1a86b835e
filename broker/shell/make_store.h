// The store that the configuration asks for: the journal, or memory with --ephemeral.
// Thread rule: one thread; `wake` runs on the store's.
#pragma once

#include <functional>
#include <memory>

#include "broker/shell/config.h"
#include "broker/shell/data_directory.h"
#include "broker/store/store.h"
#include "libmsg/disk/disk.h"

namespace framebus::broker {

// Nothing is opened before replay(). `disk` must outlive the store. `numbers_above`: records get
// higher numbers than this, whatever the journal has.
std::unique_ptr<Store> make_store(const BrokerConfig& config, const DataDirectory& data, Disk& disk,
                                  std::uint64_t numbers_above, std::function<void()> wake);

}  // namespace framebus::broker
