// What attempts write, on its way to the broker.
//
// Bytes are counted from the beginning of each attempt's log, and kept until LogOk, also beyond the
// attempt's end. Two bounds: of one log the middle is given up, so that beginning and end survive a
// broker that is away; of all logs together, those of attempts that are over go first. What was
// given up shows as a jump of the offset. A broker that confirms slowly holds up logs, never
// results.
#include <algorithm>

#include "worker/core/state.h"

namespace framebus::worker {
namespace {

constexpr std::size_t piece_bytes_max = 32 * limits::KiB;
constexpr std::size_t send_at_once_bytes = 64 * limits::KiB;
constexpr std::size_t in_flight_bytes_max = 1 * limits::MiB;
constexpr std::size_t bytes_per_message = 2 * limits::MiB;
static_assert(piece_bytes_max <= limits::log_chunk_bytes_max);

void drop_piece(State& s, AttemptLog& log, std::size_t index, bool is_lost) {
  const std::size_t bytes = log.pieces[index].bytes.size();
  log.pieces.erase(log.pieces.begin() + static_cast<std::ptrdiff_t>(index));
  log.bytes -= bytes;
  s.log_bytes -= bytes;
  if (is_lost) s.log_bytes_given_up += bytes;
}

void drop_log(State& s, const AttemptKey& key) {
  const auto found = s.logs.find(key);
  if (found == s.logs.end()) return;
  AttemptLog& log = found->second;
  while (!log.pieces.empty()) drop_piece(s, log, log.pieces.size() - 1, true);
  s.log_bytes_in_flight -= log.sent - log.acked;
  s.logs_unsent.erase(key);
  s.logs.erase(found);
}

// Room for `bytes` more in the log of `key`; false when there can be none.
bool make_room(State& s, const AttemptKey& key, std::size_t bytes) {
  AttemptLog& log = s.logs.at(key);
  const std::size_t own_max = s.options.attempt_log_bytes_max;
  while (log.bytes + bytes > own_max && log.pieces.size() > 1)
    drop_piece(s, log, log.pieces.size() / 2, true);
  for (auto it = s.logs.begin();
       it != s.logs.end() && s.log_bytes + bytes > s.options.log_bytes_max;) {
    const AttemptKey other = it->first;
    ++it;
    if (s.logs.at(other).is_over) drop_log(s, other);
  }
  while (s.log_bytes + bytes > s.options.log_bytes_max && log.pieces.size() > 1)
    drop_piece(s, log, log.pieces.size() / 2, true);
  return log.bytes + bytes <= own_max && s.log_bytes + bytes <= s.options.log_bytes_max;
}

void append(State& s, const AttemptKey& key, BytesView bytes) {
  AttemptLog& log = s.logs.at(key);
  while (!bytes.empty()) {
    LogPiece* last = log.pieces.empty() ? nullptr : &log.pieces.back();
    const bool continues = last != nullptr && last->offset + last->bytes.size() == log.end &&
                           last->bytes.size() < piece_bytes_max;
    const std::size_t room = piece_bytes_max - (continues ? last->bytes.size() : 0);
    const BytesView part = bytes.first(std::min(bytes.size(), room));
    bytes = bytes.subspan(part.size());
    if (!make_room(s, key, part.size())) {
      log.end += part.size();
      s.log_bytes_given_up += part.size();
      continue;
    }
    if (!continues) log.pieces.push_back({log.end, {}});
    Bytes& into = log.pieces.back().bytes;
    into.insert(into.end(), part.begin(), part.end());
    log.end += part.size();
    log.bytes += part.size();
    s.log_bytes += part.size();
  }
}

// Chunks of one log that were not sent on this connection.
void add_chunks(State& s, const AttemptKey& key, AttemptLog& log, std::vector<LogChunk>& chunks) {
  for (const LogPiece& piece : log.pieces) {
    const std::uint64_t end = piece.offset + piece.bytes.size();
    if (end <= log.sent) continue;
    const std::uint64_t from = std::max(log.sent, piece.offset);
    const auto begin = piece.bytes.begin() + static_cast<std::ptrdiff_t>(from - piece.offset);
    chunks.push_back({key.task, key.token, from, Bytes(begin, piece.bytes.end())});
    s.log_bytes_in_flight += end - log.sent;
    log.sent = end;
  }
}

bool is_window_open(const State& s) {
  return s.log_bytes_in_flight < in_flight_bytes_max;
}

}  // namespace

void on_executor_log(State& s, const ExecutorLog& event) {
  const AttemptKey key = key_of(event.attempt);
  const auto found = s.attempts.find(key);
  if (found == s.attempts.end() || found->second.phase == AttemptPhase::reporting) return;
  found->second.progress_at = s.now;  // it lives
  if (event.skipped_bytes > 0) s.logs[key].end += event.skipped_bytes;
  s.log_bytes_given_up += event.skipped_bytes;
  if (event.bytes.empty()) return;
  s.logs.try_emplace(key);
  append(s, key, event.bytes);
  s.logs_unsent.insert(key);
  s.log_bytes_unsent += event.bytes.size();
}

void on_log_ok(State& s, const LogOk& confirmed) {
  for (const LogPosition& position : confirmed.positions) {
    const AttemptKey key{position.task, position.token};
    const auto found = s.logs.find(key);
    if (found == s.logs.end()) continue;
    AttemptLog& log = found->second;
    const std::uint64_t upto = std::clamp(position.offset, log.acked, log.sent);
    s.log_bytes_in_flight -= upto - log.acked;
    log.acked = upto;
    while (!log.pieces.empty() &&
           log.pieces.front().offset + log.pieces.front().bytes.size() <= upto)
      drop_piece(s, log, 0, false);
    if (log.is_over && log.pieces.empty()) drop_log(s, key);
  }
}

// `is_wanted`: the broker knows the attempt, so it is worth keeping until it is confirmed.
void close_log(State& s, const AttemptKey& key, bool is_wanted) {
  const auto found = s.logs.find(key);
  if (found == s.logs.end()) return;
  found->second.is_over = true;
  if (!is_wanted || found->second.pieces.empty()) drop_log(s, key);
}

void resend_logs(State& s) {
  s.log_bytes_in_flight = 0;
  for (auto& [key, log] : s.logs) {
    log.sent = log.acked;
    if (!log.pieces.empty()) s.logs_unsent.insert(key);
  }
}

// All that the window lets through, and whatever belongs to a result that leaves next.
void send_logs(State& s, Actions& out) {
  std::vector<LogChunk> chunks;
  for (auto it = s.logs_unsent.begin(); it != s.logs_unsent.end();) {
    const bool has_result = std::find(s.results.begin(), s.results.end(), *it) != s.results.end();
    if (!is_window_open(s) && !has_result) {
      ++it;
      continue;
    }
    add_chunks(s, *it, s.logs.at(*it), chunks);
    it = s.logs_unsent.erase(it);
  }
  Log message;
  std::size_t bytes = 0;
  for (LogChunk& chunk : chunks) {
    if (bytes + chunk.bytes.size() > bytes_per_message) {
      out.emplace_back(Send{s.connection, std::exchange(message, {})});
      bytes = 0;
    }
    bytes += chunk.bytes.size() + 64;
    message.chunks.push_back(std::move(chunk));
  }
  if (!message.chunks.empty()) out.emplace_back(Send{s.connection, std::move(message)});
  s.log_bytes_unsent = 0;
  s.log_after = s.now + s.options.log_interval;
}

bool is_log_due(const State& s) {
  return s.link == Link::ready && !s.logs_unsent.empty() && is_window_open(s) &&
         (s.log_bytes_unsent >= send_at_once_bytes || s.now >= s.log_after);
}

std::optional<TimePoint> log_deadline(const State& s) {
  if (s.link != Link::ready || s.logs_unsent.empty() || !is_window_open(s)) return std::nullopt;
  return s.log_after;
}

}  // namespace framebus::worker
