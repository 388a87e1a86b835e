// More connections than a ROUTER may have: those beyond are ended, the others notice nothing.
#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <vector>

#include "libmsg/transport/transport.h"

using namespace framebus;

namespace {

struct Crowd {
  std::shared_ptr<Context> context = make_context();
  std::shared_ptr<ConnectionQuota> quota = std::make_shared<ConnectionQuota>(3);
  std::string url;
  std::unique_ptr<RouterSocket> router = bound_router();
  std::vector<std::unique_ptr<DealerSocket>> dealers;
  std::map<DealerSocket*, std::string> closed;
  std::uint64_t echoes = 0;
  std::uint64_t answers = 0;

  std::unique_ptr<RouterSocket> bound_router() {
    auto made = make_router(context);
    made->limit_connections(quota);
    url = made->bind("tcp://127.0.0.1:0").value();
    return made;
  }
  DealerSocket* connect() {
    dealers.push_back(make_dealer(context));
    REQUIRE(dealers.back()->connect(url));
    return dealers.back().get();
  }
  void say_hello(DealerSocket* dealer) { (void)dealer->send(encode(Hello{}, true)); }

  // Everything that waits, on both sides; the router answers what it gets.
  void pump() {
    std::vector<DealerSocket*> all;
    for (const auto& each : dealers) all.push_back(each.get());
    wait({router.get()}, all, nullptr, milliseconds(10));
    std::vector<Incoming> batch;
    router->receive(batch, 1'000);
    for (const Incoming& incoming : batch) {
      if (incoming.kind != Incoming::Kind::message) continue;
      ++echoes;
      (void)router->send(incoming.peer, encode(Goodbye{}, true));
    }
    for (DealerSocket* dealer : all) {
      batch.clear();
      dealer->receive(batch, 1'000);
      for (const Incoming& incoming : batch) {
        if (incoming.kind == Incoming::Kind::closed) closed[dealer] = incoming.reason;
        if (incoming.kind == Incoming::Kind::message) ++answers;
      }
    }
  }
  template <class Done>
  bool until(Done done) {
    const TimePoint deadline = now_monotonic() + seconds(10);
    while (!done() && now_monotonic() < deadline) pump();
    return done();
  }
};

}  // namespace

TEST_CASE(
    "transport: connections beyond the bound are ended, a place that is free again is given") {
  Crowd crowd;
  std::vector<DealerSocket*> within;
  for (std::uint64_t i = 1; i <= 3; ++i) {
    within.push_back(crowd.connect());
    crowd.say_hello(within.back());
    REQUIRE(crowd.until([&] { return crowd.answers == i; }));
  }
  for (std::size_t i = 1; i <= 5; ++i) {
    DealerSocket* const beyond = crowd.connect();
    REQUIRE(crowd.until([&] { return crowd.closed.contains(beyond); }));
    CHECK(crowd.closed.size() == i);
  }
  for (DealerSocket* dealer : within) {
    CHECK_FALSE(crowd.closed.contains(dealer));
    crowd.say_hello(dealer);
  }
  REQUIRE(crowd.until([&] { return crowd.answers == 6; }));

  within[0]->close(Duration{0});
  DealerSocket* again = nullptr;
  // The end of a connection is news that takes a moment, so a place may still be taken once or
  // twice.
  CHECK(crowd.until([&] {
    if (!again || crowd.closed.contains(again)) {
      again = crowd.connect();
      crowd.say_hello(again);
    }
    return crowd.answers == 7;
  }));
}
