// to_string() of events, actions and records.
#include "broker/core/print.h"

#include "broker/core/action.h"
#include "broker/core/event.h"

namespace framebus::broker {
namespace {

std::string at(SessionId session) {
  return "session " + to_string(session) + " ";
}

struct ActionText {
  std::string operator()(const Persist& action) const {
    return "Persist " + std::to_string(action.lsn) + " " + to_string(action.record);
  }
  std::string operator()(const Send& action) const {
    std::string out = "Send " + at(action.session) + printing::named(action.message);
    if (action.after_lsn > 0) out += " after " + std::to_string(action.after_lsn);
    return out;
  }
  std::string operator()(const CloseSession& action) const {
    return "CloseSession " + at(action.session) + action.reason;
  }
  std::string operator()(const Note& action) const {
    return "Note " + std::to_string(action.level) + " " + action.text;
  }
};

struct EventText {
  std::string operator()(const PeerHello& event) const {
    return "PeerHello " + at(event.session) + printing::named(Message(event.hello)) + " from " +
           event.address;
  }
  std::string operator()(const PeerLost& event) const {
    return "PeerLost " + at(event.session) + event.reason;
  }
  std::string operator()(const SendFailed& event) const {
    return "SendFailed " + at(event.session) + printing::named(event.message);
  }
  std::string operator()(const Received& event) const {
    return "Received " + at(event.session) + printing::named(event.message) +
           (event.missing.empty() ? "" : " missing " + std::to_string(event.missing.size()));
  }
  std::string operator()(const StorePressure& event) const {
    return std::string("StorePressure ") + (event.full ? "full " : "over ") + event.detail;
  }
  std::string operator()(const Tick& event) const {
    return "Tick stalled " + std::to_string(event.stalled.count()) + " ns";
  }
};

}  // namespace

std::string to_string(const Record& record) {
  return printing::named(record);
}
std::string to_string(const Action& action) {
  return std::visit(ActionText{}, action);
}
std::string to_string(const Event& event) {
  return std::visit(EventText{}, event);
}

}  // namespace framebus::broker
