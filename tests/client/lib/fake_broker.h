// A broker on a real ROUTER socket that does what a test says: the other end for tests of Primary.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "libmsg/transport/transport.h"

namespace framebus::client {

class FakeBroker {
 public:
  // Called on the broker's thread for each message but Hello (which is answered with Welcome), with
  // a way to answer.
  using Answer = std::function<void(const Message&)>;
  using Handler = std::function<void(const Message&, const Answer&)>;

  // `bulk_endpoint`: told to every client; empty: this broker has no files.
  FakeBroker(std::shared_ptr<Context> context, const std::string& url, Handler handler,
             std::string bulk_endpoint = {});
  ~FakeBroker();

  const std::string& url() const { return url_; }
  std::size_t hello_count() const { return hello_count_; }

 private:
  void run();

  std::unique_ptr<RouterSocket> router_;
  Wakeup wakeup_;
  Handler handler_;
  std::string url_, bulk_endpoint_;
  std::atomic<bool> is_stopping_{false};
  std::atomic<std::size_t> hello_count_{0};
  std::thread thread_;
};

}  // namespace framebus::client
