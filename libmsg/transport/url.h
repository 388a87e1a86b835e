// Endpoint URLs taken apart and judged before libzmq sees them, so that the error can say what to
// type. Pure functions.
#pragma once

#include <cstdint>
#include <string>

#include "libmsg/base/result.h"

namespace framebus {

struct Url {
  enum class Scheme : std::uint8_t { tcp, ipc, inproc } scheme = Scheme::tcp;
  std::string host;        // tcp: name, address, interface or "*"; IPv6 without its brackets
  std::uint16_t port = 0;  // tcp: 0 means any free one ("*" or "0")
  std::string path;        // ipc: socket file; inproc: name
  bool is_ipv6 = false;    // the host was written in brackets
};

// tcp://HOST:PORT, tcp://[V6]:PORT, ipc://PATH, inproc://NAME. Errors are invalid_argument.
Result<Url> parse_url(const std::string& url);

}  // namespace framebus
