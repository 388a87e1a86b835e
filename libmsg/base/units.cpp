// Durations, sizes and near misses of names as people write them: declared in config.h.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "libmsg/base/config.h"

namespace framebus {
namespace {

struct Unit {
  std::string_view name;
  double scale;  // nanoseconds or bytes
};

constexpr std::array<Unit, 8> duration_units{{{"d", 86400e9},
                                              {"h", 3600e9},
                                              {"m", 60e9},
                                              {"min", 60e9},
                                              {"s", 1e9},
                                              {"ms", 1e6},
                                              {"us", 1e3},
                                              {"ns", 1}}};
constexpr std::array<Unit, 11> size_units{{{"B", 1},
                                           {"KiB", 1024.0},
                                           {"MiB", 1048576.0},
                                           {"GiB", 1073741824.0},
                                           {"TiB", 1099511627776.0},
                                           {"kB", 1e3},
                                           {"KB", 1e3},
                                           {"MB", 1e6},
                                           {"GB", 1e9},
                                           {"TB", 1e12},
                                           {"", 1}}};

bool is_number_part(char c) {
  return (c >= '0' && c <= '9') || c == '.';
}

// A number and the unit behind it.
struct Part {
  std::string_view digits;
  std::string_view unit;
  double number = 0;
};

// Takes "90s" off the front of "90s...". None when it does not begin with a number.
std::optional<Part> take_part(std::string_view& rest) {
  Part part;
  std::size_t digits = 0;
  while (digits < rest.size() && is_number_part(rest[digits])) ++digits;
  part.digits = rest.substr(0, digits);
  const auto [end, problem] =
      std::from_chars(rest.data(), rest.data() + digits, part.number, std::chars_format::fixed);
  if (digits == 0 || problem != std::errc{} || end != rest.data() + digits) return std::nullopt;
  rest.remove_prefix(digits);
  std::size_t letters = 0;
  while (letters < rest.size() && !is_number_part(rest[letters])) ++letters;
  part.unit = rest.substr(0, letters);
  rest.remove_prefix(letters);
  return part;
}

// The number times the unit, below 9.2e18. Whole numbers are multiplied as such: a double would
// round what is above 2^53.
std::int64_t scaled(const Part& part, double scale) {
  std::int64_t whole = 0, product = 0;
  const auto [end, problem] =
      std::from_chars(part.digits.data(), part.digits.data() + part.digits.size(), whole);
  const bool is_whole = problem == std::errc{} && end == part.digits.data() + part.digits.size();
  if (is_whole && !__builtin_mul_overflow(whole, static_cast<std::int64_t>(scale), &product))
    return product;
  return std::llround(part.number * scale);
}

tl::unexpected<Error> bad_duration(std::string_view text) {
  return fail(Code::invalid_argument,
              "'" + std::string(text.substr(0, 40)) +
                  "' is not a duration; write a number and a unit (d, h, m, s, ms, us, ns), "
                  "like 90s, 250ms or 1h30m");
}

tl::unexpected<Error> bad_size(std::string_view text) {
  return fail(
      Code::invalid_argument,
      "'" + std::string(text.substr(0, 40)) +
          "' is not a size; write bytes, or a number and a unit (B, KiB, MiB, GiB, TiB, kB, "
          "MB, GB, TB), like 8GiB or 4096");
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // Three rows are enough to count a swap of neighbours as one edit.
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, changed});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

std::string folded(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '-') c = '_';
  }
  return out;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  if (text == "0") return Duration{0};
  if (text.empty() || text.size() > 64) return bad_duration(text);
  std::string_view rest = text;
  double total = 0, smallest = 1e300;
  std::int64_t exact = 0;
  while (!rest.empty()) {
    const std::optional<Part> part = take_part(rest);
    if (!part) return bad_duration(text);
    const auto unit = std::find_if(duration_units.begin(), duration_units.end(),
                                   [&](const Unit& u) { return u.name == part->unit; });
    // Large units first and each once, so that 30m1h (a slip) is not taken for 1h30m.
    if (unit == duration_units.end() || unit->scale >= smallest) return bad_duration(text);
    smallest = unit->scale;
    total += part->number * unit->scale;
    if (total > 9.2e18)
      return fail(Code::invalid_argument,
                  "'" + std::string(text) + "' is too long; at most 292 years");
    exact += scaled(*part, unit->scale);
  }
  return Duration{exact};
}

std::string to_text(Duration duration) {
  std::int64_t left = duration.count();
  if (left == 0) return "0s";
  std::string out;
  // The most negative count has no positive twin; it is far outside what any configuration allows.
  if (left < 0) {
    out = "-";
    left = left == std::numeric_limits<std::int64_t>::min()
               ? std::numeric_limits<std::int64_t>::max()
               : -left;
  }
  for (const Unit& unit : duration_units) {
    if (unit.name == "min") continue;
    const auto scale = static_cast<std::int64_t>(unit.scale);
    if (left >= scale) out += std::to_string(left / scale) + std::string(unit.name);
    left %= scale;
  }
  return out;
}

Result<ByteSize> parse_size(std::string_view text) {
  std::string_view rest = text;
  std::optional<Part> part;
  if (text.size() <= 64) part = take_part(rest);
  if (!part || !rest.empty()) return bad_size(text);
  if (!part->unit.empty() && part->unit.front() == ' ') part->unit.remove_prefix(1);
  const auto unit = std::find_if(size_units.begin(), size_units.end(),
                                 [&](const Unit& u) { return u.name == part->unit; });
  if (unit == size_units.end() || (unit->scale == 1 && part->number != std::floor(part->number)))
    return bad_size(text);
  if (part->number * unit->scale > 9.2e18)
    return fail(Code::invalid_argument,
                "'" + std::string(text) + "' is too large; at most 8388607TiB");
  return ByteSize{static_cast<std::uint64_t>(scaled(*part, unit->scale))};
}

std::string to_text(ByteSize size) {
  if (size.bytes == 0) return "0B";
  for (const std::string_view name : {"TiB", "GiB", "MiB", "KiB", "TB", "GB", "MB", "kB"}) {
    const auto unit = std::find_if(size_units.begin(), size_units.end(),
                                   [&](const Unit& u) { return u.name == name; });
    const auto scale = static_cast<std::uint64_t>(unit->scale);
    if (size.bytes % scale == 0) return std::to_string(size.bytes / scale) + std::string(name);
  }
  return std::to_string(size.bytes) + "B";
}

std::string nearest_name(std::string_view name, const std::vector<std::string>& candidates) {
  if (name.empty() || name.size() > 64) return {};
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, name.size() / 3) + 1;
  const std::string wanted = folded(name);
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(wanted, folded(candidate));
    if (distance >= best_distance) continue;
    best_distance = distance;
    best = candidate;
  }
  return best;
}

}  // namespace framebus
