#include "client/commands/selector.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "libmsg/base/limits.h"

namespace framebus::client {
namespace {

constexpr std::uint64_t jobs_max = 10'000;
constexpr std::string_view allowed =
    "allowed are last, all, a job (3), jobs (3,5-8), a task (3:17) or tasks (3:2,5-9)";

tl::unexpected<Error> wrong(std::string_view whole, const std::string& what) {
  return fail(Code::invalid_argument, "selector \"" + std::string(whole.substr(0, 80)) +
                                          "\": " + what + "; " + std::string(allowed));
}

Result<std::uint64_t> number(std::string_view whole, std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty()) return wrong(whole, "a number is missing");
  if (error != std::errc() || end != text.data() + text.size()) {
    return wrong(whole,
                 std::string(1, '"').append(text.substr(0, 40)).append("\" is not a number"));
  }
  return value;
}

Result<std::vector<Range>> ranges(std::string_view whole, std::string_view text,
                                  std::uint64_t count_max, std::string_view of) {
  std::vector<Range> out;
  std::uint64_t count = 0;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t comma = std::min(text.find(',', at), text.size());
    const std::string_view part = text.substr(at, comma - at);
    const std::size_t dash = part.find('-');
    FRAMEBUS_ASSIGN(const std::uint64_t first, number(whole, part.substr(0, dash)));
    std::uint64_t last = first;
    if (dash != std::string_view::npos) {
      FRAMEBUS_ASSIGN(last, number(whole, part.substr(dash + 1)));
    }
    if (last < first) return wrong(whole, std::string(part) + " runs backwards");
    if (last - first >= count_max || (count += last - first + 1) > count_max)
      return wrong(whole, "more than " + std::to_string(count_max) + " " + std::string(of));
    out.push_back({first, last});
    at = comma + 1;
  }
  return out;
}

}  // namespace

Result<Selector> parse_selector(std::string_view text) {
  Selector selector;
  const std::size_t colon = text.find(':');
  const std::string_view jobs = text.substr(0, colon);
  if (jobs == "last") {
    selector.kind = Selector::Kind::last;
  } else if (jobs == "all") {
    selector.kind = Selector::Kind::all;
  } else {
    selector.kind = Selector::Kind::listed;
    FRAMEBUS_ASSIGN(selector.jobs, ranges(text, jobs, jobs_max, "jobs"));
    for (const Range& range : selector.jobs)
      if (range.first == 0) return wrong(text, "jobs are counted from 1");
  }
  if (colon != std::string_view::npos) {
    const bool is_one = selector.kind == Selector::Kind::last ||
                        (selector.kind == Selector::Kind::listed && selector.jobs.size() == 1 &&
                         selector.jobs[0].first == selector.jobs[0].last);
    if (!is_one) return wrong(text, "tasks can be named of one job only");
    FRAMEBUS_ASSIGN(selector.tasks,
                    ranges(text, text.substr(colon + 1), limits::tasks_per_job_max, "tasks"));
    for (const Range& range : selector.tasks)
      if (range.last >= limits::tasks_per_job_max) return wrong(text, "no job has so many tasks");
  }
  return selector;
}

std::vector<std::uint32_t> expanded(const std::vector<Range>& tasks) {
  std::vector<std::uint32_t> out;
  for (const Range& range : tasks)
    for (std::uint64_t i = range.first; i <= range.last; ++i)
      out.push_back(static_cast<std::uint32_t>(i));
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace framebus::client
