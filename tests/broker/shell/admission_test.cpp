// Who may send what, over all messages and both sides.
#include "broker/shell/admission.h"

#include <doctest/doctest.h>

#include <set>
#include <utility>

#include "libmsg/codec/codec.h"

namespace framebus::broker {
namespace {

template <std::size_t... I>
std::vector<Message> all_messages(std::index_sequence<I...>) {
  return {Message(std::variant_alternative_t<I, Message>{})...};
}

TEST_CASE("admission: each side may send exactly its own messages") {
  const std::set<std::string> primary = {
      "Goodbye", "Submit",   "SubmitOpen", "SubmitPart", "SubmitCommit", "Act",       "Query",
      "Watch",   "EventsOk", "Unwatch",    "LogRead",    "Command",      "Administer"};
  const std::set<std::string> worker = {"Goodbye",  "Heartbeat",    "Started",
                                        "Progress", "Results",      "Aborted",
                                        "Log",      "CommandReply", "Ready"};
  for (const Message& message :
       all_messages(std::make_index_sequence<std::variant_size_v<Message>>())) {
    const std::string name = framebus::name_of(message);
    CAPTURE(name);
    CHECK(check_may_send(Side::primary, message).has_value() == primary.contains(name));
    CHECK(check_may_send(Side::worker, message).has_value() == worker.contains(name));
  }
}

TEST_CASE("admission: a refusal names the message and who may send it") {
  CHECK(check_may_send(Side::worker, Submit{}).error().message ==
        "Submit is sent by a primary, not by a worker");
  CHECK(check_may_send(Side::primary, Results{}).error().message ==
        "Results is sent by a worker, not by a primary");
  CHECK(check_may_send(Side::primary, Welcome{}).error().message ==
        "Welcome is sent by the broker, not by a primary");
}

TEST_CASE("admission: a role on the wrong endpoint is told the right one") {
  const Endpoints endpoints{"tcp://127.0.0.1:1", "tcp://127.0.0.1:2", "tcp://127.0.0.1:3"};
  CHECK(check_role(Side::primary, Role::primary, endpoints));
  CHECK(check_role(Side::worker, Role::worker, endpoints));
  const Status worker = check_role(Side::primary, Role::worker, endpoints);
  REQUIRE_FALSE(worker);
  CHECK(worker.error().message.find("tcp://127.0.0.1:2") != std::string::npos);
  CHECK(check_role(Side::worker, Role::primary, endpoints).error().message.find(":1") !=
        std::string::npos);
  CHECK(check_role(Side::worker, Role::bulk, endpoints).error().message.find(":3") !=
        std::string::npos);
  CHECK(check_role(Side::worker, Role::none, endpoints).error().code == Code::invalid_argument);
  CHECK_FALSE(check_role(Side::worker, static_cast<Role>(77), endpoints));
}

TEST_CASE("admission: the request id is found in every message that has one") {
  CHECK(request_in(Message(Query{7, {}, {}, 0, 0})) == 7);
  CHECK(request_in(Message(Heartbeat{})) == 0);
}

}  // namespace
}  // namespace framebus::broker
