#include "broker/core/bounds.h"

namespace framebus::broker {

Error refuse_bound(Refusals& refusals, Bound bound, std::uint64_t limit, std::uint64_t found,
                   std::string_view where) {
  ++refusals.counts[static_cast<std::size_t>(bound)];
  return word_refusal(bound, limit, found, where);
}

Error word_refusal(Bound bound, std::uint64_t limit, std::uint64_t found, std::string_view where) {
  const BoundRow& row = row_of(bound);
  std::string text(where);
  if (!text.empty()) text += ": ";
  text += "found " + std::to_string(found) + " " + std::string(row.unit) + ", allowed are " +
          std::to_string(limit) + " (" + std::string(row.key) + ")";
  return {row.code, std::move(text), row.retry_after_ms};
}

}  // namespace framebus::broker
