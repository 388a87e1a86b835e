// What every accepted TCP connection has sent, against what has been read from it. Finds the two
// kinds that libzmq holds on to for ever: those that never complete a message, whatever they send,
// and those that never send one. transport.cpp shuts their descriptors down. Also bounds what waits
// in libzmq for a peer that does not read.
//
// A message of endless parts is kept in memory by libzmq until its last part, which bounds single
// frames only. Numbers come from the kernel (TCP_INFO), so nothing on the connection's path costs
// time. Connections over ipc and inproc are not watched: the kernel counts nothing for them.
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>
#include <vector>

#include "libmsg/base/time.h"

namespace framebus {

class ConnectionWatch {
 public:
  enum class Verdict { endless_message, silent };
  struct Finding {
    int fd = -1;
    Verdict verdict = Verdict::silent;
  };
  // Bytes that the application side of the kernel has taken from a descriptor; none when it is no
  // TCP connection.
  using BytesTaken = std::function<std::optional<std::uint64_t>(int fd)>;

  // The monitor's news.
  void on_accepted(int fd, TimePoint now);
  void on_ended(int fd);
  // A whole message that took `bytes` bytes on the wire was read from the connection. It may come
  // before the news that the connection was accepted.
  void on_read(int fd, std::size_t bytes, TimePoint now);

  // Whether `bytes` more may be handed to libzmq for this connection: what the peer has not
  // acknowledged is bounded, since libzmq's own bound counts messages of any size. on_sent() counts
  // what was handed over. Asks the kernel only when the bound seems to be reached.
  bool has_room(int fd, std::size_t bytes, const BytesTaken& bytes_acknowledged);
  void on_sent(int fd, std::size_t bytes);

  bool is_due(TimePoint now) const { return !connections_.empty() && now >= next_look_; }
  // Call when due, before reading; judge() then compares with what was read since.
  void look(TimePoint now, const BytesTaken& bytes_taken);
  // After reading; `is_drained`: every whole message was read, so what is left over is part of one.
  // Those found are forgotten here. A look is judged when first everything was read after it,
  // however many calls that takes; before that only what is beyond any backlog is found.
  std::vector<Finding> judge(TimePoint now, bool is_drained);

  // Time until look() is due; negative: never.
  Duration until_due(TimePoint now) const;
  std::size_t size() const { return connections_.size(); }

 private:
  struct Connection {
    TimePoint since{};
    std::uint64_t taken = 0;    // at the last look
    std::uint64_t read = 0;     // accounted for by whole messages
    std::uint64_t settled = 0;  // taken when everything whole had been read
    std::uint64_t sent = 0;
    std::uint64_t acknowledged = 0;  // by the peer's kernel, when last asked
    std::uint64_t overdue_at = 0;    // messages read from all when it had been silent for too long
    bool is_accepted = false;        // else only heard of: never judged
    bool has_spoken = false;
  };

  std::unordered_map<int, Connection> connections_;
  enum class Look : std::uint8_t { judged, fresh, judged_in_part };
  bool is_silent(Connection& connection, TimePoint now, bool is_drained) const;

  TimePoint next_look_{};
  Look look_ = Look::judged;
  std::uint64_t messages_read_ = 1;  // from all connections
};

// For ConnectionWatch: ask the kernel.
std::optional<std::uint64_t> bytes_taken_from(int fd);
std::optional<std::uint64_t> bytes_acknowledged_on(int fd);

}  // namespace framebus
