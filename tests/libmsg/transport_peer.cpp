// A process that connects many times, says Hello on each connection and then waits to be killed.
// Usage: transport_peer URL CONNECTION_COUNT. Used by transport_test.cpp.
#include <cstdlib>
#include <memory>
#include <vector>

#include "libmsg/transport/transport.h"

int main(int argc, char** argv) {
  using namespace framebus;
  if (argc != 3) return 2;
  const auto context = make_context();
  std::vector<std::unique_ptr<DealerSocket>> sockets;
  for (int i = 0; i < std::atoi(argv[2]); ++i) {
    sockets.push_back(make_dealer(context));
    if (!sockets.back()->connect(argv[1])) return 1;
    if (!sockets.back()->send(encode(Hello{}, true))) return 1;
  }
  wait({}, {}, nullptr, seconds(60));  // bounds the life of a process whose test has crashed
  return 0;
}
