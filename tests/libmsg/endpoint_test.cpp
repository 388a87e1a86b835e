#include "libmsg/base/endpoint.h"

#include <doctest/doctest.h>

using framebus::reachable_endpoint;

TEST_CASE("endpoint: an announced wildcard becomes the host the broker was reached at") {
  CHECK(reachable_endpoint("tcp://head:7750", "tcp://0.0.0.0:7752") == "tcp://head:7752");
  CHECK(reachable_endpoint("tcp://[fe80::1]:7750", "tcp://*:9000") == "tcp://[fe80::1]:9000");
  CHECK(reachable_endpoint("tcp://head:7750", "tcp://[::]:1") == "tcp://head:1");
  CHECK(reachable_endpoint("ipc:///tmp/x", "tcp://*:9000") == "tcp://127.0.0.1:9000");
}

TEST_CASE("endpoint: a real address is used as announced") {
  CHECK(reachable_endpoint("tcp://head:7750", "tcp://10.0.0.5:7752") == "tcp://10.0.0.5:7752");
  CHECK(reachable_endpoint("tcp://head:7750", "ipc:///run/x") == "ipc:///run/x");
  CHECK(reachable_endpoint("tcp://head:7750", "garbage") == "garbage");
}
