// Every bound of the system, once, with its unit in the name. A refusal names the bound, its value
// and the value found. docs/PROTOCOL.md prints this list; the relations that must hold are asserted
// here.
#pragma once

#include <cstddef>
#include <cstdint>

namespace framebus::limits {

inline constexpr std::size_t KiB = 1024;
inline constexpr std::size_t MiB = 1024 * KiB;
inline constexpr std::size_t GiB = 1024 * MiB;

// Wire
inline constexpr std::size_t wire_message_bytes_max =
    8 * MiB;                                             // all frames of one message together
inline constexpr std::size_t attachment_frames_max = 5;  // 3 fixed frames + 5 = 8
inline constexpr std::size_t msgpack_depth_max = 16;
inline constexpr std::size_t message_type_bytes_max = 16;  // first wire frame
inline constexpr std::size_t array_elements_max =
    1'000'000;  // numbers, texts or byte strings in one array
inline constexpr std::size_t struct_elements_max =
    65'536;  // structs in one array; longer lists come in pages
inline constexpr std::size_t decoded_bytes_max =
    128 * MiB;  // memory that the arrays of one decoded message may take
inline constexpr std::size_t text_bytes_max = 256 * KiB;  // any one string in a payload
inline constexpr std::size_t name_bytes_max =
    256;  // names of jobs, steps, hosts, task types, labels

// JSON files
inline constexpr std::size_t json_file_bytes_max = 64 * MiB;
inline constexpr std::size_t json_depth_max = 32;

// Jobs
inline constexpr std::uint32_t tasks_per_job_max = 1'000'000;
inline constexpr std::uint32_t steps_per_job_max = 1'000;
inline constexpr std::size_t task_spec_bytes_max = 256 * KiB;  // step params and task params, each
inline constexpr std::size_t inline_result_bytes_max = 64 * KiB;
inline constexpr std::size_t queued_spec_bytes_max = 2 * GiB;
inline constexpr std::uint32_t queued_tasks_max = 5'000'000;
inline constexpr std::uint32_t inputs_per_step_max = 10'000;  // blobs a step names
inline constexpr std::uint32_t results_per_message_max = 4'096;
inline constexpr std::uint32_t attempts_listed_max = 65'536;  // in one Heartbeat or Hello
inline constexpr std::size_t blob_name_bytes_max = 4 * KiB;   // a path
inline constexpr std::size_t blob_names_bytes_max = 2 * MiB;  // all of a step, or of a result
inline constexpr std::uint32_t attempts_kept_per_task_max = 16;  // history shown by `framebus job`
inline constexpr std::size_t error_text_bytes_max = 8 * KiB;

inline constexpr std::uint32_t sweep_axes_max = 64;
inline constexpr std::uint32_t uploads_max = 256;           // open at once
inline constexpr std::uint32_t upload_parts_max = 100'000;  // of one upload
inline constexpr std::uint32_t parked_requests_max = 1'024;  // about jobs that the archive must bring
inline constexpr std::size_t archive_requests_max = 1'024;   // that the archive has not begun

// Looked up in the blob store, and not back yet
inline constexpr std::size_t input_lookups_max = 256;  // submits whose inputs are
inline constexpr std::size_t input_lookup_bytes_max = 64 * MiB;
inline constexpr std::size_t result_lookups_max = 4'096;  // results whose blobs are
inline constexpr std::size_t result_lookup_bytes_max = 64 * MiB;

// Logs
inline constexpr std::size_t log_waiting_bytes_max = 32 * MiB;  // to be written, and reads of them
inline constexpr std::size_t attempt_log_bytes_max = 4 * MiB;  // half head, half tail
inline constexpr std::size_t log_chunk_bytes_max = 64 * KiB;   // in one LogChunk or LogData

// Commands
inline constexpr std::size_t command_payload_bytes_max = 256 * KiB;
inline constexpr std::size_t command_reply_bytes_max = 64 * KiB;
inline constexpr std::uint32_t commands_per_session_max = 4'096;  // without their last answer
inline constexpr std::uint32_t command_requests_max = 1'000'000;  // worker answers outstanding
inline constexpr std::size_t waiting_command_bytes_max = 256 * MiB;  // for a worker to come
inline constexpr std::size_t command_fanout_bytes_max = 256 * MiB;   // payload times workers asked
inline constexpr std::uint32_t sticky_commands_max = 64;
inline constexpr std::size_t sticky_bytes_max = 4 * MiB;  // all of them together
inline constexpr std::uint32_t commands_per_worker_max = 256;  // names it says it knows

// Journal
inline constexpr std::size_t journal_backlog_bytes_max = 8 * MiB;  // appended and not yet durable

// Peers
inline constexpr std::size_t peer_outbox_bytes_max = 16 * MiB;
inline constexpr std::uint32_t sessions_max = 12'000;
inline constexpr std::uint32_t workers_max = 10'000;
inline constexpr std::uint32_t slots_per_worker_max = 1'024;
inline constexpr std::uint32_t devices_per_worker_max = 64;
inline constexpr std::uint32_t task_types_per_worker_max = 256;
inline constexpr std::uint32_t labels_max = 64;
inline constexpr std::uint32_t watches_per_session_max = 64;
inline constexpr std::uint32_t watches_per_principal_max = 256;
inline constexpr std::uint32_t events_per_job_kept_max =
    65'536;  // a watcher further behind gets a snapshot

// Blobs
inline constexpr std::size_t blob_chunk_bytes = 512 * KiB;
inline constexpr std::uint32_t blob_window_chunks =
    16;  // asked for and not yet arrived, each transfer
inline constexpr std::uint64_t blob_bytes_max = 64ull * GiB;

static_assert(blob_chunk_bytes * 2 < wire_message_bytes_max, "a chunk and its message must fit");
static_assert(inline_result_bytes_max < task_spec_bytes_max &&
              task_spec_bytes_max < wire_message_bytes_max);
static_assert(workers_max < sessions_max, "primaries need sessions too");
static_assert(tasks_per_job_max <= queued_tasks_max);
static_assert(command_payload_bytes_max < wire_message_bytes_max &&
              log_chunk_bytes_max < wire_message_bytes_max);

}  // namespace framebus::limits
