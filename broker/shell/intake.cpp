// See intake.h.
#include "broker/shell/intake.h"

#include <algorithm>

#include "broker/core/uploads.h"
#include "libmsg/base/log.h"
#include "libmsg/schema/wire_error.h"

namespace framebus::broker {
namespace {

// What a message may cost the core, as a number of cheap ones: short ones can ask for long lists.
struct Weight {
  template <class M>
  std::uint64_t operator()(const M&) const {
    using std::is_same_v;
    constexpr bool may_ask_for_much = is_same_v<M, Query> || is_same_v<M, Act> ||
                                      is_same_v<M, Administer> || is_same_v<M, Command> ||
                                      is_same_v<M, LogRead> || is_same_v<M, Watch> ||
                                      is_same_v<M, SubmitCommit>;
    return may_ask_for_much ? Intake::heavy_weight : 1;
  }
};

}  // namespace

Intake::Intake(SessionTable& sessions, Delivery& delivery, InputCheck& inputs, const Core& core,
               Delivery::Routers routers, Endpoints endpoints)
    : sessions_(sessions),
      delivery_(delivery),
      inputs_(inputs),
      core_(core),
      routers_(routers),
      endpoints_(std::move(endpoints)) {}

bool Intake::receive(std::vector<Event>& events, std::size_t max) {
  bool more = false;
  const TimePoint now = now_monotonic();
  for (InputCheck::Checked& each : inputs_.take(now)) take(std::move(each), events);
  const auto is_there = [this](SessionId id) { return sessions_.find(id) != nullptr; };
  for (ResultCheck::Known& each : results_.take(now, is_there))
    events.push_back(Received{each.session, std::move(each.results), {}});
  // Neither side can take the other's half; what the workers leave of theirs the primaries may use.
  const std::size_t taken = receive_from(Side::worker, max, bytes_max / 2, more, events);
  receive_from(Side::primary, max, bytes_max - std::min(taken, bytes_max / 2), more, events);
  return more;
}

std::size_t Intake::receive_from(Side side, std::size_t max, std::size_t bytes, bool& more,
                                 std::vector<Event>& events) {
  FairQueue& waiting = waiting_[static_cast<std::size_t>(side)];
  taken_weight_ = 0;
  peer_weights_.clear();
  take_waiting(side, weight_max / 2, events);
  // The socket goes round its peers, so whoever floods it leaves room for the others in here, too.
  const std::size_t room = max - std::min(max, waiting.size());
  const std::size_t bytes_room = bytes - std::min(bytes, waiting.bytes());
  arrivals_.clear();
  if (room > 0 && bytes_room > 0)
    routers_[static_cast<std::size_t>(side)]->receive(arrivals_, room, bytes_room);
  std::size_t taken = 0;
  for (Incoming& each : arrivals_) {
    taken += frame_bytes(each);
    const auto weight = peer_weights_.find(each.peer);
    if (taken_weight_ >= weight_max || waiting.holds_any_of(each.peer) ||
        (weight != peer_weights_.end() && weight->second >= peer_weight_max)) {
      waiting.add(std::move(each));
    } else {
      take(side, each, events);
    }
  }
  take_waiting(side, weight_max, events);
  more = more || !waiting.is_empty() || arrivals_.size() >= room || taken >= bytes_room;
  arrivals_.clear();
  return taken;
}

// Until the turn has so much weight.
void Intake::take_waiting(Side side, std::uint64_t weight_until, std::vector<Event>& events) {
  FairQueue& waiting = waiting_[static_cast<std::size_t>(side)];
  while (!waiting.is_empty() && taken_weight_ < weight_until) take(side, waiting.take(), events);
}

void Intake::take(Side side, const Incoming& incoming, std::vector<Event>& events) {
  const PeerKey peer{side, incoming.peer};
  const PeerSession* const session = sessions_.find(peer);
  if (incoming.kind == Incoming::Kind::closed) {
    if (session) delivery_.lost(session->id, "its connection is gone");
    delivery_.forget_farewell(peer);
    for (Event& event : delivery_.take_events()) events.push_back(std::move(event));
    return;
  }
  ++counters_.received;
  const std::vector<BytesView> parts(incoming.parts.begin(), incoming.parts.end());
  auto decoded = decode(parts, session && session->checksum);
  if (!decoded) return on_malformed(peer, session, parts, decoded.error(), events);
  Message& message = decoded->message;
  const std::uint64_t weight = std::visit(Weight{}, message);
  taken_weight_ += weight;
  if (weight > 1) peer_weights_[incoming.peer] += weight;
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
  std::vector<InputCheck::Wanted> wanted;
  if (const auto* submit = std::get_if<Submit>(&received.message)) {
    wanted = InputCheck::inputs_of(submit->job);
  } else if (const auto* open = std::get_if<SubmitOpen>(&received.message)) {
    wanted = InputCheck::inputs_of(open->job);
  } else if (const auto* commit = std::get_if<SubmitCommit>(&received.message)) {
    wanted = inputs_of_commit(*commit, events);
  } else if (auto* results = std::get_if<Results>(&received.message)) {
    if (!check_results(session->id, *results, events)) return;
  }
  if (wanted.empty()) return events.push_back(std::move(received));
  auto checked = inputs_.check(std::move(received), std::move(wanted), frame_bytes(incoming));
  if (checked) take(std::move(*checked), events);
}

void Intake::take(InputCheck::Checked&& checked, std::vector<Event>& events) {
  if (!checked.refusal) return events.push_back(std::move(checked.received));
  ++counters_.refused;
  delivery_.send(checked.received.session,
                 error_reply(request_in(checked.received.message), *checked.refusal));
}

std::vector<InputCheck::Wanted> Intake::inputs_of_commit(const SubmitCommit& commit,
                                                         const std::vector<Event>& events) const {
  std::vector<BlobRef> inputs = inputs_of_upload(core_.state(), commit.submit_id);
  for (const Event& event : events) {
    const auto* const received = std::get_if<Received>(&event);
    const auto* const open = received ? std::get_if<SubmitOpen>(&received->message) : nullptr;
    if (!open || open->submit_id != commit.submit_id) continue;
    for (const StepSpec& step : open->job.steps)
      inputs.insert(inputs.end(), step.inputs.begin(), step.inputs.end());
  }
  return InputCheck::inputs_of(inputs);
}

// When no more results can wait for their blobs to be looked up, their worker is told to connect
// anew: it has kept them and says them again, after its back-off. All of this message, since what
// is confirmed of it would not be said again.
bool Intake::check_results(SessionId session, Results& results, std::vector<Event>& events) {
  const bool had_some = !results.results.empty();
  const Status checked = results_.check(session, results, now_monotonic());
  if (checked) return !had_some || !results.results.empty();
  ++counters_.refused;
  delivery_.drop(session, "whether the blobs of its results are stored can not be told now: " +
                              checked.error().message);
  for (Event& event : delivery_.take_events()) events.push_back(std::move(event));
  return false;
}

void Intake::on_malformed(const PeerKey& peer, const PeerSession* session,
                          std::span<const BytesView> parts, const Error& error,
                          std::vector<Event>& events) {
  ++counters_.malformed;
  log_debug("intake", "message not understood",
            {{"side", name_of(peer.side)}, {"error", error.message}});
  if (is_damaged(parts)) {
    // Its sender believes that it has arrived. So the connection ends, and what counts is repeated.
    // The request's own number is not used: that would be an answer, and it may be damaged, too.
    ++counters_.damaged;
    if (!session)
      return delivery_.reply(peer, error_reply(0, {Code::no_session, error.message, 0}));
    delivery_.drop(session->id, error.message);
    for (Event& event : delivery_.take_events()) events.push_back(std::move(event));
    return;
  }
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
  // A session made now would outlive its connection: nobody would hear of its end.
  if (delivery_.has_farewell(peer)) {
    ++counters_.refused;
    return;
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

}  // namespace framebus::broker
