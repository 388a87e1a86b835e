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
#define FRAMEBUS_SIM_BUGS(X)                                                               \
  X(none, "no bug")                                                                        \
  X(early_replies, "messages leave before the records they depend on are synced")          \
  X(early_results_ok, "confirmations of results leave before their records are synced")    \
  X(early_rejections, "results are rejected before the record that decided it is synced")  \
  X(lost_durable_record, "a broker crash loses a record that was synced")                  \
  X(same_epoch, "a restarted broker keeps its epoch and so repeats tokens")                \
  X(dropped_results, "results get lost on a connection that lives")                        \
  X(dropped_results_ok, "confirmations never reach the worker")                            \
  X(swallowed_peer_lost, "the broker's shell does not report closed peers")                \
  X(doubled_assign, "one grant reaches two workers")                                       \
  X(dropped_events, "some messages of a watch get lost")                                   \
  X(repeated_events, "some messages of a watch come twice")                                \
  X(overtaking_events, "progress leaves before the messages of its watch that wait")       \
  X(overtaking_aborts, "an Abort leaves before the Assign that it is about")               \
  X(swapped_results, "the results of two tasks are exchanged")                             \
  X(fresh_submit_ids, "a primary repeats a Submit with a new id")                          \
  X(lost_wakeup, "the broker's shell sleeps through deadlines")                            \
  X(skipped_file_sync, "the journal does not sync its files")                              \
  X(skipped_directory_sync, "the journal does not sync the directory of its files")        \
  X(ignored_sync_error, "a failed sync is taken for one that worked")                      \
  X(unsynced_epoch, "the epoch is used before it is on the disk")                          \
  X(torn_tail_trusted, "a record that was torn in a crash is read as if it were whole")    \
  X(dropped_in_compaction, "compaction drops a record that still counts")                  \
  X(repeated_in_replay, "a record is replayed twice")                                      \
  X(forgotten_cancel, "a restart forgets that somebody cancelled")                         \
  X(reset_counters, "a restart forgets whom failed attempts were charged to")              \
  X(lease_by_wall_clock, "leases are measured with a clock that people set")               \
  X(backward_clock, "a restarted broker goes by the wall clock, though that went back")    \
  X(deaf_to_silence, "an open connection counts as a living worker, though nothing comes") \
  X(unchecked_mac, "a token is believed without a look at its MAC")                        \
  X(credit_leak, "a worker's credit is not given back for each result")                    \
  X(forgetful_archive, "the archive confirms before it has committed")                     \
  X(early_archive, "jobs go to the archive before their records are synced")               \
  X(early_upload, "an upload becomes a job before its commit")                             \
  X(doubled_part, "a repeated part of an upload is taken for the next")                    \
  X(command_answered_twice, "an answer of a worker is passed on twice")                    \
  X(command_unanswered, "some answers to commands get lost")                               \
  X(cursor_off_by_one, "a watch that resumes starts one record too late")                  \
  X(mixed_logs, "lines of one attempt's log are kept as another's")                        \
  X(dropped_logs, "lines of logs are confirmed and not kept")                              \
  X(admits_when_full, "a full disk refuses nobody")                                        \
  X(unbounded_work, "new work is taken in beyond its bounds")                              \
  X(full_for_ever, "a disk that was full is never looked at again")                        \
  X(lost_upload_part, "a restart forgets some parts of uploads")                           \
  X(forgotten_grants, "a restart forgets some grants")                                     \
  X(short_memory, "compaction drops the marks of forgotten jobs at once")                  \
  X(stale_archive, "the archive keeps the first version of a job that comes again")        \
  X(swallowed_archive_error, "what the archive could not take counts as archived")         \
  X(wrong_peer_lost, "the broker's shell reports another peer than the one that closed")   \
  X(missing_answer, "the last answer to a command leaves a worker out")                    \
  X(no_back_off, "a failed task is tried again at once")                                   \
  X(unarmed_restart, "a restarted broker's shell sleeps through deadlines")

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
constexpr std::string_view name_of(Bug bug) {
  return bug_table[static_cast<std::size_t>(bug)].name;
}

}  // namespace framebus::sim
