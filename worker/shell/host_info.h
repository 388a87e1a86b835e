// What this host is and how busy it is, from /proc and the C library.
//
// Nothing is invented: what can not be read stays 0 or empty. Thread rule: LoadMeter belongs to one
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libmsg/schema/parts.h"

namespace framebus::worker {

std::string host_name();

// The CPU as one device: model name of /proc/cpuinfo, memory of /proc/meminfo.
std::vector<DeviceInfo> host_devices();

// CPU threads this process may run on (its affinity), at least 1.
unsigned usable_threads();

struct MemoryBytes {
  std::uint64_t total = 0;
  std::uint64_t available = 0;
};
MemoryBytes parse_meminfo(const std::string& text);

// Share of time that all cores together were not idle, between two readings of /proc/stat.
class LoadMeter {
 public:
  // cpu_permille and memory_permille; the first call has no earlier reading and tells the mean
  // since boot. About 0.1 ms.
  LoadReport sample();
  // The same for texts of /proc/stat and /proc/meminfo.
  LoadReport sample(const std::string& stat, const std::string& meminfo);

 private:
  std::uint64_t busy_ = 0;
  std::uint64_t all_ = 0;
};

}  // namespace framebus::worker
