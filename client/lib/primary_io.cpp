// PrimaryImpl: the I/O thread. Carries the session's effects out and feeds it what arrives.
#include <algorithm>

#include "client/lib/primary_impl.h"
#include "libmsg/base/endpoint.h"

namespace framebus::client {
namespace {

constexpr Duration outbox_retry = milliseconds(5);  // while the peer's queue is full
constexpr Duration goodbye_linger = milliseconds(200);
constexpr std::size_t receive_batch = 256;

}  // namespace

bool PrimaryImpl::post(Call call) {
  {
    const std::lock_guard lock(inbox_mutex_);
    if (is_closed_) return false;
    inbox_.push_back(std::move(call));
  }
  wakeup_.notify();
  return true;
}

bool PrimaryImpl::run_calls(TimePoint now, Effects& out) {
  std::vector<Call> calls;
  bool is_stopping = false;
  {
    const std::lock_guard lock(inbox_mutex_);
    calls.swap(inbox_);
    is_stopping = is_stopping_;
    if (is_stopping) is_closed_ = true;  // nothing can slip in between this and stop()
  }
  for (Call& call : calls) call(now, out);
  return is_stopping;
}

void PrimaryImpl::run() {
  Effects effects;
  session_.start(now_monotonic(), effects);
  carry_out(effects);
  for (;;) {
    TimePoint now = now_monotonic();
    const bool is_stopping = run_calls(now, effects);
    run_timers(now, is_stopping);
    session_.on_time(now, effects);
    if (is_stopping) session_.stop(effects);
    carry_out(effects);
    flush(now);
    carry_out(effects);
    if (is_stopping) break;
    std::vector<DealerSocket*> sockets;
    if (socket_) sockets.push_back(socket_.get());
    wait({}, sockets, &wakeup_, patience());
    wakeup_.drain();
    receive(now_monotonic(), effects);
    carry_out(effects);
  }
  if (socket_) socket_->close(goodbye_linger);
  socket_.reset();
}

// Until something has to be done without being asked; negative: for ever.
Duration PrimaryImpl::patience() const {
  std::optional<TimePoint> first = session_.next_wakeup();
  if (!timers_.empty())
    first = first ? std::min(*first, timers_.begin()->first) : timers_.begin()->first;
  Duration wait{-1};
  if (first) wait = std::max(Duration::zero(), *first - now_monotonic()) + milliseconds(1);
  if (!outbox_.empty())
    wait = wait < Duration::zero() ? outbox_retry : std::min(wait, outbox_retry);
  return wait;
}

void PrimaryImpl::after(Duration wait, std::function<void()> function) {
  const TimePoint due = now_monotonic() + wait;
  const bool is_taken =
      post([this, due, function](TimePoint, Effects&) { timers_.emplace(due, function); });
  if (!is_taken) function();
}

void PrimaryImpl::run_timers(TimePoint now, bool is_stopping) {
  while (!timers_.empty() && (is_stopping || timers_.begin()->first <= now)) {
    const std::function<void()> function = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    function();
  }
}

void PrimaryImpl::receive(TimePoint now, Effects& out) {
  if (!socket_) return;
  std::vector<Incoming> arrived;
  socket_->receive(arrived, receive_batch);
  for (const Incoming& incoming : arrived) {
    if (incoming.kind == Incoming::Kind::closed) {
      session_.on_closed(
          now, session_.is_ready() ? "the connection was lost" : "nothing listens there", out);
      break;
    }
    const std::vector<BytesView> parts(incoming.parts.begin(), incoming.parts.end());
    const Result<Decoded> decoded = decode(parts, checksum_required_);
    if (decoded) {
      if (const auto* welcome = std::get_if<Welcome>(&decoded->message))
        checksum_required_ = welcome->checksum;
      session_.on_message(now, decoded->message, out);
    } else if (is_damaged(parts)) {
      // What else was lost can not be known: connect anew, repeat what may be repeated.
      session_.on_closed(now, "a message was damaged on its way", out);
      break;
    } else {
      session_.on_garbled(request_of(parts), decoded.error(), out);
    }
  }
}

// Effects may cause further effects (a connection that can not even be tried); so until there are
// none.
void PrimaryImpl::carry_out(Effects& effects) {
  while (!effects.empty()) {
    Effects now;
    now.swap(effects);
    for (Effect& effect : now) on_effect(effect);
    if (!close_reason_.empty()) {
      const std::string reason = std::exchange(close_reason_, {});
      session_.on_closed(now_monotonic(), reason, effects);
    }
  }
}

void PrimaryImpl::on_effect(Effect& effect) {
  if (std::holds_alternative<Connect>(effect)) {
    open_connection();
  } else if (std::holds_alternative<Disconnect>(effect)) {
    socket_.reset();
    outbox_.clear();
    is_connected_ = false;
  } else if (auto* transmit = std::get_if<Transmit>(&effect)) {
    if (socket_) outbox_.push_back(encode(transmit->message, with_checksum_));
  } else if (auto* ready = std::get_if<Welcomed>(&effect)) {
    with_checksum_ = ready->welcome.checksum;
    is_connected_ = true;
    if (!ready->welcome.bulk_endpoint.empty()) {
      transfers_.set_endpoint(reachable_endpoint(options_.broker, ready->welcome.bulk_endpoint));
    }
  } else if (auto* finished = std::get_if<Finished>(&effect)) {
    const auto entry = continuations_.find(finished->request);
    if (entry == continuations_.end()) return;
    const Continuation done = std::move(entry->second);
    continuations_.erase(entry);
    on_answers_.erase(finished->request);
    done(std::move(finished->outcome));
  } else if (auto* answered = std::get_if<Answered>(&effect)) {
    const auto entry = on_answers_.find(answered->request);
    if (entry != on_answers_.end()) entry->second(answered->answers);
  } else if (auto* delivered = std::get_if<Delivered>(&effect)) {
    deliver(std::move(*delivered));
  } else if (auto* ended = std::get_if<WatchEnded>(&effect)) {
    end_watch(*ended);
  }
}

void PrimaryImpl::open_connection() {
  outbox_.clear();
  with_checksum_ = true;
  checksum_required_ = false;
  socket_ = make_dealer(context_);
  if (const Status connected = socket_->connect(options_.broker); !connected)
    close_reason_ = connected.error().message;
}

void PrimaryImpl::flush(TimePoint now) {
  while (socket_ && !outbox_.empty()) {
    const Status sent = socket_->send(outbox_.front());
    if (!sent && sent.error().code == Code::resource_exhausted) return;
    if (!sent) {
      Effects effects;
      session_.on_closed(now, sent.error().message, effects);
      carry_out(effects);
      return;
    }
    outbox_.pop_front();
  }
}

void PrimaryImpl::deliver(Delivered delivered) {
  std::shared_ptr<Watcher> watcher;
  {
    const std::lock_guard lock(watchers_mutex_);
    const auto entry = watchers_.find(delivered.watch);
    if (entry == watchers_.end()) return;
    watcher = entry->second;
  }
  callbacks_.post([self = shared_from_this(), watcher, delivered = std::move(delivered)] {
    for (const Event& event : delivered.events) {
      if (watcher->is_over) return;
      watcher->on_event(event);
    }
    self->post([self, watch = delivered.watch, generation = delivered.generation,
                sequence = delivered.sequence](TimePoint, Effects& out) {
      self->session_.confirm(watch, generation, sequence, out);
    });
  });
}

void PrimaryImpl::end_watch(const WatchEnded& ended) {
  std::shared_ptr<Watcher> watcher;
  {
    const std::lock_guard lock(watchers_mutex_);
    const auto entry = watchers_.find(ended.watch);
    if (entry == watchers_.end()) return;
    watcher = entry->second;
    watchers_.erase(entry);
  }
  callbacks_.post([watcher, error = ended.error] {
    if (!watcher->is_over.exchange(true) && watcher->on_end) watcher->on_end(error);
  });
}

}  // namespace framebus::client
