// See zmtp_crowd.h.
#include "tests/system/zmtp_crowd.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "libmsg/base/check.h"
#include "libmsg/transport/transport.h"

namespace framebus::test {
namespace {

constexpr std::size_t greeting_bytes = 64;
constexpr std::uint8_t flag_more = 1, flag_long = 2, flag_command = 4;

Bytes greeting() {
  Bytes bytes(greeting_bytes, 0);
  bytes[0] = 0xff;
  bytes[9] = 0x7f;
  bytes[10] = 3;  // version 3.0
  std::memcpy(bytes.data() + 12, "NULL", 4);
  return bytes;
}

void put_text(Bytes& out, const char* text) {
  out.insert(out.end(), text, text + std::strlen(text));
}

Bytes ready_command() {
  Bytes body;
  body.push_back(5);
  put_text(body, "READY");
  body.push_back(11);
  put_text(body, "Socket-Type");
  body.insert(body.end(), {0, 0, 0, 6});
  put_text(body, "DEALER");
  Bytes frame{flag_command, static_cast<std::uint8_t>(body.size())};
  frame.insert(frame.end(), body.begin(), body.end());
  return frame;
}

void put_frame(Bytes& out, const Bytes& part, bool more) {
  const bool is_long = part.size() > 255;
  out.push_back(static_cast<std::uint8_t>((more ? flag_more : 0) | (is_long ? flag_long : 0)));
  for (int shift = is_long ? 56 : 0; shift >= 0; shift -= 8)
    out.push_back(static_cast<std::uint8_t>(part.size() >> shift));
  out.insert(out.end(), part.begin(), part.end());
}

Hello hello_of(std::uint32_t number) {
  Hello hello;
  hello.role = Role::worker;
  hello.program = "crowd";
  hello.worker.id.bytes[0] = 0xc0;
  for (int i = 0; i < 4; ++i)
    hello.worker.id.bytes[12 + i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  hello.worker.host = "crowd";
  hello.worker.pid = number;
  hello.worker.task_types = {"crowd"};
  hello.worker.slots = 1;
  return hello;
}

}  // namespace

ZmtpCrowd::~ZmtpCrowd() {
  drop_all();
  if (epoll_ >= 0) ::close(epoll_);
}

bool ZmtpCrowd::open_one() {
  if (epoll_ < 0) epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS) {
    ::close(fd);
    return false;
  }
  Peer& peer = peers_.emplace_back();
  peer.fd = fd;
  peer.number = next_number_++;
  peer.out = greeting();
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLET;
  event.data.ptr = &peer;
  FRAMEBUS_CHECK(::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) == 0, "epoll takes a socket");
  return true;
}

bool ZmtpCrowd::connect(std::size_t count, std::size_t at_once, Duration patience) {
  const TimePoint deadline = now_monotonic() + patience;
  const std::size_t target = welcome_count_ + count;
  std::size_t opened = 0;
  while (welcome_count_ < target) {
    if (now_monotonic() > deadline) return false;
    while (opened < count && peers_.size() - welcome_count_ < at_once) {
      if (!open_one()) break;
      ++opened;
    }
    turn(milliseconds(5));
  }
  return true;
}

void ZmtpCrowd::serve(Duration duration) {
  const TimePoint end = now_monotonic() + duration;
  while (now_monotonic() < end) turn(milliseconds(20));
}

void ZmtpCrowd::turn(Duration wait) {
  epoll_event events[512];
  const int count = ::epoll_wait(epoll_, events, 512, static_cast<int>(to_ms(wait)));
  for (int i = 0; i < count; ++i) {
    Peer& peer = *static_cast<Peer*>(events[i].data.ptr);
    if (peer.fd >= 0 && (events[i].events & EPOLLIN) != 0) read(peer);
    if (peer.fd >= 0) flush(peer);
  }
  const TimePoint now = now_monotonic();
  for (Peer& peer : peers_) {
    if (!peer.welcome || peer.fd < 0 || now < peer.next_heartbeat) continue;
    // Spread over the second by number, as workers' jitter does.
    peer.next_heartbeat = now + milliseconds(900 + peer.number % 200);
    Heartbeat heartbeat;
    heartbeat.sequence = ++peer.sequence;
    heartbeat.credit = 1;
    send(peer, heartbeat);
    flush(peer);
  }
}

void ZmtpCrowd::read(Peer& peer) {
  std::uint8_t block[4096];
  for (;;) {
    const ssize_t count = ::recv(peer.fd, block, sizeof block, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) break;
    if (count <= 0) return close(peer);
    peer.in.insert(peer.in.end(), block, block + count);
  }
  take_frames(peer);
}

void ZmtpCrowd::take_frames(Peer& peer) {
  std::size_t at = 0;
  if (!peer.greeted && peer.in.size() >= greeting_bytes) {
    peer.greeted = true;
    at = greeting_bytes;
    const Bytes ready = ready_command();
    peer.out.insert(peer.out.end(), ready.begin(), ready.end());
  }
  while (peer.greeted && peer.in.size() - at >= 2) {
    const std::uint8_t flags = peer.in[at];
    const std::size_t header = (flags & flag_long) != 0 ? 9 : 2;
    if (peer.in.size() - at < header) break;
    std::uint64_t size = 0;
    for (std::size_t i = 1; i < header; ++i) size = (size << 8) | peer.in[at + i];
    if (peer.in.size() - at - header < size) break;
    const auto begin = peer.in.begin() + static_cast<std::ptrdiff_t>(at + header);
    at += header + size;
    // Its READY: from here on messages are allowed. (What comes earlier ends the connection.)
    if ((flags & flag_command) != 0) {
      send(peer, hello_of(peer.number));
      continue;
    }
    peer.parts.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(size));
    if ((flags & flag_more) != 0) continue;
    take_message(peer);
    peer.parts.clear();
  }
  peer.in.erase(peer.in.begin(), peer.in.begin() + static_cast<std::ptrdiff_t>(at));
}

void ZmtpCrowd::take_message(Peer& peer) {
  const std::vector<BytesView> views(peer.parts.begin(), peer.parts.end());
  const auto decoded = decode(views, false);
  if (!decoded) {
    last_refusal_ = decoded.error().message;
    return;
  }
  if (std::holds_alternative<Welcome>(decoded->message) && !peer.welcome) {
    peer.welcome = true;
    ++welcome_count_;
    peer.next_heartbeat = now_monotonic() + milliseconds(peer.number % 1000);
  }
  if (const auto* refused = std::get_if<Refused>(&decoded->message)) {
    ++refused_count_;
    last_refusal_ = refused->error.message;
  }
  if (const auto* error = std::get_if<ErrorReply>(&decoded->message))
    last_refusal_ = error->error.message;
  if (std::holds_alternative<HeartbeatAck>(decoded->message)) ++acks_;
}

void ZmtpCrowd::send(Peer& peer, const Message& message) {
  const WireFrames frames = encode(message, true);
  for (std::size_t i = 0; i < frames.parts.size(); ++i)
    put_frame(peer.out, frames.parts[i], i + 1 < frames.parts.size());
}

void ZmtpCrowd::flush(Peer& peer) {
  while (!peer.out.empty()) {
    const ssize_t count = ::send(peer.fd, peer.out.data(), peer.out.size(), MSG_NOSIGNAL);
    if (count < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOTCONN)) return;
    if (count <= 0) return close(peer);
    peer.out.erase(peer.out.begin(), peer.out.begin() + count);
  }
}

void ZmtpCrowd::close(Peer& peer) {
  if (peer.fd < 0) return;
  ::close(peer.fd);
  peer.fd = -1;
  if (peer.welcome) --welcome_count_;
  peer.welcome = false;
}

void ZmtpCrowd::drop_all() {
  for (Peer& peer : peers_) close(peer);
  peers_.clear();
  next_number_ = 1;  // the same workers come back
}

}  // namespace framebus::test
