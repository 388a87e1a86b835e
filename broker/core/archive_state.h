// The hand-over of finished jobs to the archive, and requests about jobs that are only there
// (archive.h). Plain data of State (state.h); all of it is volatile.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "broker/core/event.h"
#include "libmsg/base/limits.h"

namespace framebus::broker {

// The piece that the archive has been given and has not answered.
struct ArchiveOut {
  JobId job;
  std::uint32_t round = 0;  // Job::archive_round: opened again meanwhile, it counts for nothing
  std::uint32_t first_task = 0;
  std::uint32_t next_task = 0;
};

// Requests that wait for one archived job.
struct ArchiveLoad {
  std::vector<Received> requests;  // first come, first served
  bool asked = false;              // LoadArchived is out
};

struct ArchiveState {
  std::deque<JobId> waiting;  // their hand-over is due; stale ones are skipped
  std::optional<ArchiveOut> out;
  std::uint32_t failures = 0;  // in a row
  TimePoint again_at{};        // after a failure
  std::map<JobId, ArchiveLoad> loads;
  std::uint32_t parked = 0;     // requests in loads
  std::uint64_t parked_bytes = 0;
  std::uint32_t loads_out = 0;  // of those, asked
  std::uint32_t copies = 0;     // archived jobs in memory, to be read
  std::uint64_t copy_tasks = 0;
  std::uint64_t copy_bytes = 0;  // of their specs and outcomes
};

inline constexpr std::uint32_t archive_loads_out_max = 2;
inline constexpr std::uint32_t archived_copies_max = 64;
inline constexpr std::uint64_t archived_copy_tasks_max = 2'000'000;
// One is taken in whatever its size: it fitted before it was archived.
inline constexpr std::uint64_t archived_copy_bytes_max = 128 * limits::MiB;
inline constexpr std::uint64_t parked_request_bytes_max = 64 * limits::MiB;

// Memory that a request takes while it waits.
std::uint64_t bytes_of(const Received& request);
inline constexpr std::size_t image_bytes_max =
    2 * 1024 * 1024;  // of a piece, about; one task at least

}  // namespace framebus::broker
