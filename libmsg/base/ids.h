// Identities used everywhere: jobs, tasks, workers, sessions, grants, blobs. Strong types, so that
// a job id never becomes a session id by accident. All compare by value and order
// deterministically.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "libmsg/base/result.h"

namespace framebus {

// 128 random bits; all zero means "none". Written as 32 lower-case hex digits.
template <class Tag>
struct Id128 {
  std::array<std::uint8_t, 16> bytes{};
  auto operator<=>(const Id128&) const = default;
  bool is_none() const { return *this == Id128{}; }
};
using WorkerId = Id128<struct WorkerTag>;  // stable: kept in the worker's data directory
using SubmitId = Id128<struct SubmitTag>;  // made by a primary for one Submit and its repeats

// A number that a broker hands out, from 1; 0 means "none".
template <class Tag>
struct Id64 {
  std::uint64_t value = 0;
  auto operator<=>(const Id64&) const = default;
  bool is_none() const { return value == 0; }
};
using JobId = Id64<struct JobTag>;
using SessionId = Id64<struct SessionTag>;  // one peer's registration; never reused within an epoch

// A task: its job and its index in the job, counted from 0 over all steps in file order.
struct TaskRef {
  JobId job;
  std::uint32_t index = 0;
  auto operator<=>(const TaskRef&) const = default;
};

// The fencing token of a lease: grows with every grant over all restarts of the broker. The MAC
// binds it to task and worker (document: docs/PROTOCOL.md, "tokens"), so that a worker can not
// forge one.
struct Token {
  std::uint64_t epoch = 0;
  std::uint64_t grant = 0;
  std::array<std::uint8_t, 16> mac{};
  auto operator<=>(const Token&) const = default;
  // Order in time; the MAC takes no part.
  bool is_older_than(const Token& other) const {
    return epoch != other.epoch ? epoch < other.epoch : grant < other.grant;
  }
};

// BLAKE2b-256 of a blob's bytes: its name everywhere.
struct BlobHash {
  std::array<std::uint8_t, 32> bytes{};
  auto operator<=>(const BlobHash&) const = default;
  bool is_none() const { return *this == BlobHash{}; }
};

std::string to_hex(const std::uint8_t* bytes, std::size_t byte_count);
// Exactly 2 * byte_count hex digits of either case, nothing else.
Result<void> from_hex(std::string_view text, std::uint8_t* bytes, std::size_t byte_count);

template <class Tag>
std::string to_string(const Id128<Tag>& id) {
  return to_hex(id.bytes.data(), id.bytes.size());
}
inline std::string to_string(const BlobHash& hash) {
  return to_hex(hash.bytes.data(), hash.bytes.size());
}
template <class Tag>
std::string to_string(const Id64<Tag>& id) {
  return std::to_string(id.value);
}
// "3:17", as the command line writes tasks.
inline std::string to_string(const TaskRef& task) {
  return std::to_string(task.job.value) + ":" + std::to_string(task.index);
}

}  // namespace framebus
