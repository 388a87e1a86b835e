// See local_address.h.
#include "broker/shell/local_address.h"

#include <arpa/inet.h>

namespace framebus::broker {
namespace {

bool is_loopback(const std::string& host) {
  if (host == "localhost" || host == "lo") return true;
  in_addr v4{};
  if (::inet_pton(AF_INET, host.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return ::inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

// "tcp://[::1]:7750" -> "::1"
std::string host_of(const std::string& url) {
  std::string host = url.substr(std::string("tcp://").size());
  const std::size_t colon = host.rfind(':');
  if (colon != std::string::npos) host.resize(colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
    host = host.substr(1, host.size() - 2);
  return host;
}

}  // namespace

Status check_is_local(const std::string& key, const std::string& url) {
  if (!url.starts_with("tcp://") || is_loopback(host_of(url))) return {};
  return fail(Code::permission_denied,
              key + ": " + url +
                  " can be reached from other machines, and without keys anybody there could run "
                  "work here. This version has no keys yet: use tcp://127.0.0.1:PORT or "
                  "ipc://PATH, and reach it from "
                  "other machines through a tunnel, for example: ssh -L 7751:127.0.0.1:7751 -L "
                  "7752:127.0.0.1:7752 HOST");
}

}  // namespace framebus::broker
