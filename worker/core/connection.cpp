// The connection: connect, Hello, Welcome or Refused, loss, back-off, and the worker's end.
//
// Every connection is new (docs/PROTOCOL.md, "connections"): it begins with Hello, which lists what
// is still held, so that nothing of an older connection has to be remembered. Events of an older
// one are ignored by their number.
#include <algorithm>

#include "libmsg/base/error.h"
#include "worker/core/jitter.h"
#include "worker/core/state.h"

namespace framebus::worker {
namespace {

constexpr Duration heartbeat_min = milliseconds(10);
constexpr Duration heartbeat_max = seconds(60);
constexpr Duration lease_max = seconds(3600);

Duration back_off(State& s) {
  Duration delay = s.options.reconnect_base;
  for (std::uint32_t i = 1; i < s.failures && delay < s.options.reconnect_max; ++i) delay *= 2;
  return jittered(s.random, std::min(delay, s.options.reconnect_max), 20);
}

Hello make_hello(const State& s) {
  Hello hello;
  hello.role = Role::worker;
  hello.program = s.options.program;
  hello.principal = s.options.principal;
  hello.checksum = s.options.checksum;
  hello.worker = s.options.info;
  for (const auto& [key, attempt] : s.attempts)
    hello.held.push_back({key.task, key.token, attempt.phase});
  return hello;
}

void connect(State& s, Actions& out) {
  s.link = Link::connecting;
  s.handshake_until = s.now + s.options.handshake;
  out.emplace_back(Connect{++s.connection, s.options.broker_url});
}

void on_welcome(State& s, const Welcome& welcome, Actions& out) {
  if (s.link != Link::connecting) {
    out.emplace_back(Note{2, "ignored a Welcome for a session that exists"});
    return;
  }
  const auto chosen = [](std::int64_t ms, Duration fallback, Duration least, Duration most) {
    // Compared in ms first: a hostile number must not overflow on its way to nanoseconds.
    if (ms <= 0) return fallback;
    return std::clamp<Duration>(milliseconds(std::min(ms, to_ms(most))), least, most);
  };
  s.link = Link::ready;
  s.heartbeat = chosen(welcome.heartbeat_ms, s.options.heartbeat, heartbeat_min, heartbeat_max);
  s.lease = chosen(welcome.lease_ms, s.options.lease, 2 * s.heartbeat, lease_max);
  if (s.was_welcomed && welcome.epoch != s.epoch)
    out.emplace_back(Note{1, "the broker was restarted: epoch " + std::to_string(s.epoch) +
                                 " is now " + std::to_string(welcome.epoch) + ", " +
                                 std::to_string(s.attempts.size()) + " held attempts go on"});
  s.was_welcomed = true;
  s.session = welcome.session;
  s.epoch = welcome.epoch;
  s.heard_at = s.now;
  s.sequence = 0;
  s.beats.clear();
  out.emplace_back(Joined{welcome.session, welcome.epoch, welcome.bulk_endpoint});
  send_heartbeat(s, out);  // at once: the broker grants nothing before it has seen a credit
  resend_results(s);
  resend_logs(s);
}

void on_refused(State& s, const Refused& refused, Actions& out) {
  const ErrorInfo& info = error_info(static_cast<Code>(refused.error.code));
  const std::string text = "the broker at " + s.options.broker_url + " refused this worker (" +
                           std::string(info.name) + "): " + refused.error.message;
  const bool is_final = info.retry == RetryRule::never || info.retry == RetryRule::fix_credentials;
  // A worker that has worked before may be in the middle of an upgrade of the broker: it keeps
  // trying.
  if (is_final && !s.was_welcomed && info.code != Code::ok) {
    out.emplace_back(Note{3, text});
    finish(s, info.exit_code, text, out);
    return;
  }
  const std::int64_t most_ms = to_ms(s.options.refused_retry_max);
  const Duration wait =
      milliseconds(std::clamp<std::int64_t>(refused.error.retry_after_ms, 0, most_ms));
  out.emplace_back(Note{2, text});
  lose_connection(s, "refused", wait, out);
}

void on_error_reply(State& s, const ErrorReply& reply, Actions& out) {
  const auto code = static_cast<Code>(reply.error.code);
  out.emplace_back(Note{
      2, "the broker answered " + std::string(error_info(code).name) + ": " + reply.error.message});
  if (code == Code::no_session || code == Code::stale_epoch)
    lose_connection(s, "the broker does not know this session", Duration{0}, out);
}

}  // namespace

void on_connected(State& s, const Connected& event, Actions& out) {
  if (s.link != Link::connecting || event.connection != s.connection) return;
  // What was gathered before is void: Hello says what is held, and from here on changes are told
  // again.
  s.started.clear();
  s.aborted.clear();
  out.emplace_back(Send{s.connection, make_hello(s)});
}

void on_closed(State& s, const Closed& event, Actions& out) {
  if (s.link == Link::idle || event.connection != s.connection) return;
  if (s.link == Link::ready) out.emplace_back(Note{2, "lost the broker: " + event.reason});
  lose_connection(s, event.reason, Duration{0}, out);
}

// Also tells the shell to close: a repeated close costs nothing, a forgotten one leaks a socket.
void lose_connection(State& s, const std::string& reason, Duration at_least, Actions& out) {
  out.emplace_back(Disconnect{s.connection, reason});
  s.link = Link::idle;
  drop_commands(s, out);
  ++s.failures;
  s.connect_at = s.now + std::max(back_off(s), at_least);
}

void on_message(State& s, const Received& event, Actions& out) {
  if (event.connection != s.connection || (s.link != Link::connecting && s.link != Link::ready))
    return;
  const Message& message = event.message;
  if (const auto* welcome = std::get_if<Welcome>(&message)) return on_welcome(s, *welcome, out);
  if (const auto* refused = std::get_if<Refused>(&message)) return on_refused(s, *refused, out);
  if (const auto* error = std::get_if<ErrorReply>(&message)) return on_error_reply(s, *error, out);
  if (const auto* goodbye = std::get_if<Goodbye>(&message)) {
    out.emplace_back(Note{1, "the broker says goodbye: " + goodbye->reason});
    return lose_connection(s, "goodbye from the broker", Duration{0}, out);
  }
  if (s.link != Link::ready) {
    out.emplace_back(Note{2, "ignored a message that came before Welcome"});
    return;
  }
  if (const auto* ack = std::get_if<HeartbeatAck>(&message)) return on_heartbeat_ack(s, *ack);
  if (const auto* assign = std::get_if<Assign>(&message)) return on_assign(s, *assign, out);
  if (const auto* abort = std::get_if<Abort>(&message)) return on_abort(s, *abort, out);
  if (const auto* confirmed = std::get_if<ResultsOk>(&message)) return on_results_ok(s, *confirmed);
  if (const auto* rejected = std::get_if<ResultRejected>(&message))
    return on_result_rejected(s, *rejected, out);
  if (const auto* kept = std::get_if<LogOk>(&message)) return on_log_ok(s, *kept);
  if (const auto* run = std::get_if<RunCommand>(&message)) return on_run_command(s, *run, out);
  if (const auto* prepare = std::get_if<Prepare>(&message)) return on_prepare(s, *prepare, out);
  if (const auto* order = std::get_if<Order>(&message)) return on_order(s, *order, out);
  out.emplace_back(Note{2, "ignored a message that is not for workers"});
}

void tick_connection(State& s, Actions& out) {
  if (s.link == Link::idle && s.now >= s.connect_at) return connect(s, out);
  if (s.link == Link::connecting && s.now >= s.handshake_until) {
    out.emplace_back(Note{2, "no Welcome from " + s.options.broker_url + " in time"});
    return lose_connection(s, "handshake timeout", Duration{0}, out);
  }
  if (s.link != Link::ready) return;
  if (s.now >= s.heard_at + s.lease) {
    out.emplace_back(Note{2, "no HeartbeatAck for a whole lease: connecting again"});
    return lose_connection(s, "silent broker", Duration{0}, out);
  }
  if (s.now >= s.heartbeat_at) send_heartbeat(s, out);
}

void finish(State& s, int code, const std::string& reason, Actions& out, bool restart) {
  if (s.link == Link::ready) out.emplace_back(Send{s.connection, Goodbye{reason}});
  if (s.link == Link::ready || s.link == Link::connecting)
    out.emplace_back(Disconnect{s.connection, reason});
  s.link = Link::ended;
  out.emplace_back(Exit{code, reason, restart});
}

}  // namespace framebus::worker
