#include "libmsg/transport/url.h"

#include <charconv>
#include <string_view>

#include "libmsg/transport/transport.h"

namespace framebus {
namespace {

constexpr std::size_t ipc_path_bytes_max = 107;  // sockaddr_un.sun_path, less its final zero

tl::unexpected<Error> bad(const std::string& url, const std::string& what) {
  return fail(Code::invalid_argument, "endpoint '" + url + "': " + what);
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_';
}

Result<Url> parse_tcp(const std::string& url, std::string_view rest) {
  Url parsed;
  const std::size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos || (rest.starts_with('[') && rest[colon - 1] != ']')) {
    return bad(url, "the port is missing; write tcp://HOST:PORT, for example tcp://127.0.0.1:7751");
  }
  std::string_view host = rest.substr(0, colon);
  const std::string_view port = rest.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    parsed.is_ipv6 = true;
  }
  if (host.empty())
    return bad(
        url, "the host is missing; write tcp://HOST:PORT, or * as HOST to listen on every address");
  for (const char c : host) {
    const bool is_allowed = is_host_character(c) || (parsed.is_ipv6 && (c == ':' || c == '%'));
    if (!is_allowed && host != "*") {
      return bad(url, "the host '" + std::string(host) +
                          "' is neither a name nor an address (an IPv6 address goes in brackets: "
                          "tcp://[::1]:7751)");
    }
  }
  parsed.host = std::string(host);
  if (port != "*") {
    unsigned number = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
    if (error != std::errc{} || end != port.data() + port.size() || number > 65535) {
      return bad(url, "the port '" + std::string(port) +
                          "' is not a number from 0 to 65535 (0 or *: any free port)");
    }
    parsed.port = static_cast<std::uint16_t>(number);
  }
  return parsed;
}

}  // namespace

Result<Url> parse_url(const std::string& url) {
  constexpr std::string_view tcp = "tcp://";
  constexpr std::string_view ipc = "ipc://";
  constexpr std::string_view inproc = "inproc://";
  const std::string_view text = url;
  if (text.find('\0') != std::string_view::npos) return bad("...", "it contains a zero byte");
  if (text.starts_with(tcp)) return parse_tcp(url, text.substr(tcp.size()));
  Url parsed;
  if (text.starts_with(ipc)) {
    parsed.scheme = Url::Scheme::ipc;
    parsed.path = std::string(text.substr(ipc.size()));
    if (parsed.path.empty() || parsed.path == "*")
      return bad(url, "the path is missing; write ipc:///run/framebus/broker.sock");
    if (parsed.path.size() > ipc_path_bytes_max) {
      return bad(url, "the path has " + std::to_string(parsed.path.size()) +
                          " bytes; a socket file's path has at most " +
                          std::to_string(ipc_path_bytes_max));
    }
    return parsed;
  }
  if (text.starts_with(inproc)) {
    parsed.scheme = Url::Scheme::inproc;
    parsed.path = std::string(text.substr(inproc.size()));
    if (parsed.path.empty()) return bad(url, "the name is missing; write inproc://NAME");
    return parsed;
  }
  return bad(url,
             "it must begin with tcp://, ipc:// or inproc://; for example tcp://127.0.0.1:7751");
}

Status check_url(const std::string& url) {
  if (auto parsed = parse_url(url); !parsed) return fail(std::move(parsed).error());
  return {};
}

}  // namespace framebus
