// What goes wrong in a run and what people do in it, decided from the seed before it begins.
//
// Each injection has a number, a moment and a stream of chance of its own, so that any of them can
// be left out without renumbering or changing the others: that is what shrinking needs (shrink.h).
// What else is chance (how long a message travels, whether an executor fails) belongs to features,
// which can be turned off as a whole.
#pragma once

#include <cstdint>
#include <set>
#include <string_view>
#include <vector>

#include "tests/sim/random.h"

namespace framebus::sim {

// X(name, weight among the faults; 0: an action of a person, what it is)
#define FRAMEBUS_SIM_FAULTS(X)                                                       \
  X(worker_dies, 10, "a worker's process is killed and comes back")                  \
  X(worker_stalls, 6, "a worker's process stands still")                             \
  X(worker_cut, 8, "a worker's connections break")                                   \
  X(worker_drains, 4, "a worker is told to drain and comes back")                    \
  X(worker_forgets, 4, "a worker's heartbeats list nothing for a while")             \
  X(worker_lies, 3, "a worker claims to hold a grant that it forged")                \
  X(primary_dies, 4, "a primary's process is killed and comes back")                 \
  X(primary_cut, 5, "a primary's connections break")                                 \
  X(partition, 8, "a host can not be reached in either direction")                   \
  X(partition_in, 5, "nothing from a host arrives, what is sent to it does")         \
  X(partition_out, 5, "nothing sent to a host arrives, what it sends does")          \
  X(broker_dies, 6, "the broker's process is killed and comes back")                 \
  X(broker_dies_committing, 8, "the broker is killed between append, sync and send") \
  X(power_fails, 6, "the broker's machine loses what was not synced")                \
  X(clock_jumps, 3, "the broker's wall clock is set; it shows after a restart")      \
  X(broker_stalls, 6, "the broker's loop stands still")                              \
  X(slow_disk, 5, "each sync takes long")                                            \
  X(failed_sync, 3, "a sync fails: the broker has to end")                           \
  X(full_disk, 4, "the disk is full for a while")                                    \
  X(archive_fails, 3, "the archive can not be written or read for a while")          \
  X(submit, 0, "a primary submits a job")                                            \
  X(upload, 0, "a primary submits a job in parts")                                   \
  X(act, 0, "a primary cancels, pauses, resumes, retries or moves a job or tasks")   \
  X(query, 0, "a primary asks something")                                            \
  X(command, 0, "a primary sends a command to workers")                              \
  X(administer, 0, "a primary drains, resumes, restarts or removes a worker")        \
  X(read_log, 0, "a primary reads the log of a task")

enum class Kind : std::uint8_t {
#define FRAMEBUS_X(name, weight, meaning) name,
  FRAMEBUS_SIM_FAULTS(FRAMEBUS_X)
#undef FRAMEBUS_X
};
std::string_view name_of(Kind kind);
std::string_view meaning_of(Kind kind);
bool is_fault(Kind kind);

struct Injection {
  std::uint32_t number = 0;  // from 1, in the order of their moments
  TimePoint at{};
  Kind kind = Kind::submit;
  std::uint64_t seed = 0;
};

// Ambient chance that can be turned off as a whole.
enum class Feature : std::uint8_t {
  delays = 1,     // of messages, beyond the least
  executors = 2,  // that fail, hang, die or are deaf
  syncs = 4,      // that take long
};

struct FeatureInfo {
  Feature feature;
  std::string_view name;
};
inline constexpr FeatureInfo feature_table[] = {
    {Feature::delays, "delays"}, {Feature::executors, "executors"}, {Feature::syncs, "syncs"}};

// Everything that decides a run, beside the seed: what is left out of it.
struct Filter {
  bool all = true;               // every injection happens
  std::set<std::uint32_t> only;  // otherwise these
  double until_s = 0;            // peace begins then; 0: after the planned minutes
  std::uint8_t without = 0;      // features turned off
  bool allows(std::uint32_t number) const { return all || only.contains(number); }
  bool has(Feature feature) const { return (without & static_cast<std::uint8_t>(feature)) == 0; }
};

std::vector<Injection> plan(std::uint64_t seed, std::int64_t minutes);

}  // namespace framebus::sim
