// Where the bulk endpoint is, seen from this host. Text only.
#pragma once

#include <string>

namespace framebus {

// A broker that listens on every address announces that ("tcp://0.0.0.0:7752", "tcp://*:7752",
// "tcp://[::]:7752"): the host is then the one at which the broker was reached, or this one when it
// was reached by a local socket. Everything else is returned as it is.
std::string reachable_endpoint(const std::string& broker_url, const std::string& announced);

}  // namespace framebus
