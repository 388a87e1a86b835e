// What primaries have prepared on this worker: the newest payload of each name, for executors.
//
// Bounded by the core: at most limits::sticky_commands_max names of
// limits::command_payload_bytes_max each. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libmsg/base/bytes.h"

namespace framebus::worker {

class PreparedStore {
 public:
  struct Entry {
    std::string name;
    std::uint64_t version = 0;
    Bytes payload;
  };

  // `version` grows with every preparation; one that was overtaken changes nothing.
  void set(const std::string& name, std::uint64_t version, Bytes payload) {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[name];
    if (version < entry.version) return;
    entry = {name, version, std::move(payload)};
  }
  std::optional<Bytes> get(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(std::string(name));
    if (found == entries_.end()) return std::nullopt;
    return found->second.payload;
  }
  // Those newer than `version`, oldest first.
  std::vector<Entry> since(std::uint64_t version) const {
    const std::lock_guard lock(mutex_);
    std::map<std::uint64_t, const Entry*> newer;
    for (const auto& [name, entry] : entries_)
      if (entry.version > version) newer[entry.version] = &entry;
    std::vector<Entry> list;
    for (const auto& [number, entry] : newer) list.push_back(*entry);
    return list;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

}  // namespace framebus::worker
