// Watches: they outlive connections and go on where they were.
#include <doctest/doctest.h>

#include "tests/client/lib/session_driver.h"

using namespace framebus;
using namespace framebus::client;

namespace {

Watch watch_message(std::uint64_t id, std::uint64_t lsn = 0) {
  Watch watch;
  watch.request = id;
  watch.job = JobId{3};
  if (lsn != 0) watch.from = Cursor{1, lsn};
  return watch;
}

Events events(std::uint64_t id, std::uint64_t sequence, std::uint64_t lsn) {
  Event event;
  event.kind = EventKind::task;
  event.cursor = Cursor{1, lsn};
  Event progress;  // has no cursor and must not move the place
  progress.kind = EventKind::progress;
  return Events{id, sequence, {event, progress}};
}

struct WatchDriver : Driver {
  Effects watch(std::uint64_t id) {
    return effects_of([&](Effects& o) { session.watch(id, watch_message(0), o); });
  }
  Effects confirm(std::uint64_t id, std::uint64_t generation, std::uint64_t sequence) {
    return effects_of([&](Effects& o) { session.confirm(id, generation, sequence, o); });
  }
  Effects unwatch(std::uint64_t id) {
    return effects_of([&](Effects& o) { session.unwatch(id, o); });
  }
};

}  // namespace

TEST_CASE("watch: events are delivered, and confirmed when they have been taken in") {
  WatchDriver d;
  d.connect();
  CHECK(d.watch(1) == Effects{Transmit{watch_message(1)}});
  CHECK(d.message(events(1, 1, 10)) == Effects{Delivered{1, 1, 1, events(1, 1, 10).events}});
  CHECK(d.confirm(1, 1, 1) == Effects{Transmit{EventsOk{1, 1}}});
}

TEST_CASE(
    "watch: after a reconnect it asks from the last cursor delivered, and old confirmations are "
    "dropped") {
  WatchDriver d;
  d.connect();
  d.watch(1);
  d.message(events(1, 1, 10));
  d.message(events(1, 2, 12));
  d.closed();
  CHECK(d.confirm(1, 1, 1).empty());
  CHECK(d.reconnect() == Effects{Ready{Welcome{}}, Transmit{watch_message(1, 12)}});
  CHECK(d.confirm(1, 1, 2).empty());
  CHECK(d.message(events(1, 1, 13)) == Effects{Delivered{1, 2, 1, events(1, 1, 13).events}});
  CHECK(d.confirm(1, 2, 1) == Effects{Transmit{EventsOk{1, 1}}});
}

TEST_CASE("watch: made while disconnected, it is sent with the next session") {
  WatchDriver d;
  d.start();
  CHECK(d.watch(1).empty());
  CHECK(d.message(Welcome{}) == Effects{Ready{Welcome{}}, Transmit{watch_message(1)}});
}

TEST_CASE(
    "watch: a job that does not exist ends it, a slow consumer comes back by itself from its "
    "cursor") {
  WatchDriver d;
  d.connect();
  d.watch(1);
  d.message(events(1, 1, 10));
  CHECK(d.message(error_reply(1, Code::resource_exhausted, "slow consumer", 1000)).empty());
  CHECK(d.after(milliseconds(999)).empty());
  CHECK(d.after(milliseconds(1)) == Effects{Transmit{watch_message(1, 10)}});
  CHECK(d.message(error_reply(1, Code::not_found, "job 3: no such job")) ==
        Effects{WatchEnded{1, {Code::not_found, "job 3: no such job", 0}}});
  CHECK(d.message(events(1, 2, 11)).empty());
}

TEST_CASE("watch: unwatch tells the broker once, events that still travel are ignored") {
  WatchDriver d;
  d.connect();
  d.watch(1);
  CHECK(d.unwatch(1) == Effects{Transmit{Unwatch{1}}});
  CHECK(d.unwatch(1).empty());
  CHECK(d.message(events(1, 1, 10)).empty());
  d.closed();
  CHECK(d.reconnect() == Effects{Ready{Welcome{}}});
}

TEST_CASE("watch: a watching session probes a silent broker") {
  WatchDriver d;
  d.connect();
  d.watch(1);
  CHECK(d.after(seconds(10)).size() == 1);
  CHECK(d.after(seconds(10)) == Effects{Disconnect{"the broker fell silent"}});
}

TEST_CASE(
    "watch: a broker that started again without its jobs ends it, whatever has the job's number "
    "now") {
  Welcome first, second;
  first.epoch = 1;
  second.epoch = 2;
  first.ephemeral = second.ephemeral = true;
  WatchDriver d;
  d.start();
  d.message(first);
  d.watch(1);
  Act cancel;
  cancel.job = JobId{3};
  d.request(2, cancel);
  d.closed();
  const Effects out = d.reconnect(second);
  REQUIRE(out.size() == 3);
  REQUIRE(std::holds_alternative<Finished>(out[1]));
  CHECK(std::get<Finished>(out[1]).outcome.error().code == Code::not_found);
  REQUIRE(std::holds_alternative<WatchEnded>(out[2]));
  CHECK(std::get<WatchEnded>(out[2]).error.code == Code::not_found);
  d.watch(4);
  d.closed();
  CHECK(d.reconnect(second).size() == 2);  // the same start: it goes on
}

TEST_CASE("watch: events that can not be decoded end it, for going on would hide a gap") {
  WatchDriver d;
  d.connect();
  d.watch(1);
  const Error bad{Code::malformed_message, "bad", 0};
  const Effects out = d.effects_of([&](Effects& o) { d.session.on_garbled(1, bad, o); });
  CHECK(out == Effects{Transmit{Unwatch{1}}, WatchEnded{1, bad.context("answer of the broker")}});
}
