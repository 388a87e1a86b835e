// See intake.h.
#include "broker/shell/intake.h"

#include <set>

#include "libmsg/base/log.h"
#include "libmsg/schema/wire_error.h"

namespace framebus::broker {

Intake::Intake(SessionTable& sessions, Delivery& delivery, const BlobStore& blobs,
               Delivery::Routers routers, Endpoints endpoints)
    : sessions_(sessions),
      delivery_(delivery),
      blobs_(blobs),
      routers_(routers),
      endpoints_(std::move(endpoints)) {}

bool Intake::receive(std::vector<Event>& events, std::size_t max) {
  bool more = false;
  for (const Side side : {Side::worker, Side::primary}) {
    incoming_.clear();
    routers_[static_cast<std::size_t>(side)]->receive(incoming_, max);
    more |= incoming_.size() >= max;
    for (const Incoming& each : incoming_) take(side, each, events);
  }
  return more;
}

void Intake::take(Side side, const Incoming& incoming, std::vector<Event>& events) {
  const PeerKey peer{side, incoming.peer};
  const PeerSession* const session = sessions_.find(peer);
  if (incoming.kind == Incoming::Kind::closed) {
    if (session) delivery_.lost(session->id, "its connection is gone");
    for (Event& event : delivery_.take_events()) events.push_back(std::move(event));
    return;
  }
  ++counters_.received;
  const std::vector<BytesView> parts(incoming.parts.begin(), incoming.parts.end());
  auto decoded = decode(parts, session && session->checksum);
  if (!decoded) return on_malformed(peer, session, parts, decoded.error());
  Message& message = decoded->message;
  if (auto* hello = std::get_if<Hello>(&message))
    return on_hello(peer, session, std::move(*hello), events);
  if (std::holds_alternative<ErrorReply>(message))
    return;  // answering errors with errors would never end
  if (!session) {
    ++counters_.refused;
    return delivery_.reply(
        peer, error_reply(request_in(message),
                          {Code::no_session,
                           std::string("say Hello before ") + framebus::name_of(message) +
                               " (this broker does not know the connection)",
                           0}));
  }
  if (const Status may = check_may_send(side, message); !may) {
    ++counters_.refused;
    return delivery_.reply(peer, error_reply(request_in(message), may.error()));
  }
  Received received{session->id, std::move(message), {}};
  if (const auto* submit = std::get_if<Submit>(&received.message)) {
    auto missing = missing_inputs(submit->job);
    if (!missing) return delivery_.reply(peer, error_reply(submit->request, missing.error()));
    received.missing = std::move(*missing);
  }
  events.push_back(std::move(received));
}

void Intake::on_malformed(const PeerKey& peer, const PeerSession* session,
                          std::span<const BytesView> parts, const Error& error) {
  ++counters_.malformed;
  log_debug("intake", "message not understood",
            {{"side", name_of(peer.side)}, {"error", error.message}});
  // Before a session exists the peer expects Welcome or Refused, and a foreign version understands
  // no more.
  if (!session && error.code == Code::unsupported_version) {
    return delivery_.reply(peer, Refused{to_wire(error)});
  }
  delivery_.reply(peer, error_reply(request_of(parts), error));
}

void Intake::on_hello(const PeerKey& peer, const PeerSession* session, Hello&& hello,
                      std::vector<Event>& events) {
  if (session) {
    ++counters_.refused;
    return delivery_.reply(
        peer,
        error_reply(0, {Code::failed_precondition,
                        "this connection has a session; connect anew to say Hello again", 0}));
  }
  if (const Status right = check_role(peer.side, hello.role, endpoints_); !right) {
    ++counters_.refused;
    return delivery_.reply(peer, Refused{to_wire(right.error())});
  }
  PeerSession& made = sessions_.add(peer);
  made.checksum = true;  // until its Welcome says otherwise
  std::string address = hello.worker.address;
  events.push_back(PeerHello{made.id, std::move(hello), std::move(address)});
}

Result<std::vector<BlobRef>> Intake::missing_inputs(const JobSpec& job) const {
  std::vector<BlobRef> missing;
  std::set<BlobHash> seen;
  for (const StepSpec& step : job.steps) {
    for (const BlobRef& input : step.inputs) {
      if (!seen.insert(input.hash).second) continue;
      const auto size = blobs_.size_of(input.hash);
      if (!size) {
        missing.push_back(input);
      } else if (*size != input.size) {
        return fail(Code::invalid_argument, "input \"" + input.name + "\" of step \"" + step.name +
                                                "\" is said to have " + std::to_string(input.size) +
                                                " bytes; blob " + to_string(input.hash) + " has " +
                                                std::to_string(*size));
      }
    }
  }
  return missing;
}

}  // namespace framebus::broker
