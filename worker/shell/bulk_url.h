// Where blobs travel: the endpoint in Welcome, made reachable from here.
#pragma once

#include <string>

namespace framebus::worker {

// A broker that listens on every address says so ("tcp://0.0.0.0:7752", "tcp://*:7752",
// "tcp://[::]:7752"); then the host is the one `broker_url` names. Everything else is returned as
// it is.
std::string bulk_url(const std::string& endpoint, const std::string& broker_url);

}  // namespace framebus::worker
