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
    std::uint64_t stamp = 0;  // counts what was set here, in the order in which it was
  };

  // `version` grows with every preparation; one that was overtaken by a newer one of its name
  // changes nothing.
  void set(const std::string& name, std::uint64_t version, Bytes payload) {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[name];
    if (version < entry.version) return;
    entry = {name, version, std::move(payload), ++last_stamp_};
  }
  std::optional<Bytes> get(std::string_view name) const {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(std::string(name));
    if (found == entries_.end()) return std::nullopt;
    return found->second.payload;
  }
  // Those set after the one with that stamp, in the order in which they were. Not by version: one
  // that took long to prepare comes behind newer ones of other names and has to be told all the
  // same.
  std::vector<Entry> since(std::uint64_t stamp) const {
    const std::lock_guard lock(mutex_);
    std::map<std::uint64_t, const Entry*> later;
    for (const auto& [name, entry] : entries_)
      if (entry.stamp > stamp) later[entry.stamp] = &entry;
    std::vector<Entry> list;
    for (const auto& [number, entry] : later) list.push_back(*entry);
    return list;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
  std::uint64_t last_stamp_ = 0;
};

}  // namespace framebus::worker
