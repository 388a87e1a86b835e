#include "worker/shell/host_info.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <thread>

#include "libmsg/base/limits.h"

namespace framebus::worker {
namespace {

std::string read_proc(const char* path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string cpu_model() {
  std::istringstream text(read_proc("/proc/cpuinfo"));
  for (std::string line; std::getline(text, line);) {
    const std::size_t colon = line.find(':');
    if (line.rfind("model name", 0) == 0 && colon != std::string::npos && colon + 2 <= line.size())
      return line.substr(colon + 2, limits::name_bytes_max);
  }
  return "CPU";
}

}  // namespace

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown-host";
  return name.data();
}

unsigned usable_threads() {
  return std::max(1u, std::thread::hardware_concurrency());
}

MemoryBytes parse_meminfo(const std::string& text) {
  MemoryBytes memory;
  std::istringstream lines(text);
  std::string key, unit;
  std::uint64_t kib = 0;
  while (lines >> key >> kib) {
    std::getline(lines, unit);
    if (key == "MemTotal:") memory.total = kib * 1024;
    if (key == "MemAvailable:") memory.available = kib * 1024;
  }
  return memory;
}

std::vector<DeviceInfo> host_devices() {
  const MemoryBytes memory = parse_meminfo(read_proc("/proc/meminfo"));
  DeviceInfo cpu;
  cpu.kind = "cpu";
  cpu.name = cpu_model();
  cpu.memory_total_bytes = memory.total;
  cpu.memory_free_bytes = memory.available;
  return {cpu};
}

LoadReport LoadMeter::sample() {
  return sample(read_proc("/proc/stat"), read_proc("/proc/meminfo"));
}

LoadReport LoadMeter::sample(const std::string& stat, const std::string& meminfo) {
  LoadReport load;
  std::istringstream line(stat);
  std::string word;
  line >> word;  // "cpu": user nice system idle iowait irq softirq steal; the guest columns are in
                 // user already
  std::array<std::uint64_t, 8> ticks{};
  for (std::uint64_t& each : ticks) line >> each;
  std::uint64_t all = 0;
  for (const std::uint64_t each : ticks) all += each;
  const std::uint64_t busy = all - ticks[3] - ticks[4];
  if (all > all_ && busy >= busy_)
    load.cpu_permille = static_cast<std::uint32_t>((busy - busy_) * 1000 / (all - all_));
  all_ = all;
  busy_ = busy;
  const MemoryBytes memory = parse_meminfo(meminfo);
  if (memory.total > 0 && memory.available <= memory.total)
    load.memory_permille =
        static_cast<std::uint32_t>((memory.total - memory.available) * 1000 / memory.total);
  return load;
}

}  // namespace framebus::worker
