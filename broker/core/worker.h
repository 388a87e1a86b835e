// Workers, their leases and the sessions of all peers. Plain data of State (state.h).
//
// A Worker is known by its stable id and outlives its sessions: after a restart it holds recovered
// leases before it has said Hello, and for a while after its loss people can still see it.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "broker/core/command_state.h"
#include "broker/core/job.h"
#include "libmsg/base/time.h"
#include "libmsg/schema/messages.h"

namespace framebus::broker {

// The place of a worker among those of a shape that have credit; smaller is chosen first.
struct Seat {
  bool full = false;       // every slot is taken, only prefetch is left
  std::int64_t score = 0;  // load only
  WorkerId worker;
  auto operator<=>(const Seat&) const = default;
};

struct LeaseKey {
  TaskRef task;
  std::uint64_t epoch = 0;
  std::uint64_t grant = 0;
  auto operator<=>(const LeaseKey&) const = default;
};

// The open right of an attempt to its worker's slot. All of it is volatile but its existence.
struct Lease {
  TimePoint sent_at{};  // its Assign, as far as known: the grant, or the sync that it waited for
  TimePoint started_at{};
  TimePoint until{};
  TimePoint starting_since{};    // zero: not listed as starting
  TimePoint progress_at{};       // last progress
  TimePoint stop_by{};           // cancelling: considered gone from then on
  TimePoint armed{};             // when its timer fires
  std::uint64_t assign_lsn = 0;  // what its Assign waits for; nothing about it may leave earlier
  AttemptPhase phase = AttemptPhase::queued;
  bool listed = false;        // by a heartbeat, at least once
  bool alone = false;         // derived: its task runs_alone() (lease.h), and has not started
  bool reclaiming = false;    // Abort(reclaimed) was sent, it may start all the same
  std::uint32_t omitted = 0;  // heartbeats in a row
  std::uint32_t permille = 0;
  std::string status;
};

struct Membership {
  ShapeId shape = 0;
  bool seated = false;
  Seat seat;
};

struct Worker {
  WorkerInfo info;
  std::string name;   // "host:pid"
  SessionId session;  // none: not connected
  SessionState state = SessionState::closed;
  std::map<LeaseKey, Lease> leases;
  std::uint32_t credit = 0;     // attempts it would hold in all, as it last said, bounded
  std::uint32_t strangers = 0;  // attempts it listed that are no leases here
  std::uint32_t alone = 0;      // derived: of its leases, those that are alone
  std::string reason;
  LoadReport load;
  std::uint64_t sequence = 0;
  TimePoint heartbeat_at{};  // or Hello
  TimePoint heard_at{};
  TimePoint lost_at{};
  std::uint64_t tasks_done = 0;
  std::uint64_t tasks_failed = 0;
  std::vector<Membership> shapes;  // derived: those it fits
  bool said_draining = false;      // in its last heartbeat
  WorkerAction order = WorkerAction::none;  // drain or restart: takes no more until it is lifted
  std::string order_reason;
  std::set<CommandId> asked;          // commands it has not answered
  std::uint64_t asked_bytes = 0;      // payloads of those
  std::map<std::string, Load> loads;  // the sticky commands it knows
  std::uint32_t loading = 0;          // of those, not ready
  bool in_rings = false;              // derived: takes commands, see CommandRing

  bool is_connected() const { return !session.is_none(); }
  std::uint32_t in_flight() const { return static_cast<std::uint32_t>(leases.size()); }
  std::uint32_t free_credit() const {
    const std::uint32_t used = in_flight() + strangers;
    // Nothing is prefetched behind a task that may take the worker down.
    const std::uint32_t most = alone > 0 ? std::min(credit, info.slots) : credit;
    return most > used ? most - used : 0;
  }
  // Connected and in order: neither silent, nor draining, nor short of a sticky command.
  bool takes_commands() const {
    return is_connected() && state == SessionState::ready && loading == 0;
  }
  bool may_be_granted() const {
    return takes_commands() && free_credit() > 0;
  }
  bool has_idle_slot() const { return in_flight() + strangers < info.slots; }
};

struct Session {
  Role role = Role::none;
  std::string principal;
  std::string address;
  WorkerId worker;  // role worker
  std::set<std::uint64_t> watches;
  std::map<std::uint64_t, CommandId> commands;  // by request, those without their last answer
};

}  // namespace framebus::broker
