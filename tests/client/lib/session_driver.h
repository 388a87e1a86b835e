// A Session under a hand-turned clock: each call returns the effects it caused.
#pragma once

#include <string>

#include "client/lib/session.h"

namespace framebus::client {

struct Driver {
  Session session;
  TimePoint now{};

  explicit Driver(SessionOptions options = defaults()) : session(std::move(options)) {}

  static SessionOptions defaults() {
    SessionOptions options;
    options.broker = "tcp://test:1";
    options.program = "test";
    options.principal = "me";
    return options;
  }

  template <class F>
  Effects effects_of(F&& f) {
    Effects out;
    f(out);
    return out;
  }
  Effects start() {
    return effects_of([&](Effects& o) { session.start(now, o); });
  }
  Effects message(const Message& m) {
    return effects_of([&](Effects& o) { session.on_message(now, m, o); });
  }
  Effects closed(const std::string& reason = "gone") {
    return effects_of([&](Effects& o) { session.on_closed(now, reason, o); });
  }
  Effects time() {
    return effects_of([&](Effects& o) { session.on_time(now, o); });
  }
  Effects after(Duration d) {
    now += d;
    return time();
  }
  Effects cancel(std::uint64_t id) {
    return effects_of([&](Effects& o) { session.cancel(id, o); });
  }
  Effects stop() {
    return effects_of([&](Effects& o) { session.stop(o); });
  }
  Effects query(std::uint64_t id, Duration deadline = seconds(30)) {
    Query query;
    query.kind = QueryKind::status;
    return request(id, query, deadline);
  }
  Effects request(std::uint64_t id, Message m, Duration deadline = seconds(30)) {
    return effects_of(
        [&](Effects& o) { session.request(now, id, std::move(m), now + deadline, o); });
  }
  // A session that has been welcomed.
  void connect() {
    start();
    message(Welcome{});
  }
  // From a lost connection to the next Welcome, whatever the back-off.
  Effects reconnect(const Welcome& welcome = {}) {
    while (session.next_wakeup() && !is_connecting) {
      now = std::max(now, *session.next_wakeup());
      for (const Effect& effect : time())
        if (std::holds_alternative<Connect>(effect)) is_connecting = true;
    }
    is_connecting = false;
    return message(welcome);
  }
  bool is_connecting = false;
};

inline Query query_message(std::uint64_t id) {
  Query query;
  query.request = id;
  query.kind = QueryKind::status;
  return query;
}
inline QueryReply query_reply(std::uint64_t id, std::uint32_t total = 0) {
  QueryReply reply;
  reply.request = id;
  reply.total = total;
  return reply;
}
inline ErrorReply error_reply(std::uint64_t id, Code code, const std::string& text,
                              std::int64_t retry_ms = 0) {
  return ErrorReply{id, {static_cast<std::uint16_t>(code), text, retry_ms}};
}

}  // namespace framebus::client
