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

// Ends of tasks, each at (lsn, index).
using Ends = std::vector<std::pair<std::uint64_t, std::uint32_t>>;

Events ended(std::uint64_t sequence, const Ends& ends) {
  Events out{1, sequence, {}};
  for (const auto& [lsn, index] : ends) {
    Event event;
    event.kind = EventKind::task;
    event.cursor = {1, lsn};
    event.task.task = {JobId{3}, index};
    event.task.state = TaskState::succeeded;
    out.events.push_back(event);
  }
  return out;
}

Effects delivered(std::uint64_t generation, std::uint64_t sequence, const Ends& ends) {
  return {Delivered{1, generation, sequence, ended(sequence, ends).events}};
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
  CHECK(d.reconnect() == Effects{Welcomed{Welcome{}}, Transmit{watch_message(1, 12)}});
  CHECK(d.confirm(1, 1, 2).empty());
  CHECK(d.message(events(1, 1, 13)) == Effects{Delivered{1, 2, 1, events(1, 1, 13).events}});
  CHECK(d.confirm(1, 2, 1) == Effects{Transmit{EventsOk{1, 1}}});
}

TEST_CASE("watch: made while disconnected, it is sent with the next session") {
  WatchDriver d;
  d.start();
  CHECK(d.watch(1).empty());
  CHECK(d.message(Welcome{}) == Effects{Welcomed{Welcome{}}, Transmit{watch_message(1)}});
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

TEST_CASE("watch: an ended task that comes again with its place is told once") {
  WatchDriver d;
  d.connect();
  d.watch(1);
  CHECK(d.message(ended(1, {{10, 0}})) == delivered(1, 1, {{10, 0}}));
  d.closed();
  d.reconnect();
  // A broker that repeats what was seen, then goes on.
  CHECK(d.message(ended(1, {{9, 7}, {10, 0}, {11, 1}})) == delivered(2, 1, {{11, 1}}));
  CHECK(d.message(ended(2, {{11, 1}})) == delivered(2, 2, {}));
  CHECK(d.confirm(1, 2, 2) == Effects{Transmit{EventsOk{1, 2}}});
}

TEST_CASE(
    "watch: tasks ended by one record are told once each, wherever among them the connection "
    "breaks") {
  // Only the last of them carries the record's number, those before it carry the one before.
  const Ends all{{19, 0}, {19, 1}, {19, 2}, {20, 3}};
  for (std::size_t cut = 1; cut <= all.size(); ++cut) {
    CAPTURE(cut);
    WatchDriver d;
    d.connect();
    d.watch(1);
    const auto middle = all.begin() + static_cast<std::ptrdiff_t>(cut);
    const Ends first(all.begin(), middle), rest(middle, all.end());
    CHECK(d.message(ended(1, first)) == delivered(1, 1, first));
    d.closed();
    const std::uint64_t place = cut == all.size() ? 20 : 19;
    CHECK(d.reconnect() == Effects{Welcomed{Welcome{}}, Transmit{watch_message(1, place)}});
    if (place == 19) CHECK(d.message(ended(1, all)) == delivered(2, 1, rest));
    CHECK(d.message(ended(place == 19 ? 2 : 1, {{31, 9}})) ==
          delivered(2, place == 19 ? 2 : 1, {{31, 9}}));
  }
}

TEST_CASE("watch: a task that is retried and ends again is told again") {
  WatchDriver d;
  d.connect();
  d.watch(1);
  d.message(ended(1, {{10, 0}}));
  CHECK(d.message(ended(2, {{15, 0}})) == delivered(1, 2, {{15, 0}}));
}

TEST_CASE("watch: a message that comes twice is ignored, a missing one costs the connection") {
  WatchDriver d;
  d.connect();
  d.watch(1);
  d.message(ended(1, {{10, 0}}));
  CHECK(d.message(ended(1, {{10, 0}})).empty());
  CHECK(d.message(ended(3, {{12, 2}})) == Effects{Disconnect{"events of a watch are missing"}});
  CHECK(d.reconnect() == Effects{Welcomed{Welcome{}}, Transmit{watch_message(1, 10)}});
}

TEST_CASE("watch: a broker with a journal goes on under a new epoch, from the same place") {
  Welcome first, second;
  first.epoch = 1;
  second.epoch = 2;
  WatchDriver d;
  d.start();
  d.message(first);
  d.watch(1);
  d.message(ended(1, {{10, 0}}));
  d.closed();
  CHECK(d.reconnect(second) == Effects{Welcomed{second}, Transmit{watch_message(1, 10)}});
}

TEST_CASE("watch: a broker that went back to older data ends it") {
  Welcome first, older;
  first.epoch = 7;
  older.epoch = 3;
  WatchDriver d;
  d.start();
  d.message(first);
  d.watch(1);
  d.closed();
  const Effects out = d.reconnect(older);
  REQUIRE(out.size() == 2);
  CHECK(std::get<WatchEnded>(out[1]).error.code == Code::not_found);
}

TEST_CASE(
    "watch: a broker that does not know the place begins anew, and nothing is taken for a repeat") {
  WatchDriver d;
  d.connect();
  d.watch(1);
  d.message(ended(1, {{50, 0}}));
  d.closed();
  d.reconnect();
  CHECK(d.message(ended(1, {{4, 0}})) == delivered(2, 1, {}));
  Event live;
  live.kind = EventKind::live;
  live.cursor = {1, 4};
  CHECK(d.message(Events{1, 2, {live}}) ==
        Effects{Disconnect{"the broker has another history than before"}});
  CHECK(d.reconnect() == Effects{Welcomed{Welcome{}}, Transmit{watch_message(1)}});
  CHECK(d.message(ended(1, {{4, 0}})) == delivered(3, 1, {{4, 0}}));
}

TEST_CASE("watch: unwatch tells the broker once, events that still travel are ignored") {
  WatchDriver d;
  d.connect();
  d.watch(1);
  CHECK(d.unwatch(1) == Effects{Transmit{Unwatch{1}}});
  CHECK(d.unwatch(1).empty());
  CHECK(d.message(events(1, 1, 10)).empty());
  d.closed();
  CHECK(d.reconnect() == Effects{Welcomed{Welcome{}}});
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
