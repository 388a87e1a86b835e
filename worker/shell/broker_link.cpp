#include "worker/shell/broker_link.h"

#include "libmsg/codec/codec.h"

namespace framebus::worker {
namespace {

constexpr std::size_t messages_per_turn = 256;
constexpr Duration farewell = milliseconds(500);

}  // namespace

void BrokerLink::open(const Connect& action, std::vector<Event>& events) {
  connection_ = action.connection;
  outbox_.clear();
  checksum_ = checksum_wanted_;
  socket_ = make_dealer(context_);
  if (Status connected = socket_->connect(action.url); !connected)
    return drop(events, connected.error().message);
  events.emplace_back(Connected{connection_});
}

void BrokerLink::send(const Send& action, std::vector<Event>& events) {
  if (!socket_ || action.connection != connection_) return;
  outbox_.push_back(encode(action.message, checksum_));
  flush(events);
}

bool BrokerLink::flush(std::vector<Event>& events) {
  while (socket_ && !outbox_.empty()) {
    const Status sent = socket_->send(outbox_.front());
    if (sent) {
      outbox_.pop_front();
      continue;
    }
    if (sent.error().code == Code::resource_exhausted) return false;
    drop(events, sent.error().message);
  }
  return true;
}

void BrokerLink::close(const Disconnect& action) {
  if (!socket_ || action.connection != connection_) return;
  std::vector<Event> ignored;
  flush(ignored);
  if (socket_) socket_->close(farewell);
  socket_.reset();
  outbox_.clear();
}

void BrokerLink::receive(std::vector<Event>& events) {
  if (!socket_) return;
  incoming_.clear();
  socket_->receive(incoming_, messages_per_turn);
  for (const Incoming& each : incoming_) {
    if (each.kind == Incoming::Kind::closed) return drop(events, each.reason);
    const std::vector<BytesView> parts(each.parts.begin(), each.parts.end());
    Result<Decoded> decoded = decode(parts, false);
    if (!decoded) return drop(events, decoded.error().context("message from the broker").message);
    if (const auto* welcome = std::get_if<Welcome>(&decoded->message))
      checksum_ = welcome->checksum;
    events.emplace_back(Received{connection_, std::move(decoded->message)});
  }
}

void BrokerLink::drop(std::vector<Event>& events, const std::string& reason) {
  socket_.reset();
  outbox_.clear();
  events.emplace_back(Closed{connection_, reason});
}

}  // namespace framebus::worker
