// See delivery.h.
#include "broker/shell/delivery.h"

#include "libmsg/base/check.h"
#include "libmsg/base/log.h"
#include "libmsg/schema/wire_error.h"

namespace framebus::broker {
namespace {

constexpr std::size_t farewells_max = 256;
constexpr unsigned farewell_tries_max = 30;

}  // namespace

Delivery::Delivery(SessionTable& sessions, Routers routers, std::size_t outbox_bytes_max)
    : sessions_(sessions), routers_(routers), outbox_bytes_max_(outbox_bytes_max) {}

WireFrames Delivery::encode_bounded(const Message& message, bool checksum, std::size_t& bytes) {
  const auto count = [&bytes](const WireFrames& frames) {
    bytes = 0;
    for (const Bytes& part : frames.parts) bytes += part.size();
  };
  WireFrames frames = encode(message, checksum);
  count(frames);
  if (bytes <= limits::wire_message_bytes_max) return frames;
  // The receiver would refuse it as malformed; tell the one who asked what to do instead.
  ++counters_.too_large;
  log_error("delivery", "a message is larger than the wire allows",
            {{"type", name_of(message)}, {"bytes", bytes}});
  frames =
      encode(error_reply(request_in(message), {Code::resource_exhausted,
                                               std::string(name_of(message)) + " would have " +
                                                   std::to_string(bytes) + " bytes of at most " +
                                                   std::to_string(limits::wire_message_bytes_max) +
                                                   "; ask for fewer elements at once",
                                               0}),
             checksum);
  count(frames);
  return frames;
}

void Delivery::send(SessionId id, const Message& message) {
  ++counters_.made;
  PeerSession* const session = sessions_.find(id);
  if (!session || closing_.contains(id)) {
    ++counters_.dropped_with_session;
    return;
  }
  if (const auto* welcome = std::get_if<Welcome>(&message)) session->checksum = welcome->checksum;
  UnsentMessage unsent;
  unsent.frames = encode_bounded(message, session->checksum, unsent.bytes);
  if (session->outbox.empty()) {
    const Status sent = routers_[static_cast<std::size_t>(session->peer.side)]->send(
        session->peer.peer, unsent.frames);
    if (sent) {
      ++counters_.handed_over;
      return;
    }
    if (sent.error().code == Code::unavailable) {
      // Its PeerLost comes from the socket; until then each message fails by itself.
      ++counters_.refused;
      events_.push_back(SendFailed{id, message});
      return;
    }
  }
  unsent.message = message;
  session->outbox_bytes += unsent.bytes;
  session->outbox.push_back(std::move(unsent));
  ++counters_.outstanding;
  unsent_.insert(id);
  if (session->outbox_bytes > outbox_bytes_max_) drop_slow_consumer(*session);
}

void Delivery::drop_slow_consumer(PeerSession& session) {
  ++counters_.slow_consumers;
  const std::string reason = "slow_consumer: " + std::to_string(session.outbox_bytes) +
                             " bytes wait for it, at most " + std::to_string(outbox_bytes_max_) +
                             " may";
  drop(session.id, reason);
}

void Delivery::drop(SessionId id, const std::string& reason) {
  const PeerSession* const session = sessions_.find(id);
  if (!session) return;
  const PeerKey peer = session->peer;
  log_warning("delivery", "peer dropped", {{"session", id.value}, {"reason", reason}});
  const Farewell farewell{
      encode(error_reply(0, {Code::no_session, reason + "; connect anew and go on from there", 0}),
             session->checksum),
      0};
  lost(id, reason);
  if (farewells_.size() < farewells_max) {
    farewells_.emplace(peer, farewell);
  } else {
    routers_[static_cast<std::size_t>(peer.side)]->forget(peer.peer);
  }
}

// True when there is nothing more to say to the peer.
bool Delivery::try_farewell(const PeerKey& peer, const Farewell& farewell) {
  RouterSocket& router = *routers_[static_cast<std::size_t>(peer.side)];
  const Status sent = router.send(peer.peer, farewell.frames);
  const bool has_room = sent || sent.error().code != Code::resource_exhausted;
  if (has_room || farewell.tries >= farewell_tries_max) {
    router.forget(peer.peer);
    return true;
  }
  return false;
}

void Delivery::say_farewells() {
  for (auto next = farewells_.begin(); next != farewells_.end();) {
    const auto current = next++;
    ++current->second.tries;
    if (try_farewell(current->first, current->second)) farewells_.erase(current);
  }
}

void Delivery::forget_farewell(const PeerKey& peer) {
  farewells_.erase(peer);
}

void Delivery::reply(const PeerKey& peer, const Message& message) {
  const PeerSession* const session = sessions_.find(peer);
  if (session) return send(session->id, message);
  ++counters_.made;
  const Status sent =
      routers_[static_cast<std::size_t>(peer.side)]->send(peer.peer, encode(message, true));
  ++(sent ? counters_.handed_over : counters_.refused);
}

void Delivery::close(SessionId id, const std::string& reason) {
  PeerSession* const session = sessions_.find(id);
  if (!session) return;
  log_debug("delivery", "session closed", {{"session", id.value}, {"reason", reason}});
  if (!session->outbox.empty()) {
    closing_.insert(id);
    return;
  }
  routers_[static_cast<std::size_t>(session->peer.side)]->forget(session->peer.peer);
  sessions_.remove(id);
}

void Delivery::lost(SessionId id, const std::string& reason) {
  PeerSession* const session = sessions_.find(id);
  if (!session) return;
  const bool told = closing_.erase(id) > 0;  // the core closed it and knows
  counters_.outstanding -= session->outbox.size();
  counters_.dropped_with_session += session->outbox.size();
  for (UnsentMessage& unsent : session->outbox) {
    if (told) break;
    events_.push_back(SendFailed{id, std::move(unsent.message)});
  }
  unsent_.erase(id);
  sessions_.remove(id);
  if (!told) events_.push_back(PeerLost{id, reason});
}

bool Delivery::flush_session(PeerSession& session) {
  RouterSocket& router = *routers_[static_cast<std::size_t>(session.peer.side)];
  while (!session.outbox.empty()) {
    const Status sent = router.send(session.peer.peer, session.outbox.front().frames);
    if (!sent && sent.error().code == Code::unavailable) {
      lost(session.id, "its connection is gone");
      return false;
    }
    if (!sent) return true;
    ++counters_.handed_over;
    --counters_.outstanding;
    session.outbox_bytes -= session.outbox.front().bytes;
    session.outbox.pop_front();
  }
  return true;
}

void Delivery::flush() {
  for (auto next = unsent_.begin(); next != unsent_.end();) {
    const SessionId id = *next++;
    PeerSession* const session = sessions_.find(id);
    if (session && (!flush_session(*session) || !session->outbox.empty())) continue;
    unsent_.erase(id);
    if (closing_.erase(id) > 0) close(id, "after its last message");
  }
}

void Delivery::check_conservation() const {
  std::uint64_t outstanding = 0;
  for (const SessionId id : unsent_) {
    const PeerSession* const session = sessions_.find(id);
    if (session) outstanding += session->outbox.size();
  }
  FRAMEBUS_CHECK(outstanding == counters_.outstanding, "an outbox holds what was not counted");
  FRAMEBUS_CHECK(counters_.made == counters_.handed_over + counters_.refused +
                                       counters_.outstanding + counters_.dropped_with_session,
                 "a message has disappeared");
}

std::vector<Event> Delivery::take_events() {
  std::vector<Event> events;
  events.swap(events_);
  return events;
}

}  // namespace framebus::broker
