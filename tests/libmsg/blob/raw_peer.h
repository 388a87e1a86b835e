// A peer that says exactly what a test wants: one DEALER, messages and raw frames, replies with a
// deadline. Thread rule: one thread.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "libmsg/codec/codec.h"
#include "libmsg/transport/transport.h"

namespace framebus::test {

// Polls a condition until it holds or the time is over; false: it never held.
template <class Condition>
bool eventually(const Condition& condition, Duration patience = seconds(5)) {
  const TimePoint deadline = now_monotonic() + patience;
  Wakeup never_notified;
  while (!condition()) {
    if (now_monotonic() >= deadline) return false;
    wait({}, {}, &never_notified, milliseconds(5));
  }
  return true;
}

struct Reply {
  Message message;
  std::vector<Bytes> attachments;
};

class RawPeer {
 public:
  explicit RawPeer(const std::string& url, std::shared_ptr<Context> context = make_context())
      : context_(std::move(context)), dealer_(make_dealer(context_)) {
    (void)dealer_->connect(url);
  }

  // Retries while the queue is full; false when the connection is gone.
  bool send_frames(const WireFrames& frames) {
    for (;;) {
      const Status sent = dealer_->send(frames);
      if (sent) return true;
      if (sent.error().code != Code::resource_exhausted) return false;
      wait({}, {dealer_.get()}, nullptr, milliseconds(5));
    }
  }
  bool send(const Message& message, std::vector<Bytes> attachments = {}) {
    return send_frames(encode(message, true, std::move(attachments)));
  }

  // The next message; none when the connection ended or nothing came in time.
  std::optional<Reply> next(Duration patience = seconds(5)) {
    const TimePoint deadline = now_monotonic() + patience;
    while (inbox_.empty() && !closed_) {
      const Duration left = deadline - now_monotonic();
      if (left <= Duration{0}) return std::nullopt;
      wait({}, {dealer_.get()}, nullptr, left);
      std::vector<Incoming> incoming;
      dealer_->receive(incoming, 64);
      for (Incoming& each : incoming) take(std::move(each));
    }
    if (inbox_.empty()) return std::nullopt;
    Reply reply = std::move(inbox_.front());
    inbox_.pop_front();
    return reply;
  }
  // The next message of one type; others are passed over.
  template <class M>
  std::optional<M> next_of(Duration patience = seconds(5)) {
    const TimePoint deadline = now_monotonic() + patience;
    while (auto reply = next(deadline - now_monotonic())) {
      if (auto* found = std::get_if<M>(&reply->message)) return std::move(*found);
    }
    return std::nullopt;
  }
  // True when the other side has ended the connection within the time.
  bool is_closed_within(Duration patience) {
    const TimePoint deadline = now_monotonic() + patience;
    while (!closed_ && now_monotonic() < deadline) (void)next(deadline - now_monotonic());
    return closed_;
  }

  // Says Hello and returns the answer, Welcome or not.
  std::optional<Reply> hello(Role role) {
    Hello hello;
    hello.role = role;
    hello.program = "test";
    hello.principal = "test";
    return this->hello(hello);
  }
  std::optional<Reply> hello(const Hello& hello) {
    send(hello);
    return next();
  }

 private:
  void take(Incoming&& incoming) {
    if (incoming.kind == Incoming::Kind::closed) {
      closed_ = true;
      return;
    }
    const std::vector<BytesView> parts(incoming.parts.begin(), incoming.parts.end());
    auto decoded = decode(parts, false);
    if (decoded) inbox_.push_back({std::move(decoded->message), std::move(decoded->attachments)});
  }

  std::shared_ptr<Context> context_;
  std::unique_ptr<DealerSocket> dealer_;
  std::deque<Reply> inbox_;
  bool closed_ = false;
};

// The code of an Error or Refused reply; ok for everything else.
inline Code code_of(const Message& message) {
  if (const auto* error = std::get_if<ErrorReply>(&message))
    return static_cast<Code>(error->error.code);
  if (const auto* refused = std::get_if<Refused>(&message))
    return static_cast<Code>(refused->error.code);
  return Code::ok;
}

}  // namespace framebus::test
