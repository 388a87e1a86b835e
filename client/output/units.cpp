#include "client/output/units.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace framebus::client {
namespace {

template <class... Values>
std::string printed(const char* format, Values... values) {
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, format, values...);
  return buffer;
}

}  // namespace

std::string duration_text(Duration duration) {
  const double total_s = std::max(0.0, std::chrono::duration<double>(duration).count());
  if (total_s < 0.0995) return printed("%dms", static_cast<int>(total_s * 1000 + 0.5));
  if (total_s < 9.95) return printed("%.1fs", total_s);
  const auto s = static_cast<long long>(std::llround(total_s));
  if (s < 60) return printed("%llds", s);
  if (s < 3600) return printed("%lldm %02llds", s / 60, s % 60);
  if (s < 86'400) return printed("%lldh %02lldm", s / 3600, s / 60 % 60);
  return printed("%lldd %02lldh", s / 86'400, s / 3600 % 24);
}

std::string clock_text(Duration duration) {
  const auto s = std::max<long long>(0, std::chrono::duration_cast<seconds>(duration).count());
  if (s < 3600) return printed("%lld:%02lld", s / 60, s % 60);
  return printed("%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
}

std::string size_text(std::uint64_t bytes) {
  static constexpr const char* unit[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1024) return printed("%llu B", static_cast<unsigned long long>(bytes));
  double value = static_cast<double>(bytes);
  std::size_t i = 0;
  while (value >= 1023.95 && i + 1 < std::size(unit)) {
    value /= 1024;
    ++i;
  }
  return printed(value < 99.95 ? "%.1f %s" : "%.0f %s", value, unit[i]);
}

std::string grouped(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

std::string count_text(std::uint64_t count, const std::string& singular) {
  return grouped(count) + " " + singular + (count == 1 ? "" : "s");
}

std::string rate_text(double per_second) {
  if (per_second >= 99.5) return grouped(static_cast<std::uint64_t>(std::llround(per_second)));
  if (per_second >= 9.95) return printed("%.0f", per_second);
  return printed(per_second >= 0.995 ? "%.1f" : "%.2f", per_second);
}

std::string percent_text(double fraction) {
  const double percent = std::clamp(fraction, 0.0, 1.0) * 100;
  return printed("%d%%", static_cast<int>(percent));
}

}  // namespace framebus::client
