// See connection_watch.h.
#include "libmsg/transport/connection_watch.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>

#include "libmsg/base/limits.h"

namespace framebus {
namespace {

constexpr Duration look_interval = milliseconds(250);
constexpr Duration first_message_within = seconds(15);
// A message under way, and what arrives between looking and reading.
constexpr std::uint64_t part_bytes_max = 2 * limits::wire_message_bytes_max;
// When messages wait unread as well: more than any peer of ours keeps under way.
constexpr std::uint64_t backlog_bytes_max = 512 * limits::MiB;
// Two of the largest messages, or a window of blob chunks and more.
constexpr std::uint64_t unacknowledged_bytes_max = 2 * limits::wire_message_bytes_max;
// When messages wait unread all the time: libzmq takes turns between connections, so after so many,
// more than there can be connections, something would have been read of each that has said it.
constexpr std::uint64_t messages_past_all = 65'536;
// A message that was read whose connection nobody announced: news of it come within this time.
constexpr Duration announced_within = seconds(10);

// Ten thousand connections are asked for in turns of more than a second.
constexpr Duration look_interval_of_one = Duration(100'000);

}  // namespace

void ConnectionWatch::on_accepted(int fd, TimePoint now) {
  Connection& connection = connections_[fd];
  connection.since = now;
  connection.is_accepted = true;
}

void ConnectionWatch::on_ended(int fd) {
  connections_.erase(fd);
}

void ConnectionWatch::on_read(int fd, std::size_t bytes, TimePoint now) {
  if (fd < 0) return;
  const auto [entry, is_new] = connections_.try_emplace(fd);
  Connection& connection = entry->second;
  if (is_new) connection.since = now;
  // What had come by the last look is part of this message, of earlier ones, or of libzmq's own
  // commands, which are not counted.
  connection.read = std::max(connection.read + bytes, connection.settled);
  connection.has_spoken = true;
  ++messages_read_;
}

bool ConnectionWatch::has_room(int fd, std::size_t bytes, const BytesTaken& bytes_acknowledged) {
  const auto found = connections_.find(fd);
  if (found == connections_.end()) return true;
  Connection& connection = found->second;
  const auto has = [&] {
    return connection.sent + bytes <= connection.acknowledged + unacknowledged_bytes_max;
  };
  if (has()) return true;
  const auto acknowledged = bytes_acknowledged(fd);
  if (!acknowledged) return true;
  connection.acknowledged = *acknowledged;
  // Frame heads and libzmq's own commands are acknowledged too: they must not add up to credit.
  connection.sent = std::max(connection.sent, connection.acknowledged);
  // Nothing under way: room for a message of any size.
  return has() || connection.acknowledged == connection.sent;
}

void ConnectionWatch::on_sent(int fd, std::size_t bytes) {
  const auto found = connections_.find(fd);
  if (found != connections_.end()) found->second.sent += bytes;
}

void ConnectionWatch::look(TimePoint now, const BytesTaken& bytes_taken) {
  look_ = Look::fresh;
  for (auto entry = connections_.begin(); entry != connections_.end();) {
    Connection& connection = entry->second;
    const auto taken = bytes_taken(entry->first);
    if (!taken || (!connection.is_accepted && now - connection.since > announced_within)) {
      entry = connections_.erase(entry);
      continue;
    }
    connection.taken = *taken;
    ++entry;
  }
  next_look_ = now + look_interval + connections_.size() * look_interval_of_one;
}

bool ConnectionWatch::is_silent(Connection& connection, TimePoint now, bool is_drained) const {
  if (connection.has_spoken || now - connection.since <= first_message_within) return false;
  if (is_drained) return true;
  if (connection.overdue_at == 0) connection.overdue_at = messages_read_;
  return messages_read_ - connection.overdue_at > messages_past_all;
}

std::vector<ConnectionWatch::Finding> ConnectionWatch::judge(TimePoint now, bool is_drained) {
  std::vector<Finding> findings;
  if (look_ == Look::judged || (look_ == Look::judged_in_part && !is_drained)) return findings;
  look_ = is_drained ? Look::judged : Look::judged_in_part;
  const std::uint64_t allowed = is_drained ? part_bytes_max : backlog_bytes_max;
  for (auto& [fd, connection] : connections_) {
    if (is_drained) connection.settled = connection.taken;
    if (!connection.is_accepted) continue;
    if (connection.taken > connection.read && connection.taken - connection.read > allowed) {
      findings.push_back({fd, Verdict::endless_message});
    } else if (is_silent(connection, now, is_drained)) {
      findings.push_back({fd, Verdict::silent});
    }
  }
  std::sort(findings.begin(), findings.end(),
            [](const Finding& a, const Finding& b) { return a.fd < b.fd; });
  for (const Finding& each : findings) connections_.erase(each.fd);
  return findings;
}

Duration ConnectionWatch::until_due(TimePoint now) const {
  if (connections_.empty()) return Duration(-1);
  return std::max(Duration::zero(), next_look_ - now);
}

std::optional<std::uint64_t> bytes_acknowledged_on(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  return info.tcpi_bytes_acked;
}

std::optional<std::uint64_t> bytes_taken_from(int fd) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  int waiting = 0;
  if (::ioctl(fd, SIOCINQ, &waiting) != 0) return std::nullopt;
  const auto unread = static_cast<std::uint64_t>(std::max(waiting, 0));
  return info.tcpi_bytes_received > unread ? info.tcpi_bytes_received - unread : 0;
}

}  // namespace framebus
