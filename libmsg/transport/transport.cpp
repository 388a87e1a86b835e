// ROUTER and DEALER sockets over libzmq: the one file that includes zmq.hpp.
//
// How a lost peer is found: ZMQ_SRCFD of a peer's first message gives its descriptor; the monitor
// says which descriptor was disconnected; an empty message to the routing id (the probe) decides:
// EHOSTUNREACH means that the peer is gone (peer_table.h). `closed` is told only after the peer's
// last messages have been read. libzmq's exceptions end here. Thread rule: see transport.h.
#include "libmsg/transport/transport.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <unordered_set>
#include <zmq.hpp>

#include "libmsg/base/check.h"
#include "libmsg/base/limits.h"
#include "libmsg/base/log.h"
#include "libmsg/transport/connection_watch.h"
#include "libmsg/transport/peer_table.h"
#include "libmsg/transport/url.h"

namespace framebus {

// Members of sockets are destroyed before the context they hold on to, so the context's end never
// blocks on a socket that is still open.
class Context {
 public:
  Context(int io_threads, int sockets_max) : zmq(io_threads, sockets_max) {}
  zmq::context_t zmq;
};

namespace {

constexpr int queue_messages_max =
    256;  // per peer and direction, in libzmq; the outbox is the caller's
constexpr int sockets_max = 20'000;  // libzmq's own default, 1,023, is below a simulated farm
constexpr std::size_t frames_max = 3 + limits::attachment_frames_max;
constexpr Duration full_queue_retry = milliseconds(5);
constexpr int connect_timeout_ms = 5000;
constexpr Duration connect_deadline =
    milliseconds(6000);  // also covers a host name that does not resolve
constexpr Duration closing_grace = milliseconds(2);  // the event may overtake the last bytes read
constexpr Duration crowd_warning_interval = seconds(10);
constexpr int io_thread_name_prefix = 7751;

std::string errno_text() {
  return zmq_strerror(zmq_errno());
}

// ---- sending and receiving whole messages
// ------------------------------------------------------------

enum class Received { nothing, message, probe, oversized };

// Where a message came from and how long it was on the wire.
struct Origin {
  int fd = -1;  // see ZMQ_SRCFD; -1: not known
  std::size_t wire_bytes = 0;
};

// Reads one multipart message. `routing_id` is null for sockets that have none.
Received receive_message(zmq::socket_t& socket, std::string* routing_id, Origin& origin,
                         std::vector<Bytes>& parts) {
  zmq::message_t frame;
  std::size_t total = 0;
  bool is_first = true;
  bool has_more = true;
  parts.clear();
  while (has_more) {
    if (zmq_msg_recv(frame.handle(), socket.handle(), ZMQ_DONTWAIT) < 0) {
      // Parts of one message arrive together, so only the first can be missing.
      return Received::nothing;
    }
    has_more = frame.more();
    const auto* data = static_cast<const std::uint8_t*>(frame.data());
    if (is_first && routing_id != nullptr) {
      routing_id->assign(reinterpret_cast<const char*>(data), frame.size());
      origin = {zmq_msg_get(frame.handle(), ZMQ_SRCFD), 0};
    } else {
      // After a poll the frame with the routing id does not tell the descriptor; the others do.
      if (routing_id != nullptr && origin.fd < 0) {
        origin.fd = zmq_msg_get(frame.handle(), ZMQ_SRCFD);
      }
      total += frame.size();
      origin.wire_bytes += frame.size() + (frame.size() > 255 ? 9 : 2);  // ZMTP 3, frames
      // One frame beyond the limit is kept, so that the codec sees and names the excess.
      if (parts.size() <= frames_max && total <= limits::wire_message_bytes_max)
        parts.emplace_back(data, data + frame.size());
    }
    is_first = false;
  }
  if (total > limits::wire_message_bytes_max) return Received::oversized;
  if (parts.size() == 1 && parts[0].empty()) return Received::probe;
  return Received::message;
}

Status send_parts(zmq::socket_t& socket, const WireFrames& frames, bool has_begun) {
  FRAMEBUS_CHECK(!frames.parts.empty(), "a message without frames can not be sent");
  for (std::size_t i = 0; i < frames.parts.size(); ++i) {
    const Bytes& part = frames.parts[i];
    const int flags = ZMQ_DONTWAIT | (i + 1 < frames.parts.size() ? ZMQ_SNDMORE : 0);
    if (zmq_send(socket.handle(), part.data(), part.size(), flags) >= 0) continue;
    // Only the first part can be refused: libzmq takes the rest of a message it has begun.
    if (zmq_errno() == EAGAIN && i == 0 && !has_begun) {
      return fail(Code::resource_exhausted,
                  "the send queue of " + std::to_string(queue_messages_max) + " messages is full",
                  5);
    }
    return fail(Code::unavailable, "send: " + errno_text());
  }
  return {};
}

// ---- options and monitors
// ----------------------------------------------------------------------------

void set_common_options(zmq::socket_t& socket) {
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::sndhwm, queue_messages_max);
  socket.set(zmq::sockopt::rcvhwm, queue_messages_max);
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(limits::wire_message_bytes_max));
  socket.set(zmq::sockopt::tcp_keepalive,
             1);  // a host that lost power: found after 10 + 3 * 5 seconds
  socket.set(zmq::sockopt::tcp_keepalive_idle, 10);
  socket.set(zmq::sockopt::tcp_keepalive_cnt, 3);
  socket.set(zmq::sockopt::tcp_keepalive_intvl, 5);
  socket.set(zmq::sockopt::handshake_ivl, connect_timeout_ms);
}

struct MonitorEvent {
  std::uint16_t what = 0;
  int fd = -1;
};

// The other end of zmq_socket_monitor(): libzmq's I/O thread tells what happens to connections.
//
// The watched socket is told to stop before this end closes: an event sent to a closed end would
// block the I/O thread for good, and every connection of the process with it.
class Monitor {
 public:
  Monitor() = default;
  ~Monitor() { detach(); }
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;

  // Throws zmq::error_t.
  void attach(Context& context, zmq::socket_t& socket, int events) {
    static std::atomic<std::uint64_t> next{1};
    const std::string url = "inproc://framebus-monitor-" + std::to_string(next++);
    if (zmq_socket_monitor(socket.handle(), url.c_str(), events) != 0) throw zmq::error_t();
    watched_ = socket.handle();
    pair_ = zmq::socket_t(context.zmq, zmq::socket_type::pair);
    // No bound here: at a bound the I/O thread would wait for us, with every connection behind it.
    pair_.set(zmq::sockopt::rcvhwm, 0);
    pair_.set(zmq::sockopt::linger, 0);
    pair_.connect(url);
  }

  // While the watched socket is still open.
  void detach() noexcept {
    if (watched_) zmq_socket_monitor(watched_, nullptr, 0);
    watched_ = nullptr;
    pair_ = zmq::socket_t();
  }

  bool next_event(MonitorEvent& event) {
    zmq::message_t frame;
    if (!pair_ || zmq_msg_recv(frame.handle(), pair_.handle(), ZMQ_DONTWAIT) < 0) return false;
    std::uint32_t value = 0;
    if (frame.size() < sizeof event.what + sizeof value) return false;
    const auto* data = static_cast<const char*>(frame.data());
    std::memcpy(&event.what, data, sizeof event.what);
    std::memcpy(&value, data + sizeof event.what, sizeof value);
    event.fd = static_cast<int>(value);
    while (frame.more() && zmq_msg_recv(frame.handle(), pair_.handle(), ZMQ_DONTWAIT) >= 0) {
    }
    return true;
  }

  void* handle() { return pair_ ? pair_.handle() : nullptr; }

 private:
  void* watched_ = nullptr;
  zmq::socket_t pair_;
};

// What wait() needs of a socket, whichever kind it is.
class Pollable {
 public:
  virtual ~Pollable() = default;
  virtual void add_poll_items(std::vector<zmq_pollitem_t>& items) = 0;
  // Time until receive() has something to do without any input; negative: never.
  virtual Duration until_due(TimePoint now) = 0;
};

constexpr Duration never = Duration(-1);

Duration earlier(Duration a, Duration b) {
  if (a < Duration::zero()) return b;
  return b < Duration::zero() ? a : std::min(a, b);
}

// ---- ROUTER
// ------------------------------------------------------------------------------------------

class ZmqRouter final : public RouterSocket, public Pollable {
 public:
  explicit ZmqRouter(std::shared_ptr<Context> context) : context_(std::move(context)) {}
  ~ZmqRouter() override {
    if (quota_) quota_->open -= connected_.size();
  }

  Result<std::string> bind(const std::string& url) override;
  using RouterSocket::receive;
  void receive(std::vector<Incoming>& out, std::size_t max, std::size_t bytes_max) override;
  Status send(PeerId peer, const WireFrames& frames) override;
  void forget(PeerId peer) override { peers_.forget(peer); }
  void limit_connections(std::shared_ptr<ConnectionQuota> quota) override {
    quota_ = std::move(quota);
  }
  std::uint64_t dropped_messages() const override { return dropped_; }

  void add_poll_items(std::vector<zmq_pollitem_t>& items) override;
  Duration until_due(TimePoint now) override;

 private:
  Status open();
  void read_monitor(TimePoint now);
  void on_accepted(int fd, TimePoint now);
  void drop_useless_connections(TimePoint now, bool is_drained);
  // What one receive() may still read. Messages that are thrown away cost time, too, and count.
  struct Allowance {
    std::size_t messages;
    std::size_t bytes;
  };
  bool read_messages(std::vector<Incoming>& out, Allowance& left, TimePoint now);
  int begin_message(const std::string& routing_id);
  bool is_reachable(const std::string& routing_id);

  std::shared_ptr<Context> context_;
  zmq::socket_t socket_;
  Monitor monitor_;  // after the socket: detached before that closes
  PeerTable peers_;
  ConnectionWatch watch_;
  TimePoint full_until_{};  // a queue was full: come back soon
  std::uint64_t dropped_ = 0;
  std::unordered_set<int> connected_;       // descriptors, as the monitor tells
  std::shared_ptr<ConnectionQuota> quota_;  // shared with the process's other sockets
  TimePoint crowd_warned_at_{};
};

Status ZmqRouter::open() {
  if (socket_) return {};
  try {
    socket_ = zmq::socket_t(context_->zmq, zmq::socket_type::router);
    set_common_options(socket_);
    socket_.set(zmq::sockopt::router_mandatory, 1);
    socket_.set(zmq::sockopt::backlog, 4096);  // a farm that reconnects at once; the kernel caps it
    monitor_.attach(*context_, socket_, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED);
  } catch (const zmq::error_t& error) {
    monitor_.detach();
    socket_ = zmq::socket_t();
    return fail(Code::resource_exhausted, std::string("open a socket: ") + error.what() +
                                              " (is the limit of open files, ulimit -n, too low?)");
  }
  return {};
}

// libzmq removes an existing socket file before it binds: a second broker would silently take the
// first one's place. Somebody who still accepts there is a reason to refuse.
bool somebody_listens(const std::string& path) {
  sockaddr_un address{};
  if (path.size() >= sizeof address.sun_path || path.front() == '@') return false;
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return false;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  const bool is_accepted =
      ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
      errno == EAGAIN;
  ::close(fd);
  return is_accepted;
}

Result<std::string> ZmqRouter::bind(const std::string& url) {
  FRAMEBUS_ASSIGN(const Url parsed, parse_url(url));
  FRAMEBUS_TRY(open());
  if (parsed.scheme == Url::Scheme::ipc && somebody_listens(parsed.path)) {
    return fail(
        Code::already_exists,
        "listen on " + url + ": another process listens there; stop it or choose another path");
  }
  std::string target = url;
  if (parsed.scheme == Url::Scheme::tcp && parsed.port == 0)
    target = url.substr(0, url.rfind(':') + 1) + "*";
  try {
    if (parsed.is_ipv6) socket_.set(zmq::sockopt::ipv6, 1);
    socket_.bind(target);
    return socket_.get(zmq::sockopt::last_endpoint);
  } catch (const zmq::error_t& error) {
    const std::string what = "listen on " + url + ": " + error.what();
    switch (error.num()) {
      case EADDRINUSE:
        return fail(Code::already_exists,
                    what + "; is a broker running there already? Use another port, or 0 for any");
      case EADDRNOTAVAIL:
      case ENODEV:
        return fail(Code::invalid_argument, what +
                                                "; this host has no such address (use 127.0.0.1, * "
                                                "or one that `ip address` lists)");
      case EACCES:
        return fail(Code::permission_denied,
                    what + "; use a port above 1023, or a path this user may write");
      case ENOENT:
        return fail(Code::invalid_argument,
                    what + "; the folder of the socket file does not exist");
      default:
        return fail(Code::unavailable, what);
    }
  }
}

void ZmqRouter::receive(std::vector<Incoming>& out, std::size_t max, std::size_t bytes_max) {
  if (!socket_) return;
  const TimePoint now = now_monotonic();
  const std::size_t stop_at = out.size() + max;
  read_monitor(now);
  if (watch_.is_due(now)) watch_.look(now, bytes_taken_from);
  Allowance left{max, bytes_max};
  bool is_drained = read_messages(out, left, now);
  drop_useless_connections(now, is_drained);
  if (peers_.wants_probe(now)) {
    // Reading this option makes libzmq take in what its I/O thread has told; a send may skip that.
    [[maybe_unused]] const int events = socket_.get(zmq::sockopt::events);
    peers_.probe_due(now, [this](const std::string& id) { return is_reachable(id); });
    // Whoever was just found gone may have left messages that were not visible a moment ago.
    if (peers_.has_gone() && is_drained) {
      is_drained = read_messages(out, left, now);
    }
  }
  if (!peers_.has_gone()) return;
  for (const PeerId peer : peers_.take_gone(now, is_drained, stop_at - out.size())) {
    out.push_back({Incoming::Kind::closed, peer, {}, "the connection ended"});
  }
}

void ZmqRouter::read_monitor(TimePoint now) {
  MonitorEvent event;
  while (monitor_.next_event(event)) {
    if (event.what == ZMQ_EVENT_ACCEPTED) {
      on_accepted(event.fd, now);
    } else {
      if (connected_.erase(event.fd) > 0 && quota_) --quota_->open;
      watch_.on_ended(event.fd);
      peers_.on_connection_ended(event.fd, now);
    }
  }
}

// libzmq can not close one peer's connection; a descriptor that is shut down makes it do so.
void end_connection(int fd) {
  // Closed at once and for both sides, whatever is still on its way.
  const linger none{1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  ::shutdown(fd, SHUT_RDWR);
}

void ZmqRouter::on_accepted(int fd, TimePoint now) {
  watch_.on_accepted(fd, now);
  if (!quota_ || !connected_.insert(fd).second || ++quota_->open <= quota_->max) return;
  end_connection(fd);
  if (now - crowd_warned_at_ < crowd_warning_interval) return;
  crowd_warned_at_ = now;
  log_error("transport", "refused a connection: too many (is the limit of open files too low?)",
            {{"connections_max", quota_->max}});
}

void ZmqRouter::drop_useless_connections(TimePoint now, bool is_drained) {
  std::size_t silent = 0;
  for (const ConnectionWatch::Finding& found : watch_.judge(now, is_drained)) {
    end_connection(found.fd);
    if (found.verdict == ConnectionWatch::Verdict::silent) {
      ++silent;
    } else {
      log_warning("transport", "dropped a connection whose message never ends");
    }
  }
  if (silent > 0) {
    log_warning("transport", "dropped connections that never said anything", {{"count", silent}});
  }
}

// True when the socket has nothing more to read.
bool ZmqRouter::read_messages(std::vector<Incoming>& out, Allowance& left, TimePoint now) {
  std::string routing_id;
  for (; left.messages > 0 && left.bytes > 0; --left.messages) {
    Incoming incoming;
    Origin origin;
    const Received received = receive_message(socket_, &routing_id, origin, incoming.parts);
    const int fd = origin.fd;
    if (received == Received::nothing) return true;
    watch_.on_read(fd, origin.wire_bytes, now);
    left.bytes -= std::min(left.bytes, origin.wire_bytes);
    switch (received) {
      case Received::nothing:
      case Received::probe:
        break;
      case Received::oversized:
        ++dropped_;
        log_warning("transport", "dropped a message that is too large",
                    {{"peer", peers_.peer_of(routing_id, fd, now).value},
                     {"bytes_max", limits::wire_message_bytes_max}});
        break;
      case Received::message:
        incoming.peer = peers_.peer_of(routing_id, fd, now);
        out.push_back(std::move(incoming));
        break;
    }
  }
  return false;
}

// Opens a message to a peer: 0, or the errno that says why not.
int ZmqRouter::begin_message(const std::string& routing_id) {
  const int flags = ZMQ_DONTWAIT | ZMQ_SNDMORE;
  const int sent = zmq_send(socket_.handle(), routing_id.data(), routing_id.size(), flags);
  return sent < 0 ? zmq_errno() : 0;
}

bool ZmqRouter::is_reachable(const std::string& routing_id) {
  const int error = begin_message(routing_id);
  if (error == 0) zmq_send(socket_.handle(), "", 0, ZMQ_DONTWAIT);
  return error != EHOSTUNREACH;
}

Status ZmqRouter::send(PeerId id, const WireFrames& frames) {
  const std::string* routing_id = peers_.routing_id_of(id);
  if (routing_id == nullptr) return fail(Code::unavailable, "peer " + to_string(id) + " is gone");
  std::size_t bytes = 0;
  for (const Bytes& part : frames.parts) bytes += part.size();
  const int fd = peers_.fd_of(id);
  const bool has_room = watch_.has_room(fd, bytes, bytes_acknowledged_on);
  const int error = has_room ? begin_message(*routing_id) : EAGAIN;
  if (error == EAGAIN) {
    full_until_ = now_monotonic() + full_queue_retry;
    return fail(Code::resource_exhausted,
                "the send queue of peer " + to_string(id) + " is full (" +
                    (has_room ? std::to_string(queue_messages_max) + " messages)"
                              : "it does not read what it was sent)"),
                to_ms(full_queue_retry));
  }
  if (error != 0) {
    peers_.mark_gone(id, now_monotonic());
    return fail(Code::unavailable, "peer " + to_string(id) + " is gone: " + zmq_strerror(error));
  }
  watch_.on_sent(fd, bytes);
  return send_parts(socket_, frames, true);
}

void ZmqRouter::add_poll_items(std::vector<zmq_pollitem_t>& items) {
  if (!socket_) return;
  items.push_back({socket_.handle(), 0, ZMQ_POLLIN, 0});
  items.push_back({monitor_.handle(), 0, ZMQ_POLLIN, 0});
}

Duration ZmqRouter::until_due(TimePoint now) {
  const Duration due = earlier(peers_.until_due(now), watch_.until_due(now));
  return full_until_ > now ? earlier(due, full_until_ - now) : due;
}

// ---- DEALER
// ------------------------------------------------------------------------------------------

class ZmqDealer final : public DealerSocket, public Pollable {
 public:
  explicit ZmqDealer(std::shared_ptr<Context> context) : context_(std::move(context)) {}

  Status connect(const std::string& url) override;
  void receive(std::vector<Incoming>& out, std::size_t max) override;
  Status send(const WireFrames& frames) override;
  void close(Duration linger) override;

  void add_poll_items(std::vector<zmq_pollitem_t>& items) override;
  Duration until_due(TimePoint now) override;

 private:
  void read_monitor(TimePoint now);
  void begin_closing(std::string reason, TimePoint due);

  std::shared_ptr<Context> context_;
  zmq::socket_t socket_;
  Monitor monitor_;  // after the socket: detached before that closes
  std::string url_;
  TimePoint deadline_{};  // of the connection attempt
  bool is_connected_ = false;
  bool is_closing_ =
      false;  // lost; `closed` is told at closing_due_, when everything has been read
  bool is_told_ = false;
  bool is_full_ = false;  // the last send found no room
  TimePoint closing_due_{};
  std::string reason_;
};

Status ZmqDealer::connect(const std::string& url) {
  FRAMEBUS_ASSIGN(const Url parsed, parse_url(url));
  if (parsed.scheme == Url::Scheme::tcp && (parsed.port == 0 || parsed.host == "*")) {
    return fail(Code::invalid_argument,
                "endpoint '" + url + "': to connect, a host and a port from 1 to 65535 are needed");
  }
  FRAMEBUS_CHECK(!socket_, "a DealerSocket connects once; make another one");
  try {
    socket_ = zmq::socket_t(context_->zmq, zmq::socket_type::dealer);
    set_common_options(socket_);
    socket_.set(zmq::sockopt::reconnect_ivl, -1);
    socket_.set(zmq::sockopt::connect_timeout, connect_timeout_ms);
    if (parsed.is_ipv6) socket_.set(zmq::sockopt::ipv6, 1);
    monitor_.attach(*context_, socket_,
                    ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_CLOSED | ZMQ_EVENT_DISCONNECTED |
                        ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                        ZMQ_EVENT_HANDSHAKE_FAILED_AUTH);
    socket_.connect(url);
  } catch (const zmq::error_t& error) {
    monitor_.detach();
    socket_ = zmq::socket_t();
    const Code code = error.num() == EMFILE ? Code::resource_exhausted : Code::invalid_argument;
    return fail(code, "connect to " + url + ": " + error.what());
  }
  url_ = url;
  deadline_ = now_monotonic() + connect_deadline;
  is_connected_ = parsed.scheme == Url::Scheme::inproc;
  return {};
}

void ZmqDealer::begin_closing(std::string reason, TimePoint due) {
  if (is_closing_) return;
  is_closing_ = true;
  reason_ = std::move(reason);
  closing_due_ = due;
}

void ZmqDealer::read_monitor(TimePoint now) {
  MonitorEvent event;
  while (monitor_.next_event(event)) {
    switch (event.what) {
      case ZMQ_EVENT_HANDSHAKE_SUCCEEDED:
        is_connected_ = true;
        break;
      case ZMQ_EVENT_CLOSED:
        begin_closing("nothing listens at " + url_ + ", or it can not be reached", now);
        break;
      case ZMQ_EVENT_DISCONNECTED:
        begin_closing(is_connected_ ? "the connection to " + url_ + " ended"
                                    : url_ + " hung up during the handshake",
                      now + closing_grace);
        break;
      default:
        begin_closing(
            "the handshake with " + url_ + " failed: what answers there is not a framebus program",
            now);
        break;
    }
  }
  if (!is_connected_ && now >= deadline_) {
    begin_closing(
        "no connection to " + url_ + " within " + std::to_string(to_ms(connect_deadline)) + " ms",
        now);
  }
}

void ZmqDealer::receive(std::vector<Incoming>& out, std::size_t max) {
  if (!socket_ || is_told_) return;
  const TimePoint now = now_monotonic();
  const std::size_t stop_at = out.size() + max;
  read_monitor(now);
  while (out.size() < stop_at) {
    Incoming incoming;
    Origin origin;
    const Received received = receive_message(socket_, nullptr, origin, incoming.parts);
    if (received == Received::message) {
      out.push_back(std::move(incoming));
    } else if (received == Received::oversized) {
      log_warning("transport", "dropped a message that is too large", {{"from", url_}});
    } else if (received == Received::nothing) {
      break;
    }
  }
  if (is_closing_ && now >= closing_due_ && out.size() < stop_at) {
    is_told_ = true;
    Incoming incoming;
    incoming.kind = Incoming::Kind::closed;
    incoming.reason = reason_;
    out.push_back(std::move(incoming));
  }
}

Status ZmqDealer::send(const WireFrames& frames) {
  if (!socket_) return fail(Code::unavailable, "the socket is not connected");
  if (is_closing_) return fail(Code::unavailable, reason_);
  Status sent = send_parts(socket_, frames, false);
  is_full_ = !sent && sent.error().code == Code::resource_exhausted;
  return sent;
}

void ZmqDealer::close(Duration linger) {
  if (!socket_) return;
  // A connection that never stood would keep the process for the whole of the linger.
  const bool is_worth_it = is_connected_ && !is_closing_;
  socket_.set(zmq::sockopt::linger, is_worth_it ? static_cast<int>(to_ms(linger)) : 0);
  monitor_.detach();
  socket_.close();
  socket_ = zmq::socket_t();
}

void ZmqDealer::add_poll_items(std::vector<zmq_pollitem_t>& items) {
  if (!socket_ || is_told_) return;
  items.push_back(
      {socket_.handle(), 0, static_cast<short>(ZMQ_POLLIN | (is_full_ ? ZMQ_POLLOUT : 0)), 0});
  items.push_back({monitor_.handle(), 0, ZMQ_POLLIN, 0});
}

Duration ZmqDealer::until_due(TimePoint now) {
  if (!socket_ || is_told_) return never;
  if (is_closing_) return std::max(Duration::zero(), closing_due_ - now);
  return is_connected_ ? never : std::max(Duration::zero(), deadline_ - now);
}

}  // namespace

std::shared_ptr<Context> make_context(int io_threads) {
  auto context = std::make_shared<Context>(io_threads, sockets_max);
  zmq_ctx_set(context->zmq.handle(), ZMQ_THREAD_NAME_PREFIX, io_thread_name_prefix);
  return context;
}

std::unique_ptr<RouterSocket> make_router(std::shared_ptr<Context> context) {
  return std::make_unique<ZmqRouter>(std::move(context));
}

std::unique_ptr<DealerSocket> make_dealer(std::shared_ptr<Context> context) {
  return std::make_unique<ZmqDealer>(std::move(context));
}

void wait(std::vector<RouterSocket*> routers, std::vector<DealerSocket*> dealers, Wakeup* wakeup,
          Duration timeout) {
  const TimePoint now = now_monotonic();
  std::vector<zmq_pollitem_t> items;
  items.reserve(2 * (routers.size() + dealers.size()) + 1);
  const auto add = [&](Pollable* socket) {
    if (socket == nullptr) return;
    socket->add_poll_items(items);
    timeout = earlier(timeout, socket->until_due(now));
  };
  for (RouterSocket* router : routers) add(dynamic_cast<Pollable*>(router));
  for (DealerSocket* dealer : dealers) add(dynamic_cast<Pollable*>(dealer));
  if (wakeup != nullptr) items.push_back({nullptr, wakeup->fd(), ZMQ_POLLIN, 0});
  // Rounded up: a wait that ends just before its time would be asked again and spin.
  const long timeout_ms =
      timeout < Duration::zero() ? -1 : static_cast<long>((timeout.count() + 999'999) / 1'000'000);
  // An interrupted wait (EINTR) just ends early.
  zmq_poll(items.data(), static_cast<int>(items.size()), timeout_ms);
}

}  // namespace framebus
