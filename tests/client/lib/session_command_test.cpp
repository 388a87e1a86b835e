// Commands to workers: sent once, completed always.
#include <doctest/doctest.h>

#include "tests/client/lib/session_driver.h"

using namespace framebus;
using namespace framebus::client;

namespace {

Command command(std::uint64_t request = 0, std::int64_t deadline_ms = 0) {
  Command out;
  out.request = request;
  out.target = CommandTarget::all;
  out.verb = "load_map";
  out.deadline_ms = deadline_ms;
  return out;
}

CommandAnswer answer(std::uint8_t worker, Code code = Code::ok) {
  CommandAnswer out;
  out.worker.bytes[15] = worker;
  out.error.code = static_cast<std::uint16_t>(code);
  return out;
}

CommandDone done(std::uint64_t request, std::vector<CommandAnswer> answers, bool last) {
  CommandDone out;
  out.request = request;
  out.answers = std::move(answers);
  out.last = last;
  return out;
}

Code code_of(const Effect& effect) {
  return std::get<Finished>(effect).outcome.error().code;
}

}  // namespace

TEST_CASE("command: answers are told as they come and are all in the outcome") {
  Driver d;
  d.connect();
  CHECK(d.request(1, command(), seconds(5)) == Effects{Transmit{command(1, 5000)}});
  CHECK(d.message(done(1, {answer(1)}, false)) == Effects{Answered{1, {answer(1)}}});
  CHECK(d.message(done(1, {}, false)).empty());
  CHECK(d.message(done(1, {answer(2, Code::worker_lost)}, true)) ==
        Effects{Answered{1, {answer(2, Code::worker_lost)}},
                Finished{1, Message{done(1, {answer(1), answer(2, Code::worker_lost)}, true)}}});
  CHECK(d.message(done(1, {answer(3)}, true)).empty());
}

TEST_CASE("command: the broker is told what is left of the deadline when it is sent") {
  Driver d;
  d.start();
  CHECK(d.request(1, command(), seconds(5)).empty());
  d.now += milliseconds(1500);
  CHECK(d.message(Welcome{}) == Effects{Welcomed{Welcome{}}, Transmit{command(1, 3500)}});
}

TEST_CASE("command: one that was sent ends with its connection and is not sent again") {
  Driver d;
  d.connect();
  d.request(1, command());
  d.query(2);
  const Effects out = d.closed("the connection was lost");
  REQUIRE(out.size() == 2);
  CHECK(out[0] == Effect{Disconnect{"the connection was lost"}});
  CHECK(code_of(out[1]) == Code::unavailable);
  CHECK(std::get<Finished>(out[1]).outcome.error().message.find("is unknown") != std::string::npos);
  CHECK(d.reconnect() == Effects{Welcomed{Welcome{}}, Transmit{query_message(2)}});
}

TEST_CASE("command: one that was never sent waits for a broker, then is unavailable") {
  Driver d;
  d.start();
  d.request(1, command(), seconds(2));
  d.closed();
  d.request(2, command(), seconds(60));
  const Effects ended = d.after(seconds(2));
  REQUIRE(!ended.empty());
  CHECK(code_of(ended[0]) == Code::unavailable);
  const Effects out = d.reconnect();
  REQUIRE(out.size() == 2);
  CHECK(std::get<Command>(std::get<Transmit>(out[1]).message).request == 2);
}

TEST_CASE("command: a broker that does not answer is given a slack beyond the deadline") {
  Driver d;
  d.connect();
  d.request(1, command(), seconds(5));
  CHECK(d.after(seconds(5)).empty());
  CHECK(d.after(milliseconds(1999)).empty());
  const Effects out = d.after(milliseconds(1));
  REQUIRE(out.size() == 1);
  CHECK(code_of(out[0]) == Code::deadline_exceeded);
}

TEST_CASE("command: no worker, a full broker and a shutdown are typed errors") {
  Driver d;
  d.connect();
  d.request(1, command());
  CHECK(code_of(d.message(error_reply(1, Code::no_worker, "none"))[0]) == Code::no_worker);
  d.request(2, command());
  CHECK(code_of(d.message(error_reply(2, Code::resource_exhausted, "4096", 100))[0]) ==
        Code::resource_exhausted);
  d.request(3, command());
  CHECK(code_of(d.stop()[0]) == Code::shutdown);
}

TEST_CASE("command: one that is cancelled ends at once, and an answer that comes late is ignored") {
  Driver d;
  d.connect();
  d.request(1, command(), seconds(5));
  d.message(done(1, {answer(1)}, false));
  const Effects ended = d.cancel(1);
  REQUIRE(ended.size() == 1);
  CHECK(code_of(ended[0]) == Code::cancelled);
  CHECK(d.session.outstanding_count() == 0);
  CHECK(d.message(done(1, {answer(2)}, true)).empty());
  CHECK(d.message(error_reply(1, Code::no_worker, "late")).empty());
  CHECK(d.cancel(1).empty());
  CHECK(d.after(seconds(60)).size() <= 1);  // a probe at most: no deadline is left
  CHECK(d.cancel(4711).empty());
}

TEST_CASE("command: one that is cancelled before there was a broker is never sent") {
  Driver d;
  d.start();
  d.request(1, command(), seconds(5));
  const Effects ended = d.cancel(1);
  REQUIRE(ended.size() == 1);
  CHECK(code_of(ended[0]) == Code::cancelled);
  CHECK(d.message(Welcome{}) == Effects{Welcomed{Welcome{}}});
}

TEST_CASE("requests: each is answered by its own message and no other") {
  const std::vector<std::pair<Message, Message>> pairs{
      {SubmitOpen{}, SubmitOpenOk{}}, {SubmitPart{}, SubmitPartOk{}}, {SubmitCommit{}, SubmitOk{}},
      {LogRead{}, LogData{}},         {Administer{}, AdministerOk{}}, {Act{}, ActOk{}},
      {Query{}, QueryReply{}},        {Submit{}, InputsMissing{}},    {SubmitOpen{}, SubmitOk{}}};
  for (const auto& [request, right] : pairs) {
    for (const auto& [unused, other] : pairs) {
      const bool is_right = other.index() == right.index() ||
                            (std::holds_alternative<SubmitOpen>(request) &&
                             (std::holds_alternative<SubmitOpenOk>(other) ||
                              std::holds_alternative<SubmitOk>(other))) ||
                            ((std::holds_alternative<Submit>(request) ||
                              std::holds_alternative<SubmitCommit>(request)) &&
                             (std::holds_alternative<SubmitOk>(other) ||
                              std::holds_alternative<InputsMissing>(other)));
      Driver d;
      d.connect();
      d.request(1, request);
      Message answered = other;
      std::visit(
          [](auto& m) {
            if constexpr (requires { m.request; }) m.request = 1;
          },
          answered);
      const Effects out = d.message(answered);
      REQUIRE(out.size() == 1);
      const auto& outcome = std::get<Finished>(out[0]).outcome;
      CHECK(outcome.has_value() == is_right);
      if (!is_right) CHECK(outcome.error().code == Code::malformed_message);
    }
  }
}

TEST_CASE(
    "requests: a log of a job that a restarted broker has forgotten is not read in its stead") {
  Welcome first, second;
  first.epoch = 1;
  second.epoch = 2;
  first.ephemeral = second.ephemeral = true;
  Driver d;
  d.start();
  d.message(first);
  d.request(1, LogRead{});
  d.query(2);
  d.closed();
  const Effects out = d.reconnect(second);
  REQUIRE(out.size() == 3);
  CHECK(code_of(out[1]) == Code::not_found);
  CHECK(out[2] == Effect{Transmit{query_message(2)}});
}
