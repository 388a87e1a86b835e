// The session's connection phases and request table, on whole effect lists. No socket, no clock.
#include <doctest/doctest.h>

#include <algorithm>

#include "libmsg/schema/wire_error.h"
#include "tests/client/lib/session_driver.h"

using namespace framebus;
using namespace framebus::client;

namespace {

Hello hello() {
  Hello hello;
  hello.role = Role::primary;
  hello.program = "test";
  hello.principal = "me";
  return hello;
}

Code code_of(const Effect& effect) {
  return std::get<Finished>(effect).outcome.error().code;
}

}  // namespace

TEST_CASE("session: start connects and says Hello as a primary") {
  Driver d;
  CHECK(d.start() == Effects{Connect{}, Transmit{hello()}});
  CHECK_FALSE(d.session.is_ready());
  Welcome welcome;
  welcome.session = SessionId{7};
  CHECK(d.message(welcome) == Effects{Welcomed{welcome}});
  CHECK(d.session.is_ready());
}

TEST_CASE(
    "session: a request made before Welcome is sent after it, and its answer finishes it once") {
  Driver d;
  d.start();
  CHECK(d.query(1).empty());
  CHECK(d.message(Welcome{}) == Effects{Welcomed{Welcome{}}, Transmit{query_message(1)}});
  CHECK(d.message(query_reply(1, 5)) == Effects{Finished{1, Message{query_reply(1, 5)}}});
  CHECK(d.message(query_reply(1, 5)).empty());
  CHECK(d.session.outstanding_count() == 0);
}

TEST_CASE("session: a thousand concurrent requests answered in reverse order all match") {
  Driver d;
  d.connect();
  for (std::uint64_t id = 1; id <= 1000; ++id)
    CHECK(d.query(id) == Effects{Transmit{query_message(id)}});
  for (std::uint64_t id = 1000; id >= 1; --id) {
    const auto answer = query_reply(id, static_cast<std::uint32_t>(id));
    CHECK(d.message(answer) == Effects{Finished{id, Message{answer}}});
  }
  CHECK(d.session.outstanding_count() == 0);
}

TEST_CASE("session: what was not answered is repeated unchanged after a reconnect, oldest first") {
  Driver d;
  d.connect();
  Submit submit;
  submit.submit_id.bytes[0] = 9;
  d.request(1, submit);
  d.query(2);
  d.message(query_reply(2));
  d.query(3);
  const Effects lost = d.closed("the connection was lost");
  CHECK(lost == Effects{Disconnect{"the connection was lost"}});
  CHECK(d.query(4).empty());
  submit.request = 1;
  CHECK(d.reconnect() == Effects{Welcomed{Welcome{}}, Transmit{submit}, Transmit{query_message(3)},
                                 Transmit{query_message(4)}});
}

TEST_CASE(
    "session: the back-off doubles from a quarter second, stays within 25 percent and ends at its "
    "maximum") {
  Driver d;
  d.start();
  Duration expected = milliseconds(250);
  for (int attempt = 0; attempt < 10; ++attempt) {
    CHECK(d.closed() == Effects{Disconnect{"gone"}});
    const Duration wait = *d.session.next_wakeup() - d.now;
    CHECK(wait >= expected * 3 / 4 - milliseconds(1));
    CHECK(wait <= expected * 5 / 4 + milliseconds(1));
    CHECK(d.after(wait - milliseconds(1)).empty());
    CHECK(d.after(milliseconds(1)) == Effects{Connect{}, Transmit{hello()}});
    expected = std::min<Duration>(expected * 2, seconds(10));
  }
  d.message(Welcome{});
  d.closed();
  CHECK(*d.session.next_wakeup() - d.now <= milliseconds(320));
}

TEST_CASE(
    "session: a broker that accepts the connection but never answers Hello is given up after the "
    "handshake time") {
  Driver d;
  d.start();
  CHECK(d.after(milliseconds(4999)).empty());
  CHECK(d.after(milliseconds(1)) ==
        Effects{Disconnect{"it accepted the connection but did not answer Hello"}});
}

TEST_CASE("session: a deadline without any session is unavailable and says where and why") {
  Driver d;
  d.start();
  d.query(1, seconds(2));
  d.closed("nothing listens there");
  Effects all;
  while (d.now < TimePoint{} + seconds(2)) {
    d.now = std::min(*d.session.next_wakeup(), TimePoint{} + seconds(2));
    for (Effect& e : d.time()) all.push_back(e);
    if (std::holds_alternative<Connect>(all.empty() ? Effect{Welcomed{}} : all[0]))
      d.closed("nothing listens there");
  }
  Effects finished;
  for (Effect& e : all)
    if (std::holds_alternative<Finished>(e)) finished.push_back(e);
  REQUIRE(finished.size() == 1);
  CHECK(code_of(finished[0]) == Code::unavailable);
  CHECK(std::get<Finished>(finished[0]).outcome.error().message ==
        "no broker answers at tcp://test:1 (nothing listens there)");
}

TEST_CASE("session: a deadline after the request was sent is deadline_exceeded, outcome unknown") {
  Driver d;
  d.connect();
  d.query(1, seconds(2));
  const Effects out = d.after(seconds(2));
  REQUIRE(out.size() == 1);
  CHECK(code_of(out[0]) == Code::deadline_exceeded);
  CHECK(d.message(query_reply(1)).empty());
}

TEST_CASE("session: an Error of the broker finishes the request with its code and hint") {
  Driver d;
  d.connect();
  d.query(1);
  CHECK(d.message(error_reply(1, Code::not_found, "job 9: no such job")) ==
        Effects{Finished{1, fail(Code::not_found, "job 9: no such job")}});
  d.query(2);
  CHECK(d.message(error_reply(2, Code::resource_exhausted, "full", 250)) ==
        Effects{Finished{2, fail(Code::resource_exhausted, "full", 250)}});
  d.query(3);
  CHECK(code_of(d.message(ErrorReply{3, {999, "from the future", 0}})[0]) == Code::internal);
}

TEST_CASE("session: an answer of the wrong type is an error, not a crash") {
  Driver d;
  d.connect();
  ActOk wrong;
  wrong.request = 1;
  d.query(1);
  CHECK(code_of(d.message(wrong)[0]) == Code::malformed_message);
  d.query(2);
  const Effects out = d.effects_of([&](Effects& o) {
    d.session.on_garbled(2, {Code::malformed_message, "bad", 0}, o);
  });
  CHECK(code_of(out[0]) == Code::malformed_message);
}

TEST_CASE("session: what a primary does not ask for is no request") {
  Driver d;
  d.connect();
  CHECK(code_of(d.request(1, Message{Goodbye{}})[0]) == Code::invalid_argument);
}

TEST_CASE(
    "session: a refusal that credentials must fix ends everything outstanding, one that time fixes "
    "does not") {
  Driver d;
  d.start();
  d.query(1);
  Effects out =
      d.message(Refused{{static_cast<std::uint16_t>(Code::resource_exhausted), "too many", 5000}});
  CHECK(out.size() == 1);
  CHECK(std::holds_alternative<Disconnect>(out[0]));
  CHECK(*d.session.next_wakeup() - d.now >= seconds(5));
  d.after(seconds(6));
  out = d.message(Refused{{static_cast<std::uint16_t>(Code::unauthenticated), "no key", 0}});
  REQUIRE(out.size() == 2);
  CHECK(code_of(out[0]) == Code::unauthenticated);
  CHECK(std::holds_alternative<Disconnect>(out[1]));
}

TEST_CASE("session: a greeting that was damaged on its way is said again, nobody hears of it") {
  Driver d;
  d.start();
  d.query(1);
  CHECK(d.message(ErrorReply{0, to_wire({Code::no_session, "damaged on its way", 0})}) ==
        Effects{Disconnect{"the broker did not understand the greeting"}});
  const Effects again = d.reconnect();
  CHECK(std::count(again.begin(), again.end(), Effect{Transmit{query_message(1)}}) == 1);
}

TEST_CASE("session: no_session reconnects and repeats") {
  Driver d;
  d.connect();
  d.query(1);
  CHECK(d.message(error_reply(0, Code::no_session, "say Hello")) ==
        Effects{Disconnect{"the broker does not know this session"}});
  CHECK(d.reconnect() == Effects{Welcomed{Welcome{}}, Transmit{query_message(1)}});
}

TEST_CASE(
    "session: a silent broker is asked once and then given up, an idle session asks nothing") {
  Driver d;
  d.connect();
  CHECK_FALSE(d.session.next_wakeup());
  CHECK(d.after(seconds(600)).empty());
  d.query(1, seconds(3600));
  CHECK(d.after(seconds(9)).empty());
  const Effects asked = d.after(seconds(1));
  REQUIRE(asked.size() == 1);
  const auto probe = std::get<Query>(std::get<Transmit>(asked[0]).message);
  CHECK(d.message(query_reply(probe.request)).empty());
  CHECK(d.after(seconds(10)).size() == 1);
  CHECK(d.after(seconds(10)) == Effects{Disconnect{"the broker fell silent"}});
}

TEST_CASE(
    "session: stop completes everything with shutdown, is idempotent, and later requests end at "
    "once") {
  Driver d;
  d.connect();
  d.query(1);
  d.query(2);
  d.effects_of([&](Effects& o) { d.session.watch(3, Watch{}, o); });
  const Effects out = d.stop();
  REQUIRE(out.size() == 4);
  CHECK(code_of(out[0]) == Code::shutdown);
  CHECK(code_of(out[1]) == Code::shutdown);
  CHECK(std::get<WatchEnded>(out[2]).error.code == Code::shutdown);
  CHECK(out[3] == Effect{Transmit{Goodbye{"client ends"}}});
  CHECK(d.stop().empty());
  CHECK(code_of(d.query(5)[0]) == Code::shutdown);
  CHECK(d.after(seconds(100)).empty());
  CHECK_FALSE(d.session.next_wakeup());
}

TEST_CASE("session: the table of requests is bounded") {
  SessionOptions options = Driver::defaults();
  options.requests_max = 3;
  Driver d(options);
  d.start();
  for (std::uint64_t id = 1; id <= 3; ++id) CHECK(d.query(id).empty());
  CHECK(code_of(d.query(4)[0]) == Code::resource_exhausted);
}
