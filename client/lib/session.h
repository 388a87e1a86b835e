// The primary's side of a connection without its socket: calls and messages in, effects out, time
// passed in.
//
// Keeps the table of outstanding requests and watches, says Hello, connects again with back-off,
// repeats after a reconnect what has not been answered (every request of the protocol may be
// repeated but Command, which ends with the connection it was sent on), and watches again from the
// last cursor without gap or repeat. Does not touch a socket, a clock or a thread: primary_io.cpp
// carries the effects out. Thread rule: one thread owns a Session.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "libmsg/base/result.h"
#include "libmsg/base/time.h"
#include "libmsg/schema/messages.h"

namespace framebus::client {

struct SessionOptions {
  std::string broker;                          // URL, for messages to people only
  std::string program;                         // name and version for Hello
  std::string principal;                       // client name for Hello
  Duration handshake = seconds(5);             // from Connect to Welcome
  Duration reconnect_min = milliseconds(250);  // doubles up to reconnect_max, +-25 %
  Duration reconnect_max = seconds(10);
  Duration probe_after = seconds(10);   // silence after which the broker is asked whether it lives
  Duration command_slack = seconds(2);  // the broker answers a Command at its deadline; longer is a
                                        // broker that does not
  std::size_t requests_max = 65'536;    // outstanding at once; more are resource_exhausted
  std::uint64_t seed = 1;               // of the back-off's jitter
};

// Open a new connection; the messages for it follow as Transmit.
struct Connect {
  bool operator==(const Connect&) const = default;
};
// Throw the connection away.
struct Disconnect {
  std::string reason;
  bool operator==(const Disconnect&) const = default;
};
struct Transmit {
  Message message;
  bool operator==(const Transmit&) const = default;
};
// The broker has accepted the session.
struct Welcomed {
  Welcome welcome;
  bool operator==(const Welcomed&) const = default;
};
// Some workers have answered a Command. Finished, with the answers of all, follows.
struct Answered {
  std::uint64_t request = 0;
  std::vector<CommandAnswer> answers;
  bool operator==(const Answered&) const = default;
};
// A request is over: its answer (the message of the type that belongs to it) or why there is none.
struct Finished {
  std::uint64_t request = 0;
  Result<Message> outcome;
  bool operator==(const Finished&) const = default;
};
// Events of a watch, none of them for the second time. confirm(watch, generation, sequence) when
// they have been taken in.
struct Delivered {
  std::uint64_t watch = 0;
  std::uint64_t generation = 0;
  std::uint64_t sequence = 0;
  std::vector<Event> events;
  bool operator==(const Delivered&) const = default;
};
// The watch is over and will not come back.
struct WatchEnded {
  std::uint64_t watch = 0;
  Error error;
  bool operator==(const WatchEnded&) const = default;
};

using Effect = std::variant<Connect, Disconnect, Transmit, Welcomed, Answered, Finished, Delivered,
                            WatchEnded>;
using Effects = std::vector<Effect>;

class Session {
 public:
  explicit Session(SessionOptions options);

  // The first connection attempt. Call once.
  void start(TimePoint now, Effects& out);

  // Sends a request (request_kinds.h) under `id` (unique, not 0; the message's own request field is
  // overwritten), now or when there is a session. Finished comes exactly once, at `deadline` at the
  // latest (a Command: a slack later): `unavailable` when it was never sent, or was a Command whose
  // connection was lost; `deadline_exceeded` when the outcome is unknown. What is left of
  // `deadline` is told to the broker as that of a Command.
  void request(TimePoint now, std::uint64_t id, Message message, TimePoint deadline, Effects& out);

  // Ends a request with Code::cancelled; it is not sent any more, and an answer that still comes is
  // ignored. Nothing when it is over already.
  void cancel(std::uint64_t id, Effects& out);

  // Follows `watch.job` under `id` from `watch.from`, over any number of connections, until
  // unwatch().
  void watch(std::uint64_t id, Watch watch, Effects& out);
  void confirm(std::uint64_t id, std::uint64_t generation, std::uint64_t sequence, Effects& out);
  void unwatch(std::uint64_t id, Effects& out);

  void on_message(TimePoint now, const Message& message, Effects& out);
  // A message that could not be decoded; `request` is 0 when it could not even be attributed.
  // Ends the request or the watch it belongs to: going on without it would hide a gap.
  void on_garbled(std::uint64_t request, const Error& error, Effects& out);
  void on_closed(TimePoint now, const std::string& reason, Effects& out);
  void on_time(TimePoint now, Effects& out);

  // Completes everything outstanding with Code::shutdown and says Goodbye. Idempotent; later calls
  // of request() and watch() are answered with Code::shutdown at once.
  void stop(Effects& out);

  // Earliest moment at which on_time() has something to do.
  std::optional<TimePoint> next_wakeup() const;

  bool is_ready() const { return phase_ == Phase::ready; }
  std::size_t outstanding_count() const { return requests_.size(); }

 private:
  enum class Phase { idle, waiting, greeting, ready, stopped };
  struct Outstanding {
    Message message;
    TimePoint deadline;
    bool was_sent = false;
    std::vector<CommandAnswer> answers = {};  // of a Command, so far
  };
  struct Watching {
    Watch watch;                         // `from` moves with what was delivered
    std::uint64_t generation = 0;        // connection it was last sent on; 0: not sent
    std::optional<TimePoint> again_at;   // the broker asked to come back later
    std::uint64_t sequence = 0;          // of the last Events since it was sent
    std::set<std::uint32_t> ended = {};  // tasks told with exactly the cursor `from`
  };

  void connect(TimePoint now, Effects& out);
  void back_off(TimePoint now, Duration at_least);
  void drop(TimePoint now, const std::string& reason, Duration at_least, Effects& out);
  void finish(std::uint64_t id, Result<Message> outcome, Effects& out);
  void fail_all(const Error& error, Effects& out);
  void transmit(TimePoint now, std::uint64_t id, Outstanding& request, Effects& out);
  void end_commands(const std::string& reason, Effects& out);
  void on_welcome(TimePoint now, const Welcome& welcome, Effects& out);
  bool is_another_history(const Welcome& welcome) const;
  void forget_jobs(const std::string& why, Effects& out);
  void on_refused(TimePoint now, const Refused& refused, Effects& out);
  void on_error(TimePoint now, const ErrorReply& reply, Effects& out);
  void on_command_done(const CommandDone& done, Outstanding& request, Effects& out);
  void on_events(TimePoint now, const Events& events, Effects& out);
  void send_watch(Watching& watching, Effects& out);
  void expire_requests(TimePoint now, Effects& out);
  void retry_watches(TimePoint now, Effects& out);
  void probe(TimePoint now, Effects& out);
  Error no_answer(const Outstanding& request) const;
  bool has_work() const { return !requests_.empty() || !watches_.empty(); }

  SessionOptions options_;
  Phase phase_ = Phase::idle;
  std::uint64_t generation_ = 0;  // counts connections
  std::uint64_t epoch_ = 0;       // of the broker, as the last Welcome said; 0: none yet
  bool was_ephemeral_ = false;    // as the last Welcome said
  std::uint32_t failures_ = 0;    // connection attempts since the last Welcome
  std::uint64_t random_;
  TimePoint phase_until_{};  // waiting: next attempt; greeting: handshake deadline
  TimePoint last_heard_{};
  std::optional<TimePoint> probed_at_;
  std::string last_problem_;  // why there is no session, for people
  std::map<std::uint64_t, Outstanding> requests_;
  std::set<std::pair<TimePoint, std::uint64_t>> deadlines_;
  std::map<std::uint64_t, Watching> watches_;
};

}  // namespace framebus::client
