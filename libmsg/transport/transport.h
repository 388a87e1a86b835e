// Sockets as the shells see them. The only user of libzmq in the project (transport.cpp).
//
// Peers are named by PeerId, a number made here for each connection and never reused; routing ids
// stay inside. A ROUTER does not report a closed peer by itself: this layer watches the socket's
// monitor and confirms with a probe, so that on_closed comes within milliseconds (docs/PROTOCOL.md,
// "connections"). Thread rule: a socket belongs to one thread; Wakeup::notify() may be called from
// any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "libmsg/base/bytes.h"
#include "libmsg/base/result.h"
#include "libmsg/base/time.h"
#include "libmsg/codec/codec.h"

namespace framebus {

struct PeerIdTag;
using PeerId = Id64<PeerIdTag>;

// What a socket has to tell: a message, or that a peer is gone.
struct Incoming {
  enum class Kind { message, closed } kind = Kind::message;
  PeerId peer;               // ROUTER only
  std::vector<Bytes> parts;  // kind message: MessageType, Payload, Checksum, attachments
  std::string reason;        // kind closed: a sentence for logs and people
};

class Context;  // one for each process (or test); owns the I/O threads

std::shared_ptr<Context> make_context(int io_threads = 1);  // shared: every socket keeps it alive

// Raises the soft limit of open descriptors to the hard one and returns it. Servers call it first:
// each connection takes a descriptor, and a libzmq listener without any left spins on accept()
// until one is freed; limit_connections() keeps a server away from that.
Result<std::uint64_t> raise_descriptor_limit();
// The soft limit as it is.
Result<std::uint64_t> descriptor_limit();

// Interrupts a wait() from another thread. Readable until drained.
class Wakeup {
 public:
  Wakeup();
  ~Wakeup();
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;
  void notify() noexcept;  // any thread, async-signal-safe
  void drain() noexcept;   // the waiting thread
  int fd() const { return fd_; }

 private:
  int fd_ = -1;
};

// Places for connections that several sockets of a process share. Thread rule: any thread.
struct ConnectionQuota {
  explicit ConnectionQuota(std::size_t connections_max) : max(connections_max) {}
  const std::size_t max;
  std::atomic<std::size_t> open{0};
};

// A bound ROUTER with MANDATORY set.
//
// `closed` comes once for each PeerId, after the last message of that peer. tcp and ipc: within
// milliseconds of the end of the connection. inproc: found by a probe every 100 ms.
// A probe is a message of one empty frame; receivers drop it, and so do the sockets here.
class RouterSocket {
 public:
  virtual ~RouterSocket() = default;
  // tcp://HOST:PORT (port 0 or *: any), ipc://PATH, inproc://NAME. Returns the bound URL with the
  // real port.
  virtual Result<std::string> bind(const std::string& url) = 0;
  // Appends at most `max` things that have arrived, and messages until they are `bytes_max` or
  // more together; never blocks. A malformed part count still arrives: the codec judges.
  // One call with a high bound, not many with a low one: each looks after connections, and finds
  // those that are of no use best when it has read everything.
  virtual void receive(std::vector<Incoming>& out, std::size_t max, std::size_t bytes_max) = 0;
  void receive(std::vector<Incoming>& out, std::size_t max) { receive(out, max, SIZE_MAX); }
  // Never blocks. unavailable: the peer is gone (`closed` follows). resource_exhausted: its queue
  // is full, nothing was sent; the next wait() returns within 5 ms, so that it can be tried again.
  virtual Status send(PeerId peer, const WireFrames& frames) = 0;
  // Forgets a peer; later messages of its connection arrive under a new PeerId.
  virtual void forget(PeerId peer) = 0;
  // Ends every connection (tcp, ipc) beyond the quota as soon as it is accepted. Before bind();
  // default: no bound.
  virtual void limit_connections(std::shared_ptr<ConnectionQuota> quota) { (void)quota; }
  // Messages thrown away unread because their frames together exceeded
  // limits::wire_message_bytes_max.
  virtual std::uint64_t dropped_messages() const { return 0; }
};

// A connecting DEALER: one per connection attempt, thrown away with it (LINGER small, no reconnect
// by libzmq). What is sent before the connection stands is queued and goes out first, or is lost
// with it. `closed` arrives once in receive() when the connection is lost or could not be made (at
// most 6 s after connect()), after the last message. Not for inproc: there a lost peer shows as a
// queue that stays full.
class DealerSocket {
 public:
  virtual ~DealerSocket() = default;
  virtual Status connect(
      const std::string& url) = 0;  // returns at once; invalid_argument for a bad URL
  virtual void receive(std::vector<Incoming>& out, std::size_t max) = 0;
  // As RouterSocket::send; after resource_exhausted, wait() returns when there is room again.
  virtual Status send(const WireFrames& frames) = 0;
  // Sends what is queued for at most `linger`, then closes. The destructor closes at once.
  virtual void close(Duration linger) = 0;
};

std::unique_ptr<RouterSocket> make_router(std::shared_ptr<Context> context);
std::unique_ptr<DealerSocket> make_dealer(std::shared_ptr<Context> context);

// Blocks until one of the sockets has something to receive, the wakeup is notified, or `timeout`
// has passed (negative: for ever). Call receive() on every socket afterwards: it is cheap when
// empty.
void wait(std::vector<RouterSocket*> routers, std::vector<DealerSocket*> dealers, Wakeup* wakeup,
          Duration timeout);

// URL check used by configuration: scheme tcp/ipc/inproc, host and port present, port in range.
Status check_url(const std::string& url);

// The monotonic clock, for shells only (core/ gets time passed in).
TimePoint now_monotonic();

}  // namespace framebus
