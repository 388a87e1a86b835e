// How long a field may be on the wire: the bounds that are narrower than "any text" or "any array".
//
// Decoding enforces them and docs/PROTOCOL.md prints them. They protect memory; what a job may be
// called or how many steps make sense is judged by the program that takes the message.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libmsg/base/limits.h"
#include "libmsg/schema/messages.h"

namespace framebus::codec {

// Most bytes of a byte-string field of S (for lists: of each element).
template <class S>
constexpr std::size_t bin_bytes_max(std::uint8_t /*field_number*/) {
  return limits::task_spec_bytes_max;
}
template <>
constexpr std::size_t bin_bytes_max<TaskResult>(std::uint8_t) {
  return limits::inline_result_bytes_max;
}
template <>
constexpr std::size_t bin_bytes_max<TaskSummary>(std::uint8_t) {
  return limits::inline_result_bytes_max;
}
template <>
constexpr std::size_t bin_bytes_max<SubmitCommit>(std::uint8_t) {
  return 16;  // a digest
}
template <>
constexpr std::size_t bin_bytes_max<LogChunk>(std::uint8_t) {
  return limits::log_chunk_bytes_max;
}
template <>
constexpr std::size_t bin_bytes_max<LogData>(std::uint8_t) {
  return limits::log_chunk_bytes_max;
}
template <>
constexpr std::size_t bin_bytes_max<Command>(std::uint8_t) {
  return limits::command_payload_bytes_max;
}
template <>
constexpr std::size_t bin_bytes_max<RunCommand>(std::uint8_t) {
  return limits::command_payload_bytes_max;
}
template <>
constexpr std::size_t bin_bytes_max<Prepare>(std::uint8_t) {
  return limits::command_payload_bytes_max;
}
template <>
constexpr std::size_t bin_bytes_max<CommandReply>(std::uint8_t) {
  return limits::command_reply_bytes_max;
}
template <>
constexpr std::size_t bin_bytes_max<CommandAnswer>(std::uint8_t) {
  return limits::command_reply_bytes_max;
}
template <>
constexpr std::size_t bin_bytes_max<Ready>(std::uint8_t) {
  return limits::command_reply_bytes_max;
}

// Most elements of an array of T.
template <class T>
inline constexpr std::size_t elements_max =
    schema::Described<T> ? limits::struct_elements_max : limits::array_elements_max;
template <>
inline constexpr std::size_t elements_max<std::string> = limits::struct_elements_max;
template <>
inline constexpr std::size_t elements_max<TaskResult> = limits::results_per_message_max;
template <>
inline constexpr std::size_t elements_max<StepSpec> = limits::steps_per_job_max;
template <>
inline constexpr std::size_t elements_max<StepSummary> = limits::steps_per_job_max;
template <>
inline constexpr std::size_t elements_max<BlobRef> = limits::inputs_per_step_max;
template <>
inline constexpr std::size_t elements_max<WorkerSummary> = limits::workers_max;
template <>
inline constexpr std::size_t elements_max<Explanation> = limits::workers_max;
template <>
inline constexpr std::size_t elements_max<DeviceInfo> = limits::devices_per_worker_max;
template <>
inline constexpr std::size_t elements_max<Label> = limits::labels_max;
template <>
inline constexpr std::size_t elements_max<SweepAxis> = limits::sweep_axes_max;
template <>
inline constexpr std::size_t elements_max<WorkerId> = limits::workers_max;
template <>
inline constexpr std::size_t elements_max<CommandAnswer> = limits::workers_max;
template <>
inline constexpr std::size_t elements_max<ErrorSummary> = limits::attempts_kept_per_task_max;
template <>
inline constexpr std::size_t elements_max<AttemptSummary> = limits::attempts_kept_per_task_max;

}  // namespace framebus::codec
