// The one table of bounds: what a peer may make the broker keep or look at, its unit, and the error
// of a refusal. Numbers are in libmsg/base/limits.h and options.h; this names them.
//
// Every refusal in the core goes through refuse_bound(), which counts it (the metric is "refused_"
// and the row's name, in BrokerStatus.counters) and words it. Bounds that other layers keep have
// their row here too, with the metric those count, and their words. Pure but for the count.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "libmsg/base/error.h"

namespace framebus::broker {

// Who keeps a bound.
enum class Keeper : std::uint8_t { core, shell, wire, client, store };

// X(name, limit key, unit, keeper, code, retry_after_ms)
// The key is that of the broker's configuration where there is one, else of libmsg/base/limits.h or
// of the constant that says it.
// resource_exhausted: room may come; invalid_argument: the request itself is too large for ever.
#define FRAMEBUS_BOUNDS(X)                                                                        \
  X(sessions, "sessions_max", "connections", core, resource_exhausted, 10'000)                    \
  X(workers, "max_workers", "connected workers", core, resource_exhausted, 10'000)                \
  X(queued_tasks, "queued_tasks_max", "tasks that have not ended", core, resource_exhausted,      \
    5'000)                                                                                        \
  X(queued_spec_bytes, "queued_specs_max", "bytes of job specifications", core,                   \
    resource_exhausted, 5'000)                                                                    \
  X(outcome_bytes, "outcomes_max", "bytes of results, errors and log tails of open jobs", core,   \
    resource_exhausted, 5'000)                                                                    \
  X(tasks_per_job, "tasks_per_job_max", "tasks", core, invalid_argument, 0)                       \
  X(task_spec_bytes, "task_spec_bytes_max", "bytes", core, invalid_argument, 0)                   \
  X(inline_result_bytes, "inline_result_bytes_max", "bytes", core, invalid_argument, 0)           \
  X(inputs_per_step, "inputs_per_step_max", "blobs", core, invalid_argument, 0)                   \
  X(blob_name_bytes, "blob_name_bytes_max", "bytes", core, invalid_argument, 0)                   \
  X(blob_names_bytes, "blob_names_bytes_max", "bytes of all names", core, invalid_argument, 0)    \
  X(sweep_axes, "sweep_axes_max", "axes", core, invalid_argument, 0)                              \
  X(uploads, "uploads_max", "open uploads", core, resource_exhausted, 10'000)                     \
  X(upload_parts, "upload_parts_max", "parts", core, invalid_argument, 0)                         \
  X(finished_jobs, "finished_jobs_max", "jobs that have ended", core, resource_exhausted, 5'000)  \
  X(parked_requests, "parked_requests_max", "requests that wait for the archive", core,           \
    resource_exhausted, 1'000)                                                                    \
  X(parked_request_bytes, "parked_request_bytes_max", "bytes of requests that wait for the archive", \
    core, resource_exhausted, 1'000)                                                              \
  X(archived_copy_bytes, "archived_copy_bytes_max", "bytes of archived jobs read back", core,     \
    resource_exhausted, 5'000)                                                                    \
  X(archived_copy_tasks, "archived_copy_tasks_max", "tasks of archived jobs read back", core,     \
    resource_exhausted, 5'000)                                                                    \
  X(archived_copies, "archived_copies_max", "archived jobs read back", core, resource_exhausted,  \
    5'000)                                                                                        \
  X(attempts_listed, "attempts_listed_max", "attempts in one message", core, invalid_argument, 0) \
  X(watches_per_session, "watches_per_session_max", "watches of one connection", core,            \
    resource_exhausted, 1'000)                                                                    \
  X(watches_per_principal, "watches_per_principal_max", "watches of one principal", core,         \
    resource_exhausted, 1'000)                                                                    \
  X(commands_per_session, "commands_per_session_max", "commands of one connection under way",     \
    core, resource_exhausted, 1'000)                                                              \
  X(command_requests, "command_requests_max", "answers of workers under way", core,               \
    resource_exhausted, 1'000)                                                                    \
  X(worker_asks, "asks_per_worker_max", "commands that one worker has not answered", core,        \
    resource_exhausted, 1'000)                                                                    \
  X(worker_asked_bytes, "asked_bytes_per_worker_max", "bytes of commands to one worker", core,    \
    resource_exhausted, 1'000)                                                                    \
  X(command_payload_bytes, "command_payload_bytes_max", "bytes", core, invalid_argument, 0)       \
  X(command_reply_bytes, "command_reply_bytes_max", "bytes", core, invalid_argument, 0)           \
  X(commands_per_worker, "commands_per_worker_max", "commands", core, invalid_argument, 0)        \
  X(waiting_command_bytes, "waiting_command_bytes_max", "bytes of commands without a worker",     \
    core, resource_exhausted, 5'000)                                                              \
  X(command_fanout_bytes, "command_fanout_bytes_max", "bytes to all workers asked", core,         \
    invalid_argument, 0)                                                                          \
  X(sticky_bytes, "sticky_bytes_max", "bytes of sticky commands", core, resource_exhausted,       \
    60'000)                                                                                       \
  X(sticky_commands, "sticky_commands_max", "sticky commands", core, resource_exhausted, 60'000)  \
  X(log_chunk_bytes, "log_chunk_bytes_max", "bytes", core, invalid_argument, 0)                   \
  X(journal_backlog_bytes, "journal_backlog_bytes_max", "bytes not yet durable", shell,           \
    resource_exhausted, 0)                                                                        \
  X(peer_outbox_bytes, "peer_outbox_bytes_max", "bytes not yet sent", shell, resource_exhausted,  \
    0)                                                                                            \
  X(input_lookups, "input_lookups_max", "submits whose inputs are looked up", shell,              \
    resource_exhausted, 1'000)                                                                    \
  X(input_lookup_bytes, "input_lookup_bytes_max", "bytes of submits whose inputs are looked up",  \
    shell, resource_exhausted, 1'000)                                                             \
  X(result_lookups, "result_lookups_max", "results whose blobs are looked up", shell,             \
    resource_exhausted, 0)                                                                        \
  X(result_lookup_bytes, "result_lookup_bytes_max", "bytes of results whose blobs are looked up", \
    shell, resource_exhausted, 0)                                                                 \
  X(log_waiting_bytes, "log_waiting_bytes_max", "bytes of logs and of reads of them that wait",   \
    shell, resource_exhausted, 1'000)                                                             \
  X(archive_requests, "archive_requests_max", "requests that wait for the archive's thread",      \
    shell, resource_exhausted, 1'000)                                                             \
  X(attempt_log_bytes, "attempt_log_bytes_max", "bytes", store, resource_exhausted, 0)            \
  X(wire_message_bytes, "wire_message_bytes_max", "bytes", wire, malformed_message, 0)            \
  X(attachment_frames, "attachment_frames_max", "frames", wire, malformed_message, 0)             \
  X(msgpack_depth, "msgpack_depth_max", "levels", wire, malformed_message, 0)                     \
  X(array_elements, "array_elements_max", "elements", wire, malformed_message, 0)                 \
  X(struct_elements, "struct_elements_max", "elements", wire, malformed_message, 0)               \
  X(decoded_bytes, "decoded_bytes_max", "bytes in memory", wire, malformed_message, 0)            \
  X(json_file_bytes, "json_file_bytes_max", "bytes", client, invalid_argument, 0)                 \
  X(json_depth, "json_depth_max", "levels", client, invalid_argument, 0)

enum class Bound : std::uint8_t {
#define FRAMEBUS_X(name, key, unit, keeper, code, retry) name,
  FRAMEBUS_BOUNDS(FRAMEBUS_X)
#undef FRAMEBUS_X
      count
};

struct BoundRow {
  Bound bound;
  std::string_view name;
  std::string_view key;
  std::string_view unit;
  Keeper keeper;
  Code code;
  std::int64_t retry_after_ms;
};

inline constexpr std::size_t bound_count = static_cast<std::size_t>(Bound::count);

inline constexpr std::array<BoundRow, bound_count> bounds{{
#define FRAMEBUS_X(name, key, unit, keeper, code, retry) \
  {Bound::name, #name, key, unit, Keeper::keeper, Code::code, retry},
    FRAMEBUS_BOUNDS(FRAMEBUS_X)
#undef FRAMEBUS_X
}};

constexpr const BoundRow& row_of(Bound bound) {
  return bounds[static_cast<std::size_t>(bound)];
}

// Refusals of each bound, since this process started.
struct Refusals {
  std::array<std::uint64_t, bound_count> counts{};
  std::uint64_t of(Bound bound) const { return counts[static_cast<std::size_t>(bound)]; }
};

// Counts the refusal and words it: "<where>: found 70000 bytes, allowed are 65536
// (inline_result_bytes_max)". `where`: the field, or what adds to what is there; may be empty.
Error refuse_bound(Refusals& refusals, Bound bound, std::uint64_t limit, std::uint64_t found,
                   std::string_view where = {});
// The words alone, for those who count by themselves.
Error word_refusal(Bound bound, std::uint64_t limit, std::uint64_t found,
                   std::string_view where = {});

}  // namespace framebus::broker
