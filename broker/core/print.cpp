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
  std::string operator()(const StoreLog& action) const {
    return "StoreLog " + of(action) + " at " + std::to_string(action.offset) + " " +
           std::to_string(action.bytes.size()) + " bytes";
  }
  std::string operator()(const LogEnded& action) const { return "LogEnded " + of(action); }
  std::string operator()(const ReadLog& action) const {
    return "ReadLog " + at(action.session) + printing::named(Message(action.read)) +
           (action.open ? " open" : "");
  }
  std::string operator()(const DropLogs& action) const {
    return "DropLogs job " + to_string(action.job);
  }
  std::string operator()(const Archive& action) const {
    return "Archive job " + to_string(action.piece.job) + " from " +
           std::to_string(action.piece.first_task) + (action.piece.last ? " last" : "") +
           " after " + std::to_string(action.after_lsn);
  }
  std::string operator()(const LoadArchived& action) const {
    return "LoadArchived job " + to_string(action.job);
  }
  std::string operator()(const ListArchived& action) const {
    return "ListArchived " + at(action.session) + printing::named(Message(action.query));
  }
  std::string operator()(const DropBlobs& action) const {
    return "DropBlobs " + std::to_string(action.blobs.size());
  }

  template <class AboutAttempt>
  static std::string of(const AboutAttempt& action) {
    return to_string(action.task) + " " + std::to_string(action.epoch) + "." +
           std::to_string(action.grant);
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
  std::string operator()(const Synced& event) const { return "Synced " + std::to_string(event.lsn); }
  std::string operator()(const Archived& event) const {
    return "Archived job " + to_string(event.job) + " from " + std::to_string(event.first_task) +
           (event.error.empty() ? "" : " failed: " + event.error);
  }
  std::string operator()(const ArchiveLoaded& event) const {
    return "ArchiveLoaded job " + to_string(event.job) + " " + std::to_string(event.pieces.size()) +
           " pieces" + (event.error.empty() ? "" : " failed: " + event.error);
  }
  std::string operator()(const BlobsOffered& event) const {
    return "BlobsOffered " + std::to_string(event.blobs.size());
  }
  std::string operator()(const Stopping&) const { return "Stopping"; }
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
