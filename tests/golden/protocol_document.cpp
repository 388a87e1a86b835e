#include "tests/golden/protocol_document.h"

#include <sstream>

#include "broker/core/bounds.h"
#include "broker/core/tables.h"
#include "libmsg/base/error.h"
#include "libmsg/base/limits.h"
#include "libmsg/codec/codec.h"

namespace framebus::golden {
namespace {

const char* sentence(RetryRule rule) {
  switch (rule) {
    case RetryRule::never:
      return "do not repeat; fix it";
    case RetryRule::back_off:
      return "repeat later; wait retry_after_ms at least";
    case RetryRule::fix_credentials:
      return "repeat with other credentials";
    case RetryRule::change_state:
      return "something else has to happen first";
    case RetryRule::ask_again:
      return "repeat with the same ids and learn the outcome";
    case RetryRule::drop_work:
      return "drop the work; say Hello again";
    case RetryRule::task_policy:
      return "the task's own retry policy decides";
    case RetryRule::page_a_person:
      return "stop and call a person";
  }
  return "";
}

std::string state_words(broker::StateSet set) {
  std::string words;
  for (std::size_t i = 0; i < broker::task_state_count; ++i) {
    const auto state = static_cast<TaskState>(i);
    if (!broker::contains(set, state)) continue;
    if (!words.empty()) words += ", ";
    words += broker::word(state);
  }
  return words;
}

std::string in_unit(std::uint64_t value, bool is_bytes) {
  const std::pair<std::uint64_t, const char*> units[] = {
      {limits::GiB, " GiB"}, {limits::MiB, " MiB"}, {limits::KiB, " KiB"}};
  if (is_bytes) {
    for (const auto& [size, unit] : units) {
      if (value >= size && value % size == 0) return std::to_string(value / size) + unit;
    }
    return std::to_string(value) + " bytes";
  }
  std::string digits = std::to_string(value);
  for (std::size_t i = digits.size(); i > 3; i -= 3) digits.insert(i - 3, 1, ',');
  return digits;
}

std::string hex_words(const Bytes& bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (i != 0) out += ' ';
    out += to_hex(&bytes[i], 1);
  }
  return out;
}

}  // namespace

std::string errors_table() {
  std::ostringstream out;
  out << "| number | name | meaning | what the receiver does | exit code of the command line "
         "|\n|---|---|---|---|---|\n";
#define FRAMEBUS_X(code_name, number_, retry_, exit_code_, sentence_)          \
  out << "| " << (number_) << " | `" #code_name "` | " << (sentence_) << " | " \
      << sentence(RetryRule::retry_) << " | " << (exit_code_) << " |\n";
  FRAMEBUS_ERRORS(FRAMEBUS_X)
#undef FRAMEBUS_X
  return out.str();
}

std::string limits_table() {
  std::ostringstream out;
  out << "| bound | value | of what |\n|---|---|---|\n";
  const auto row = [&](const std::string& name, std::uint64_t value, const char* doc) {
    out << "| `" << name << "` | " << in_unit(value, name.find("_bytes") != std::string::npos)
        << " | " << doc << " |\n";
  };
#define FRAMEBUS_ROW(bound, doc) row(#bound, limits::bound, doc)
  FRAMEBUS_ROW(wire_message_bytes_max, "all frames of one message together");
  FRAMEBUS_ROW(attachment_frames_max, "attachments of one message, after its three frames");
  FRAMEBUS_ROW(msgpack_depth_max,
               "arrays and maps inside each other; the payload's own map is the first");
  FRAMEBUS_ROW(message_type_bytes_max, "the MessageType frame");
  FRAMEBUS_ROW(array_elements_max, "numbers or byte strings in one array");
  FRAMEBUS_ROW(struct_elements_max,
               "structs or texts in one array, where no smaller bound is named");
  FRAMEBUS_ROW(decoded_bytes_max, "memory that the arrays of one message may take when decoded");
  FRAMEBUS_ROW(text_bytes_max, "any one text");
  FRAMEBUS_ROW(name_bytes_max, "names of jobs, steps, hosts, task types and labels");
  FRAMEBUS_ROW(json_file_bytes_max, "a JSON file that a program reads; nothing on the wire");
  FRAMEBUS_ROW(json_depth_max, "nesting in such a file");
  FRAMEBUS_ROW(tasks_per_job_max, "tasks of one job");
  FRAMEBUS_ROW(steps_per_job_max, "steps of one job");
  FRAMEBUS_ROW(task_spec_bytes_max, "`params` of a step, and each entry of `task_params`");
  FRAMEBUS_ROW(inline_result_bytes_max, "inline result of a task; more becomes a blob");
  FRAMEBUS_ROW(queued_spec_bytes_max, "specifications of all queued jobs in the broker");
  FRAMEBUS_ROW(queued_tasks_max, "queued tasks in the broker");
  FRAMEBUS_ROW(inputs_per_step_max, "blobs that a step names");
  FRAMEBUS_ROW(results_per_message_max, "TaskResults in one Results");
  FRAMEBUS_ROW(attempts_listed_max, "attempts in one Heartbeat or Hello");
  FRAMEBUS_ROW(blob_name_bytes_max, "the name of one blob: a path");
  FRAMEBUS_ROW(blob_names_bytes_max, "all blob names of a step's inputs, or of a result");
  FRAMEBUS_ROW(attempts_kept_per_task_max, "attempts shown of one task, the latest");
  FRAMEBUS_ROW(error_text_bytes_max, "message of an error; longer ones are cut by their sender");
  FRAMEBUS_ROW(sweep_axes_max, "axes of one step");
  FRAMEBUS_ROW(uploads_max, "uploads (SubmitOpen) open at once");
  FRAMEBUS_ROW(upload_parts_max, "parts of one upload");
  FRAMEBUS_ROW(parked_requests_max, "requests that wait for jobs which the archive must bring");
  FRAMEBUS_ROW(archive_requests_max, "requests that the archive has not begun");
  FRAMEBUS_ROW(input_lookups_max, "submits whose inputs are being looked up");
  FRAMEBUS_ROW(input_lookup_bytes_max, "these submits together; one is always taken");
  FRAMEBUS_ROW(result_lookups_max, "results whose blobs are being looked up");
  FRAMEBUS_ROW(result_lookup_bytes_max, "these results together");
  FRAMEBUS_ROW(log_waiting_bytes_max, "logs that are not written yet, and reads of logs");
  FRAMEBUS_ROW(attempt_log_bytes_max, "log kept of one attempt: half its head, half its tail");
  FRAMEBUS_ROW(log_chunk_bytes_max, "bytes of one LogChunk or LogData");
  FRAMEBUS_ROW(command_payload_bytes_max, "payload of a Command");
  FRAMEBUS_ROW(command_reply_bytes_max, "payload of a CommandReply or Ready");
  FRAMEBUS_ROW(commands_per_session_max, "Commands of one connection without their last answer");
  FRAMEBUS_ROW(command_requests_max, "answers of workers outstanding in the broker");
  FRAMEBUS_ROW(waiting_command_bytes_max, "payloads of Commands that wait for a worker to come");
  FRAMEBUS_ROW(command_fanout_bytes_max, "payload of a Command times the workers asked");
  FRAMEBUS_ROW(sticky_commands_max, "sticky commands, by name");
  FRAMEBUS_ROW(sticky_bytes_max, "payloads of all sticky commands");
  FRAMEBUS_ROW(commands_per_worker_max, "commands that one worker lists");
  FRAMEBUS_ROW(journal_backlog_bytes_max, "records appended and not yet durable");
  FRAMEBUS_ROW(peer_outbox_bytes_max,
               "messages that wait for one peer; a watcher that exceeds it is dropped and resumes "
               "by cursor");
  FRAMEBUS_ROW(sessions_max, "sessions of one broker");
  FRAMEBUS_ROW(workers_max, "workers of one broker");
  FRAMEBUS_ROW(slots_per_worker_max, "slots of one worker");
  FRAMEBUS_ROW(devices_per_worker_max, "devices of one worker");
  FRAMEBUS_ROW(task_types_per_worker_max, "task types of one worker");
  FRAMEBUS_ROW(labels_max, "labels of a worker, a job or a requirement");
  FRAMEBUS_ROW(watches_per_session_max, "watches of one connection");
  FRAMEBUS_ROW(watches_per_principal_max, "watches of one principal");
  FRAMEBUS_ROW(events_per_job_kept_max,
               "events kept for watchers; one that is further behind gets a snapshot");
  FRAMEBUS_ROW(blob_chunk_bytes, "one BlobChunk's attachment");
  FRAMEBUS_ROW(blob_window_chunks, "chunks asked for and not yet arrived, each transfer");
  FRAMEBUS_ROW(blob_bytes_max, "one blob");
#undef FRAMEBUS_ROW
  return out.str();
}

std::string refusals_table() {
  std::ostringstream out;
  out << "| bound | error | `retry_after_ms` | counter in BrokerStatus |\n|---|---|---|---|\n";
  for (const broker::BoundRow& row : broker::bounds) {
    if (row.keeper != broker::Keeper::core) continue;
    out << "| `" << row.key << "` | `" << error_info(row.code).name << "` | " << row.retry_after_ms
        << " | `refused_" << row.name << "` |\n";
  }
  return out.str();
}

std::string task_rows_table() {
  std::ostringstream out;
  out << "| row | from | event | to | record | effect |\n|---|---|---|---|---|---|\n";
  for (std::uint32_t number = 1; number <= broker::task_row_count; ++number) {
    const broker::TaskRow& row = broker::task_rows[number];
    const char* record = row.durability == broker::Durability::synced    ? "D"
                         : row.durability == broker::Durability::written ? "W"
                                                                         : "";
    out << "| " << number << " | " << (row.from == 0 ? "any, or none" : state_words(row.from))
        << " | " << row.event << " | " << (row.to == 0 ? "the same" : state_words(row.to)) << " | "
        << record << " | " << row.effect << " |\n";
  }
  return out.str();
}

std::string worked_example() {
  Query query;
  query.request = 7;
  query.kind = QueryKind::tasks;
  query.task = TaskRef{JobId{300}, 0};
  query.limit = 100;
  const WireFrames frames = encode(query, true);
  std::ostringstream out;
  out << "`" << to_string(Message(query)) << "` travels as\n\n```\n"
      << "MessageType  " << hex_words(frames.parts[0]) << "\n"
      << "Payload      " << hex_words(frames.parts[1]) << "\n"
      << "Checksum     " << hex_words(frames.parts[2]) << "\n```\n";
  return out.str();
}

std::string protocol_document(const std::string& prose) {
  std::istringstream in(prose);
  std::string out;
  for (std::string line; std::getline(in, line);) {
    if (line == "@MESSAGES@")
      out += messages_table();
    else if (line == "@STRUCTS@")
      out += structs_table();
    else if (line == "@ENUMS@")
      out += enums_table();
    else if (line == "@ERRORS@")
      out += errors_table();
    else if (line == "@LIMITS@")
      out += limits_table();
    else if (line == "@REFUSALS@")
      out += refusals_table();
    else if (line == "@TASK_ROWS@")
      out += task_rows_table();
    else if (line == "@EXAMPLE@")
      out += worked_example();
    else
      out += line + "\n";
  }
  return out;
}

}  // namespace framebus::golden
