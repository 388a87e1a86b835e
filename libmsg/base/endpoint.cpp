#include "libmsg/base/endpoint.h"

#include <string_view>

namespace framebus {
namespace {

constexpr std::string_view tcp = "tcp://";

// "tcp://HOST:PORT" -> "HOST"; brackets of IPv6 stay. Empty when it is not TCP.
std::string host_of(const std::string& url) {
  if (!url.starts_with(tcp)) return {};
  const std::size_t colon = url.rfind(':');
  if (colon == std::string::npos || colon < tcp.size()) return {};
  return url.substr(tcp.size(), colon - tcp.size());
}

}  // namespace

std::string reachable_endpoint(const std::string& broker_url, const std::string& announced) {
  const std::string host = host_of(announced);
  if (host != "0.0.0.0" && host != "*" && host != "[::]") return announced;
  const std::string known = host_of(broker_url);
  if (known.empty()) return "tcp://127.0.0.1" + announced.substr(announced.rfind(':'));
  return std::string(tcp) + known + announced.substr(announced.rfind(':'));
}

}  // namespace framebus
