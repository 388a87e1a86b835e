// Commands under way, sticky commands and orders to workers. Plain data of State (state.h); all of
// it is volatile but Sticky.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "libmsg/base/ids.h"
#include "libmsg/base/limits.h"
#include "libmsg/base/time.h"
#include "libmsg/schema/messages.h"

namespace framebus::broker {

// Names a Command on its way to workers. The upper 24 bits are the broker's epoch, so that the
// reply of a worker that outlived a restart never fits another command.
using CommandId = std::uint64_t;
constexpr CommandId first_command(std::uint64_t epoch) {
  return (epoch << 40) + 1;
}

// A Command that has not had its last answer.
struct CommandState {
  SessionId primary;
  std::uint64_t request = 0;
  std::string verb;
  Bytes payload;                    // kept while it waits for a worker (target next)
  std::uint64_t payload_bytes = 0;  // on its way to each worker asked
  TimePoint deadline{};
  bool is_waiting = false;             // target next, and there is no worker
  std::set<WorkerId> asked;            // and not answered
  std::uint64_t load_id = 0;           // sticky only
  std::uint64_t after_lsn = 0;         // sticky only: of its record
  std::vector<CommandAnswer> answers;  // of this step, told at its end
};

// The workers that take commands of one name, as a ring for target `next`, and who waits for one.
struct CommandRing {
  std::set<WorkerId> members;
  WorkerId cursor;              // who was asked last
  std::set<CommandId> waiting;  // first come, first served
};

// Durable: the state that a worker must have before its next task.
struct Sticky {
  std::uint64_t load_id = 0;
  std::uint64_t lsn = 0;  // of its record: no worker hears of it earlier
  Bytes payload;
};

// How far a worker is with one sticky command.
struct Load {
  std::uint64_t load_id = 0;
  CommandId command = 0;  // who waits for it; 0: nobody
  bool is_ready = false;
  bool is_unsent = false;  // its Prepare could not be handed over
  WireError error;         // of its last try
};

// A worker that an administrator has removed: refused until then.
struct RemovedWorker {
  std::string name;
  std::string by;
  std::string reason;
  TimePoint until{};
};

// What one worker may be asked and not have answered: less than its outbox holds, so that commands
// alone never make it a slow consumer.
inline constexpr std::uint32_t asks_per_worker_max = 4'096;
inline constexpr std::uint64_t asked_bytes_per_worker_max = 4 * limits::MiB;
static_assert(asked_bytes_per_worker_max + limits::command_payload_bytes_max <
              limits::peer_outbox_bytes_max / 2);

inline constexpr std::size_t answers_per_message_max = 256;
inline constexpr std::size_t answer_bytes_per_message = 1024 * 1024;
inline constexpr Duration command_deadline_max = std::chrono::hours(24);
inline constexpr Duration removed_for = std::chrono::minutes(10);
inline constexpr std::size_t removed_workers_max = 10'000;

}  // namespace framebus::broker
