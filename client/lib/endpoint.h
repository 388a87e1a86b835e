// Where the bulk endpoint is, seen from this host.
#pragma once

#include <string>

namespace framebus::client {

// A broker bound to every interface announces tcp://0.0.0.0:7752 (or *): the host is then the one
// the client reached the broker at. Everything else is returned as it is.
std::string reachable_endpoint(const std::string& broker_url, const std::string& announced);

}  // namespace framebus::client
