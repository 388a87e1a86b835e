// Bugs that the harness can plant between the cores, to prove that the checkers would see them.
//
// Each stands for a mistake that a broker, worker, store or client could make; the cores themselves
// stay as they are. tests/sim/planted_test.cpp demands that every one is found.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace framebus::sim {

// X(name, what it stands for)
#define FRAMEBUS_SIM_BUGS(X)                                                         \
  X(none, "no bug")                                                                  \
  X(early_replies, "messages leave before the records they depend on are synced")    \
  X(lost_durable_record, "a broker crash loses a record that was synced")            \
  X(same_epoch, "a restarted broker keeps its epoch")                                \
  X(dropped_results, "results get lost on a connection that lives")                  \
  X(dropped_results_ok, "confirmations never reach the worker")                      \
  X(swallowed_peer_lost, "the broker's shell does not report closed peers")          \
  X(doubled_assign, "one grant reaches two workers")                                 \
  X(dropped_events, "some messages of a watch get lost")                             \
  X(repeated_events, "some messages of a watch come twice")                          \
  X(overtaking_events, "progress leaves before the messages of its watch that wait") \
  X(overtaking_aborts, "an Abort leaves before the Assign that it is about")         \
  X(swapped_results, "the results of two tasks are exchanged")                       \
  X(fresh_submit_ids, "a primary repeats a Submit with a new id")                    \
  X(lost_wakeup, "the broker's shell sleeps through deadlines")

enum class Bug : std::uint8_t {
#define FRAMEBUS_X(name, meaning) name,
  FRAMEBUS_SIM_BUGS(FRAMEBUS_X)
#undef FRAMEBUS_X
};

struct BugInfo {
  Bug bug;
  std::string_view name;
  std::string_view meaning;
};
inline constexpr auto bug_table = std::to_array<BugInfo>({
#define FRAMEBUS_X(name, meaning) {Bug::name, #name, meaning},
    FRAMEBUS_SIM_BUGS(FRAMEBUS_X)
#undef FRAMEBUS_X
});

constexpr std::optional<Bug> bug_named(std::string_view name) {
  for (const BugInfo& each : bug_table)
    if (each.name == name) return each.bug;
  return std::nullopt;
}

}  // namespace framebus::sim
