// See blob_link.h.
#include "libmsg/blob/blob_link.h"

#include <algorithm>

#include "libmsg/base/limits.h"
#include "libmsg/schema/wire_error.h"

namespace framebus {
namespace {

constexpr Duration greeting_max = seconds(5);
constexpr Duration back_off_min = milliseconds(50);
constexpr Duration back_off_max = seconds(1);
constexpr Duration unsent_retry = milliseconds(1);
constexpr Duration cancel_check = milliseconds(50);
constexpr std::size_t receive_batch = 64;
constexpr std::size_t inbox_messages_max = 4 * limits::blob_window_chunks;

// The request a message answers; 0 for those that answer none.
std::uint64_t request_in(const Message& message) {
  if (const auto* chunk = std::get_if<BlobChunk>(&message)) return chunk->request;
  if (const auto* want = std::get_if<BlobWant>(&message)) return want->request;
  if (const auto* have = std::get_if<BlobHave>(&message)) return have->request;
  if (const auto* error = std::get_if<ErrorReply>(&message)) return error->request;
  return 0;
}

}  // namespace

// ---- channel ----------------------------------------------------------------------------------

BlobLink::Channel::Channel(BlobLink& link, std::uint64_t request)
    : link_(link), request_(request) {}

BlobLink::Channel::~Channel() {
  const std::lock_guard lock(link_.mutex_);
  link_.channels_.erase(request_);
}

bool BlobLink::Channel::is_lost() const {
  const std::lock_guard lock(link_.mutex_);
  return lost_.has_value();
}

void BlobLink::Channel::send(const Message& message, std::vector<Bytes> attachments) {
  bool checksum = true;
  {
    const std::lock_guard lock(link_.mutex_);
    if (lost_) return;  // receive() tells
    checksum = link_.checksum_;
  }
  WireFrames frames = encode(message, checksum, std::move(attachments));
  {
    const std::lock_guard lock(link_.mutex_);
    if (lost_) return;
    link_.outbox_.push_back(std::move(frames));
  }
  link_.wakeup_.notify();
}

Result<BlobLink::Arrived> BlobLink::Channel::receive(TimePoint deadline,
                                                     const std::atomic<bool>* cancelled) {
  std::unique_lock lock(link_.mutex_);
  Error why;
  while (inbox_.empty()) {
    if (lost_) return fail(*lost_);
    if (link_.wait_slice(lock, deadline, cancelled, why)) continue;
    if (why.code == Code::unavailable) {
      why.message = "the bulk endpoint " + link_.endpoint_ + " has stopped answering";
      link_.distrusted_ = true;
      lost_ = why;
      link_.wakeup_.notify();
    }
    return fail(why);
  }
  Arrived arrived = std::move(inbox_.front());
  inbox_.pop_front();
  if (const auto* error = std::get_if<ErrorReply>(&arrived.message))
    return fail(from_wire(error->error));
  return arrived;
}

// ---- link, callers' side ----------------------------------------------------------------------

BlobLink::BlobLink(std::shared_ptr<Context> context, std::string endpoint)
    : context_(std::move(context)), endpoint_(std::move(endpoint)), thread_([this] { run(); }) {}

BlobLink::~BlobLink() {
  shut_down();
  thread_.join();
}

void BlobLink::shut_down() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  wakeup_.notify();
}

void BlobLink::set_endpoint(const std::string& endpoint) {
  const std::lock_guard lock(mutex_);
  if (endpoint == endpoint_) return;
  endpoint_ = endpoint;
  endpoint_changed_ = true;
  wakeup_.notify();
}

bool BlobLink::wait_slice(std::unique_lock<std::mutex>& lock, TimePoint deadline,
                          const std::atomic<bool>* cancelled, Error& why) {
  if (stopping_) {
    why = {Code::shutdown, "the program is shutting down", 0};
    return false;
  }
  if (cancelled && cancelled->load()) {
    why = {Code::cancelled, "the transfer was cancelled", 0};
    return false;
  }
  const Duration left = deadline - now_monotonic();
  if (left <= Duration{0}) {
    why = {Code::unavailable, "no answer in time", 0};
    return false;
  }
  changed_.wait_for(lock, cancelled ? std::min(left, cancel_check) : left);
  return true;
}

Result<std::unique_ptr<BlobLink::Channel>> BlobLink::open(TimePoint deadline,
                                                          const std::atomic<bool>* cancelled) {
  std::unique_lock lock(mutex_);
  ++waiting_count_;
  wakeup_.notify();
  Error why;
  while (state_ != State::ready || endpoint_changed_ || distrusted_) {
    if (wait_slice(lock, deadline, cancelled, why)) continue;
    --waiting_count_;
    if (why.code == Code::unavailable) {
      why.message = "no connection to the bulk endpoint " + endpoint_;
      if (!last_failure_.empty()) why.message += ": " + last_failure_;
    }
    return fail(why);
  }
  --waiting_count_;
  auto channel = std::make_unique<Channel>(*this, next_request_++);
  channels_[channel->request()] = channel.get();
  return channel;
}

// ---- link, the socket's thread ----------------------------------------------------------------

void BlobLink::run() {
  std::vector<Incoming> incoming;
  for (;;) {
    const TimePoint now = now_monotonic();
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) break;
      if (endpoint_changed_ || distrusted_) {
        lose(endpoint_changed_ ? "the broker has moved to " + endpoint_ : "it stopped answering",
             now);
        next_attempt_ = now;
        endpoint_changed_ = distrusted_ = false;
      }
    }
    connect_when_wanted(now);
    flush();
    const Duration timeout = next_timeout(now);
    if (dealer_) {
      wait({}, {dealer_.get()}, &wakeup_, timeout);
    } else {
      wait({}, {}, &wakeup_, timeout);
    }
    wakeup_.drain();
    incoming.clear();
    if (dealer_) dealer_->receive(incoming, receive_batch);
    for (Incoming& each : incoming) take(std::move(each), now_monotonic());
  }
  if (dealer_) dealer_->close(Duration{0});
}

Duration BlobLink::next_timeout(TimePoint now) {
  const std::lock_guard lock(mutex_);
  if (!unsent_.empty() || !outbox_.empty()) return unsent_retry;
  if (state_ == State::greeting) return std::max(Duration{0}, greeting_ends_ - now);
  if (state_ == State::idle && waiting_count_ > 0)
    return std::max(Duration{0}, next_attempt_ - now);
  return seconds(60);
}

void BlobLink::connect_when_wanted(TimePoint now) {
  const std::lock_guard lock(mutex_);
  if (state_ == State::greeting && now >= greeting_ends_) lose("it did not answer Hello", now);
  if (state_ != State::idle || waiting_count_ == 0 || now < next_attempt_) return;
  dealer_ = make_dealer(context_);
  if (const Status connecting = dealer_->connect(endpoint_); !connecting) {
    return lose(connecting.error().message, now);
  }
  Hello hello;
  hello.role = Role::bulk;
  hello.program = "framebus " FRAMEBUS_VERSION;
  unsent_.push_back(encode(hello, true));
  state_ = State::greeting;
  greeting_ends_ = now + greeting_max;
}

void BlobLink::flush() {
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::ready) {
      std::move(outbox_.begin(), outbox_.end(), std::back_inserter(unsent_));
      outbox_.clear();
    }
  }
  while (dealer_ && !unsent_.empty() && dealer_->send(unsent_.front())) unsent_.pop_front();
}

void BlobLink::take(Incoming&& incoming, TimePoint now) {
  if (!dealer_) return;  // what came before it ended the connection
  if (incoming.kind == Incoming::Kind::closed) {
    const std::lock_guard lock(mutex_);
    return lose(incoming.reason, now);
  }
  const std::size_t fixed = std::min<std::size_t>(incoming.parts.size(), 3);
  const std::vector<BytesView> views(incoming.parts.begin(),
                                     incoming.parts.begin() + static_cast<std::ptrdiff_t>(fixed));
  auto decoded = decode(views, false);
  const std::lock_guard lock(mutex_);
  if (!decoded) return lose("it sent what can not be decoded: " + decoded.error().message, now);
  Arrived arrived{std::move(decoded->message), {}};
  for (std::size_t i = 3; i < incoming.parts.size(); ++i)
    arrived.attachments.push_back(std::move(incoming.parts[i]));
  if (const auto* refused = std::get_if<Refused>(&arrived.message))
    return lose(from_wire(refused->error).message, now);
  if (const auto* welcome = std::get_if<Welcome>(&arrived.message)) return on_welcome(*welcome);
  if (const auto* goodbye = std::get_if<Goodbye>(&arrived.message))
    return lose(goodbye->reason, now);
  deliver(request_in(arrived.message), std::move(arrived));
}

void BlobLink::on_welcome(const Welcome& welcome) {
  if (state_ != State::greeting) return;
  state_ = State::ready;
  checksum_ = welcome.checksum;
  back_off_ = Duration{0};
  last_failure_.clear();
  changed_.notify_all();
}

void BlobLink::deliver(std::uint64_t request, Arrived&& arrived) {
  const auto found = channels_.find(request);
  if (found == channels_.end()) return;  // of a transfer that ended; late chunks of it are expected
  Channel& channel = *found->second;
  if (channel.inbox_.size() >= inbox_messages_max) {
    channel.lost_ =
        Error{Code::resource_exhausted, "the bulk endpoint sends more than was asked for", 0};
  } else {
    channel.inbox_.push_back(std::move(arrived));
  }
  changed_.notify_all();
}

// Called with the mutex held. Channels of the connection fail; those waiting in open() go on
// waiting.
void BlobLink::lose(const std::string& reason, TimePoint now) {
  dealer_.reset();
  unsent_.clear();
  outbox_.clear();
  state_ = State::idle;
  last_failure_ = reason;
  for (auto& [request, channel] : channels_) {
    if (!channel->lost_) {
      channel->lost_ =
          Error{Code::unavailable, "lost the bulk endpoint " + endpoint_ + ": " + reason, 0};
    }
  }
  back_off_ = std::clamp(back_off_ * 2, back_off_min, back_off_max);
  next_attempt_ = now + back_off_;
  changed_.notify_all();
}

}  // namespace framebus
