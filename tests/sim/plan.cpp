#include "tests/sim/plan.h"

#include <algorithm>
#include <array>

namespace framebus::sim {
namespace {

struct Row {
  Kind kind;
  unsigned weight;
  std::string_view name;
  std::string_view meaning;
};
constexpr auto rows = std::to_array<Row>({
#define FRAMEBUS_X(name, weight, meaning) {Kind::name, weight, #name, meaning},
    FRAMEBUS_SIM_FAULTS(FRAMEBUS_X)
#undef FRAMEBUS_X
});

const Row& row_of(Kind kind) {
  return rows[static_cast<std::size_t>(kind)];
}

constexpr std::uint64_t plan_stream = 1;
constexpr Duration first_fault_at = seconds(9);

Kind random_fault(Random& random) {
  unsigned sum = 0;
  for (const Row& row : rows) sum += row.weight;
  auto left = static_cast<unsigned>(random.below(sum));
  for (const Row& row : rows) {
    if (left < row.weight) return row.kind;
    left -= row.weight;
  }
  return Kind::worker_dies;
}

Kind random_action(Random& random) {
  const std::uint64_t dice = random.below(100);
  if (dice < 22) return Kind::submit;
  if (dice < 30) return Kind::upload;
  if (dice < 55) return Kind::act;
  if (dice < 65) return Kind::query;
  if (dice < 83) return Kind::command;
  if (dice < 88) return Kind::administer;
  return Kind::read_log;
}

}  // namespace

std::string_view name_of(Kind kind) {
  return row_of(kind).name;
}
std::string_view meaning_of(Kind kind) {
  return row_of(kind).meaning;
}
bool is_fault(Kind kind) {
  return row_of(kind).weight > 0;
}

std::vector<Injection> plan(std::uint64_t seed, std::int64_t minutes) {
  Random random = Random::derived(seed, plan_stream);
  std::vector<Injection> all;
  const TimePoint end = TimePoint{} + std::chrono::minutes(minutes);
  // Some runs are wild, some quiet: a fault may want minutes of peace before it shows.
  const Duration fault_gap = random.happens(300) ? seconds(30) : seconds(10);
  const Duration action_gap = random.happens(300) ? seconds(12) : seconds(4);
  TimePoint at{first_fault_at};
  while ((at += random.between(milliseconds(100), fault_gap)) < end)
    all.push_back({0, at, random_fault(random), random.next()});
  at = TimePoint{seconds(2)};
  while ((at += random.between(milliseconds(20), action_gap)) < end)
    all.push_back({0, at, random_action(random), random.next()});
  std::sort(all.begin(), all.end(), [](const Injection& a, const Injection& b) {
    return a.at != b.at ? a.at < b.at : a.seed < b.seed;
  });
  for (std::size_t i = 0; i < all.size(); ++i) all[i].number = static_cast<std::uint32_t>(i + 1);
  return all;
}

}  // namespace framebus::sim
