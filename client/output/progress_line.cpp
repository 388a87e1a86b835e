#include "client/output/progress_line.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "client/output/style.h"
#include "client/output/text.h"
#include "client/output/units.h"

namespace framebus::client {
namespace {

constexpr std::string_view eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
constexpr std::size_t bar_columns_min = 10, bar_columns_max = 40, name_columns_max = 28;

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

struct Segment {
  std::string text;
  Style style = Style::plain;
  unsigned importance = 0;  // smaller is left out first
  bool is_shown = true;
};

std::vector<Segment> segments_after_bar(const ProgressSnapshot& s) {
  std::vector<Segment> out;
  out.push_back({right(percent_text(s.fraction), 4), Style::bold, 9});
  out.push_back({grouped(s.ended()) + "/" + grouped(s.total), Style::plain, 8});
  if (s.failed > 0) out.push_back({grouped(s.failed) + " failed", Style::failed, 7});
  if (s.tasks_per_s > 0) out.push_back({rate_text(s.tasks_per_s) + "/s", Style::plain, 4});
  if (s.remaining && s.ended() < s.total)
    out.push_back({"ETA " + duration_text(*s.remaining), Style::running, 6});
  if (s.workers) {
    out.push_back({*s.workers == 0 ? "no workers" : count_text(*s.workers, "worker"),
                   *s.workers == 0 ? Style::failed : Style::plain, *s.workers == 0 ? 7u : 3u});
  }
  out.push_back({clock_text(s.elapsed), Style::dim, 2});
  if (!s.note.empty()) out.push_back({one_line(s.note), Style::held, 6});
  return out;
}

}  // namespace

std::string bar(const BarParts& parts, std::size_t columns, const BarLook& look) {
  const double total = std::max(parts.total, 1e-9);
  const auto width = static_cast<double>(columns);
  // Positions in eighths of a column; each part begins where the one before ended, so sums never
  // exceed.
  const auto position = [&](double until) {
    return static_cast<std::size_t>(
        std::floor(std::clamp(until / total, 0.0, 1.0) * width * 8 + 1e-6));
  };
  const std::size_t done_end = position(parts.done),
                    failed_end = position(parts.done + parts.failed),
                    running_end = position(parts.done + parts.failed + parts.running);
  if (!look.has_unicode) {
    const std::size_t done = done_end / 8, failed = failed_end / 8, running = (running_end + 7) / 8;
    const std::size_t run_end = std::min(std::max(running, failed), columns);
    return painted(repeated("#", done), Style::done, look.has_colour) +
           painted(repeated("!", failed - done), Style::failed, look.has_colour) +
           painted(repeated("-", run_end - failed), Style::running, look.has_colour) +
           repeated(".", columns - run_end);
  }
  std::size_t used = done_end / 8;
  std::string out = painted(repeated("█", used), Style::done, look.has_colour);
  if (parts.failed > 0) {
    // At least one column: a single failure among thousands must be seen.
    const std::size_t failed = std::max<std::size_t>(failed_end / 8 - used, used < columns ? 1 : 0);
    out += painted(repeated("█", failed), Style::failed, look.has_colour);
    used += failed;
  } else if (done_end % 8 != 0) {
    out += painted(eighths[done_end % 8], Style::done, look.has_colour);
    ++used;
  }
  const std::size_t run_until = std::min(std::max((running_end + 7) / 8, used), columns);
  out += painted(repeated("▒", parts.running > 0 ? run_until - used : 0), Style::running,
                 look.has_colour);
  if (parts.running > 0) used = run_until;
  out += painted(repeated("░", columns - used), Style::dim, look.has_colour);
  return out;
}

std::string progress_line(const ProgressSnapshot& s, const Terminal& terminal) {
  const std::size_t width = terminal.columns > 1 ? terminal.columns - 1 : 200;
  std::vector<Segment> segments = segments_after_bar(s);
  std::string name = clipped(one_line(s.name), name_columns_max);
  const auto used = [&] {
    std::size_t columns = name.empty() ? 0 : column_count(name) + 2;
    bool is_first = true;
    for (const Segment& segment : segments) {
      if (!segment.is_shown) continue;
      columns += column_count(segment.text) + (is_first ? 0 : 2);
      is_first = false;
    }
    return columns;
  };
  const auto leave_out_least = [&] {
    Segment* least = nullptr;
    for (Segment& segment : segments)
      if (segment.is_shown && segment.importance < 9 &&
          (!least || segment.importance < least->importance))
        least = &segment;
    if (least) least->is_shown = false;
    return least != nullptr;
  };
  // The name shrinks first, then goes; then segments go; the bar goes last, when even the
  // percentage has no room.
  constexpr std::size_t with_bar = bar_columns_min + 2;
  if (used() + with_bar > width && column_count(name) > 12) name = clipped(name, 12);
  while (used() + with_bar > width) {
    const bool has_small_ones =
        std::any_of(segments.begin(), segments.end(),
                    [](const Segment& each) { return each.is_shown && each.importance <= 5; });
    if (!has_small_ones && !name.empty()) {
      name.clear();
    } else if (!leave_out_least()) {
      break;
    }
  }
  std::string out = name.empty() ? "" : painted(name, Style::bold, terminal.has_colour) + "  ";
  if (used() + with_bar <= width) {
    const std::size_t columns = std::min(width - used() - 2, bar_columns_max);
    const double unit = s.total > 0 ? s.total : 1;
    // Running tasks count as done by their progress; what they lack is shaded.
    const double done = std::max(0.0, s.fraction * unit - s.failed - s.stopped);
    const double rest = std::max(0.0, static_cast<double>(s.succeeded) + s.running - done);
    out += bar({unit, done, static_cast<double>(s.failed), rest}, columns,
               {terminal.has_unicode, terminal.has_colour}) +
           "  ";
  }
  bool is_first = true;
  for (const Segment& segment : segments) {
    if (!segment.is_shown) continue;
    out += (is_first ? "" : "  ") + painted(segment.text, segment.style, terminal.has_colour);
    is_first = false;
  }
  return out;
}

std::string upload_line(const UploadCounts& upload, const Terminal& terminal) {
  std::string line = "sending inputs: " + std::to_string(upload.files_done) + " of " +
                     count_text(upload.files, "file") + ", " + size_text(upload.bytes_done) +
                     " of " + size_text(upload.bytes);
  if (upload.files_done >= upload.files)
    line = "sending the job: " + grouped(upload.parts_done) + " of " +
           count_text(upload.parts, "part");
  return terminal.columns > 1 ? clipped(line, terminal.columns - 1) : line;
}

std::string progress_sentence(const ProgressSnapshot& s) {
  std::string out = "job " + std::to_string(s.job) + ": " + percent_text(s.fraction) + " (" +
                    grouped(s.ended()) + " of " + count_text(s.total, "task") + ")";
  if (s.failed > 0) out += ", " + grouped(s.failed) + " failed";
  if (s.running > 0) out += ", " + grouped(s.running) + " running";
  if (s.tasks_per_s > 0) out += ", " + rate_text(s.tasks_per_s) + " tasks/s";
  if (s.remaining && s.ended() < s.total) out += ", " + duration_text(*s.remaining) + " left";
  if (s.workers)
    out += ", " + (*s.workers == 0 ? std::string("no workers") : count_text(*s.workers, "worker"));
  if (!s.note.empty()) out += "; " + one_line(s.note);
  return out;
}

}  // namespace framebus::client
