// "1-100:2,5,9-12": ranges of whole numbers, for frames and sweeps.
#include <algorithm>
#include <charconv>

#include "client/jobfile/jobfile.h"

namespace framebus::client {
namespace {

class RangeReader {
 public:
  RangeReader(std::string_view text, std::uint32_t count_max, std::int32_t limit)
      : text_(text), rest_(text), count_max_(count_max), limit_(limit) {}

  Result<std::vector<std::int32_t>> run() {
    do {
      FRAMEBUS_TRY(one());
    } while (take(','));
    skip_spaces();
    if (!rest_.empty()) return wrong("unexpected '" + std::string(rest_.substr(0, 16)) + "'");
    std::vector<std::int32_t> sorted = numbers_;
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice != sorted.end()) return wrong(std::to_string(*twice) + " comes twice");
    return std::move(numbers_);
  }

 private:
  tl::unexpected<Error> wrong(const std::string& what) const {
    return fail(Code::invalid_argument, "range '" + std::string(text_.substr(0, 60)) +
                                            "': " + what +
                                            "; write ranges like 1-100, 1-100:2 or 1,5,9-12");
  }
  void skip_spaces() {
    while (!rest_.empty() && rest_.front() == ' ') rest_.remove_prefix(1);
  }
  bool take(char c) {
    skip_spaces();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  Result<std::int64_t> number() {
    skip_spaces();
    std::int64_t value = 0;
    const auto [end, problem] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value);
    if (problem == std::errc::invalid_argument)
      return wrong(rest_.empty()
                       ? "a number is missing at the end"
                       : "expected a number at '" + std::string(rest_.substr(0, 16)) + "'");
    if (problem != std::errc{} || value > limit_ || value < -std::int64_t{limit_})
      return wrong("numbers from -" + std::to_string(limit_) + " to " + std::to_string(limit_) +
                   " are allowed");
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return value;
  }
  Status one() {
    FRAMEBUS_ASSIGN(const std::int64_t first, number());
    std::int64_t last = first, step = 1;
    if (take('-')) {
      FRAMEBUS_ASSIGN(last, number());
      if (take(':') || take('x')) {
        FRAMEBUS_ASSIGN(step, number());
      }
      if (step < 1) return wrong("the step is " + std::to_string(step) + "; it must be at least 1");
    }
    const std::int64_t count = std::abs(last - first) / step + 1;
    if (static_cast<std::uint64_t>(count) + numbers_.size() > count_max_)
      return wrong("more than " + std::to_string(count_max_) + " numbers");
    for (std::int64_t i = 0; i < count; ++i)
      numbers_.push_back(static_cast<std::int32_t>(first + (last >= first ? i : -i) * step));
    return {};
  }

  std::string_view text_, rest_;
  std::uint32_t count_max_;
  std::int32_t limit_;
  std::vector<std::int32_t> numbers_;
};

}  // namespace

Result<std::vector<std::int32_t>> parse_ranges(std::string_view text, std::uint32_t count_max,
                                               std::int32_t limit) {
  return RangeReader(text, count_max, limit).run();
}

}  // namespace framebus::client
