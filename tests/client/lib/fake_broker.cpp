#include "tests/client/lib/fake_broker.h"

#include "libmsg/base/check.h"

namespace framebus::client {

FakeBroker::FakeBroker(std::shared_ptr<Context> context, const std::string& url, Handler handler,
                       std::string bulk_endpoint)
    : router_(make_router(std::move(context))),
      handler_(std::move(handler)),
      bulk_endpoint_(std::move(bulk_endpoint)) {
  // The socket of a broker that a test has just ended may hold the address for a moment.
  const TimePoint patience = now_monotonic() + seconds(10);
  auto bound = router_->bind(url);
  while (!bound && now_monotonic() < patience) {
    std::this_thread::yield();
    bound = router_->bind(url);
  }
  FRAMEBUS_CHECK(bound.has_value(), bound ? "" : bound.error().message);
  url_ = *bound;
  thread_ = std::thread([this] { run(); });
}

FakeBroker::~FakeBroker() {
  is_stopping_ = true;
  wakeup_.notify();
  thread_.join();
}

void FakeBroker::run() {
  while (!is_stopping_) {
    wait({router_.get()}, {}, &wakeup_, seconds(1));
    wakeup_.drain();
    std::vector<Incoming> arrived;
    router_->receive(arrived, 1000);
    for (const Incoming& incoming : arrived) {
      if (incoming.kind != Incoming::Kind::message) continue;
      const std::vector<BytesView> parts(incoming.parts.begin(), incoming.parts.end());
      const auto decoded = decode(parts, false);
      if (!decoded) continue;
      const auto answer = [&](const Message& message) {
        const WireFrames frames = encode(message, true);
        Status sent = router_->send(incoming.peer, frames);
        while (!sent && sent.error().code == Code::resource_exhausted) {
          std::this_thread::yield();
          sent = router_->send(incoming.peer, frames);
        }
      };
      if (std::holds_alternative<Hello>(decoded->message)) {
        ++hello_count_;
        Welcome welcome;
        welcome.session = SessionId{hello_count_};
        welcome.bulk_endpoint = bulk_endpoint_;
        answer(welcome);
      } else {
        handler_(decoded->message, answer);
      }
    }
  }
}

}  // namespace framebus::client
