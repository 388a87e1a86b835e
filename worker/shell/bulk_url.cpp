#include "worker/shell/bulk_url.h"

#include <string_view>

namespace framebus::worker {
namespace {

constexpr std::string_view tcp = "tcp://";

// "tcp://HOST:PORT" -> HOST; empty when it is none.
std::string_view host_of(std::string_view url) {
  const std::size_t colon = url.rfind(':');
  if (url.substr(0, tcp.size()) != tcp || colon == std::string_view::npos || colon < tcp.size())
    return {};
  return url.substr(tcp.size(), colon - tcp.size());
}

}  // namespace

std::string bulk_url(const std::string& endpoint, const std::string& broker_url) {
  const std::string_view host = host_of(endpoint);
  if (host != "0.0.0.0" && host != "*" && host != "[::]" && host != "::") return endpoint;
  const std::string_view reachable = host_of(broker_url);
  if (reachable.empty()) return endpoint;
  return std::string(tcp) + std::string(reachable) + endpoint.substr(tcp.size() + host.size());
}

}  // namespace framebus::worker
