// Carries out the planted bugs (planted.h) at the seams around the broker's core: what goes into
// it, what comes out of it, what it reads back at a start. Without a bug it changes nothing.
//
// Thread rule: one thread.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "broker/core/action.h"
#include "broker/core/event.h"
#include "libmsg/base/ids.h"
#include "tests/sim/planted.h"
#include "tests/sim/random.h"

namespace framebus::sim {

class Saboteur {
 public:
  Saboteur(Bug bug, Random random) : bug_(bug), random_(random) {}

  bool is(Bug bug) const { return bug_ == bug; }
  // How often a record is replayed: once, unless it is sabotaged. May change it.
  int replays(broker::Record& record);
  // A message that has come from a session; false: it is swallowed. `key`: the broker's for tokens.
  bool receive(Message& message, const WorkerId& worker, const Bytes& key);
  // A second message that comes at once after this one, as if the same session had sent it.
  std::optional<Message> echo(const Message& message);
  // What the core wants done: changes what a send waits for, drops what should be kept.
  void act(broker::Action& action);
  // How often a message is sent: once, unless it is sabotaged.
  int sends(Message& message);
  // A restart has come.
  void restart() { was_restarted_ = true; }
  bool was_restarted() const { return was_restarted_; }

 private:
  void receive_beat(Heartbeat& beat, const WorkerId& worker);
  void receive_part(SubmitPart& part);

  const Bug bug_;
  Random random_;
  bool was_restarted_ = false;
  std::map<WorkerId, std::uint32_t> results_;  // of each worker
  std::map<SubmitId, std::set<std::uint32_t>> parts_;
};

}  // namespace framebus::sim
