// One step() in progress: the state, and the list that its actions go to. Handlers get one by
// reference.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "broker/core/action.h"
#include "broker/core/state.h"

namespace framebus::broker {

struct Turn {
  State& state;
  Actions& out;
  std::uint32_t changed = 0;  // by the last persist(), see apply()

  TimePoint now() const { return state.now; }

  // Numbers, applies and emits a record. Returns its lsn.
  std::uint64_t persist(Record record);
  // `after_lsn`: the record that must be durable before the peer may see this; 0: none.
  void send(SessionId session, Message message, std::uint64_t after_lsn = 0);
  void note(int level, std::string text);
  // ErrorReply to a request. Counted.
  void refuse(SessionId session, std::uint64_t request, Code code, std::string message,
              std::int64_t retry_after_ms = 0);
  void refuse(SessionId session, std::uint64_t request, const Error& error);

  // What becomes of the request at hand, where no reply says so (Ledger): it is accepted (Watch),
  // it waits, a waiting one goes on, the shell answers it.
  void accept_request();
  void keep_request();
  void resume_request();
  void hand_on_request();
};

WireError wire_error(Code code, std::string message, std::int64_t retry_after_ms = 0);

// The attempt as the wire names it, its MAC made anew.
AttemptId id_of(const State& state, TaskRef task, const Attempt& attempt);

// Aborts to several workers, one message each; those whose Assigns may still wait for their records
// in a second one, which waits as long. Workers that are not connected get none.
class AbortList {
 public:
  // Of any attempt that was made here; call it while its lease, if it has one, is still open.
  void add(const State& state, TaskRef task, const Attempt& attempt);
  // Of what the worker itself has named: it has it.
  void add(SessionId session, TaskRef task, const Token& token);
  void send(Turn& turn, AbortReason reason, std::uint64_t after_lsn = 0);

 private:
  struct Batch {
    std::vector<AttemptId> attempts;
    std::uint64_t after_lsn = 0;
  };
  std::map<std::pair<SessionId, bool>, Batch> batches_;  // by session and whether it waits
};

}  // namespace framebus::broker
