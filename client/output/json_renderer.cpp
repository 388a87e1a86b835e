// JSON for programs: one object a report, one line each. docs/CLI.md
// documents the shapes. Texts that are not UTF-8 have their bad bytes replaced.
#include <sodium.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "client/output/renderer.h"
#include "client/output/text.h"
#include "client/output/words.h"

namespace framebus::client {
namespace {

using Json = nlohmann::ordered_json;

constexpr unsigned embedded_depth_max = 32;

// Nesting of a JSON text without recursion: what is deeper is not embedded.
bool is_shallow(std::string_view text) {
  unsigned depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > embedded_depth_max) return false;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return true;
}

// A string if it is text, else {"base64": ...}.
Json text_or_base64(const Bytes& bytes) {
  const std::string_view text = text_of(bytes);
  if (is_utf8(text)) return std::string(text);
  std::string encoded(sodium_base64_ENCODED_LEN(bytes.size(), sodium_base64_VARIANT_ORIGINAL),
                      '\0');
  sodium_bin2base64(encoded.data(), encoded.size(), bytes.data(), bytes.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  encoded.pop_back();  // the terminating NUL
  return Json{{"base64", encoded}};
}

// A result as JSON if it is JSON, null if there is none.
Json value_of(const Bytes& bytes) {
  if (bytes.empty()) return nullptr;
  const std::string_view text = text_of(bytes);
  if (is_utf8(text) && is_shallow(text)) {
    Json parsed = Json::parse(text, nullptr, false);
    if (!parsed.is_discarded()) return parsed;
  }
  return text_or_base64(bytes);
}

Json error_of(const WireError& error) {
  if (error.code == 0) return nullptr;
  return Json{{"code", error_name(error)}, {"message", error.message}};
}

Json counts_of(const std::vector<StateCount>& counts) {
  Json out = Json::object();
  for (const TaskState state : all_task_states)
    out[std::string(word_of(state))] = count_of(counts, state);
  return out;
}

Json blobs_of(const std::vector<BlobRef>& blobs) {
  Json out = Json::array();
  for (const BlobRef& blob : blobs)
    out.push_back({{"name", blob.name}, {"hash", to_string(blob.hash)}, {"size_bytes", blob.size}});
  return out;
}

Json steps_of(const std::vector<StepSummary>& steps) {
  Json out = Json::array();
  for (const StepSummary& step : steps)
    out.push_back({{"name", step.name},
                   {"type", step.type},
                   {"first_task", step.first_task},
                   {"task_count", step.task_count}});
  return out;
}

Json job_of(const JobSummary& job) {
  return Json{{"id", job.id.value},
              {"name", job.name},
              {"owner", job.owner},
              {"state", word_of(job.state)},
              {"priority", job.priority},
              {"task_count", job.task_count},
              {"counts", counts_of(job.counts)},
              {"steps", steps_of(job.steps)},
              {"age_ms", job.age_ms},
              {"run_ms", job.run_ms},
              {"first_error", error_of(job.first_error)},
              {"reason", job.reason}};
}

Json attempt_of(const AttemptSummary& attempt) {
  return Json{{"epoch", attempt.epoch},
              {"grant", attempt.grant},
              {"worker_id", to_string(attempt.worker)},
              {"worker", attempt.worker_name},
              {"end", word_of(attempt.end)},
              {"error", error_of(attempt.error)},
              {"run_ms", attempt.run_ms}};
}

Json task_of(const TaskSummary& task) {
  Json attempts = Json::array();
  for (const AttemptSummary& attempt : task.attempts) attempts.push_back(attempt_of(attempt));
  Json errors = Json::array();
  for (const ErrorSummary& each : task.errors)
    errors.push_back({{"error", error_of(each.error)}, {"log_tail", each.log_tail}});
  return Json{{"task", to_string(task.task)},
              {"index", task.task.index},
              {"step", task.step},
              {"state", word_of(task.state)},
              {"progress_permille", task.progress_permille},
              {"status", task.status},
              {"attempts", std::move(attempts)},
              {"result", value_of(task.result)},
              {"blobs", blobs_of(task.blobs)},
              {"error", error_of(task.error)},
              {"log_tail", task.log_tail},
              {"tries", task.tries},
              {"crashes", task.crashes},
              {"losses", task.losses},
              {"errors", std::move(errors)}};
}

Json device_of(const DeviceInfo& device) {
  return Json{{"kind", device.kind},
              {"index", device.index},
              {"name", device.name},
              {"uuid", device.uuid},
              {"pci_id", device.pci_id},
              {"driver", device.driver},
              {"compute_capability", device.compute_capability},
              {"memory_total_bytes", device.memory_total_bytes},
              {"memory_free_bytes", device.memory_free_bytes}};
}

Json worker_of(const WorkerSummary& worker) {
  Json devices = Json::array(), labels = Json::object();
  for (const DeviceInfo& device : worker.info.devices) devices.push_back(device_of(device));
  for (const Label& label : worker.info.labels) labels[label.key] = label.value;
  return Json{{"id", to_string(worker.info.id)},
              {"host", worker.info.host},
              {"pid", worker.info.pid},
              {"address", worker.info.address},
              {"state", word_of(worker.state)},
              {"reason", worker.reason},
              {"slots", worker.info.slots},
              {"prefetch", worker.info.prefetch},
              {"threads", worker.info.threads},
              {"in_flight", worker.in_flight},
              {"credit", worker.credit},
              {"task_types", worker.info.task_types},
              {"devices", std::move(devices)},
              {"labels", std::move(labels)},
              {"load",
               {{"cpu_permille", worker.load.cpu_permille},
                {"memory_permille", worker.load.memory_permille},
                {"gpu_permille", worker.load.gpu_permille},
                {"gpu_memory_permille", worker.load.gpu_memory_permille},
                {"latency_us", worker.load.latency_us},
                {"bandwidth_bytes_per_s", worker.load.bandwidth_bytes_per_s}}},
              {"silent_ms", worker.silent_ms},
              {"tasks_done", worker.tasks_done},
              {"tasks_failed", worker.tasks_failed},
              {"commands", worker.info.commands}};
}

template <class List, class F>
Json array_of(const List& list, F convert) {
  Json out = Json::array();
  for (const auto& each : list) out.push_back(convert(each));
  return out;
}

struct ToJson {
  Json operator()(const JobList& list) const {
    return Json{{"jobs", array_of(list.jobs, job_of)}, {"total", list.total}};
  }
  Json operator()(const JobDetail& detail) const {
    Json out = job_of(detail.job);
    out["troubles"] = array_of(detail.troubles, task_of);
    return out;
  }
  Json operator()(const TaskList& list) const {
    Json tasks = array_of(list.tasks, task_of);
    for (std::size_t i = 0; i < tasks.size(); ++i)
      tasks[i]["params"] = i < list.params.size() ? value_of(list.params[i]) : Json(nullptr);
    return Json{{"job_id", list.job.id.value}, {"tasks", std::move(tasks)}, {"total", list.total}};
  }
  Json operator()(const WorkerList& list) const {
    return Json{{"workers", array_of(list.workers, worker_of)}};
  }
  Json operator()(const StatusReport& report) const {
    const BrokerStatus& status = report.status;
    Json counters = Json::object();
    for (const Counter& counter : status.counters) counters[counter.name] = counter.value;
    return Json{{"broker", report.broker},
                {"version", status.version},
                {"epoch", status.epoch},
                {"ephemeral", status.ephemeral},
                {"uptime_ms", status.uptime_ms},
                {"workers", status.workers},
                {"slots", status.slots},
                {"slots_busy", status.slots_busy},
                {"jobs_active", status.jobs_active},
                {"tasks", counts_of(status.tasks)},
                {"counters", std::move(counters)}};
  }
  Json operator()(const Explained& explained) const {
    const auto line = [](const Explanation& each) {
      return Json{{"worker_id", to_string(each.worker)},
                  {"worker", each.worker_name},
                  {"eligible", each.eligible},
                  {"filter", each.filter},
                  {"detail", each.detail}};
    };
    return Json{{"task", to_string(explained.task.task)},
                {"state", word_of(explained.task.state)},
                {"status", explained.task.status},
                {"workers", array_of(explained.workers, line)},
                {"detail", task_of(explained.task)}};
  }
  Json operator()(const Submitted& submitted) const {
    return Json{{"job_id", submitted.job.value},      {"name", submitted.name},
                {"task_count", submitted.task_count}, {"known", submitted.known},
                {"ephemeral", submitted.ephemeral},   {"files_sent", submitted.files_sent},
                {"bytes_sent", submitted.bytes_sent}};
  }
  Json operator()(const Acted& acted) const {
    return Json{{"action", word_of(acted.action)},
                {"job_id", acted.outcome.job.id.value},
                {"tasks", acted.tasks},
                {"changed", acted.outcome.changed},
                {"unchanged", acted.outcome.unchanged},
                {"state", word_of(acted.outcome.job.state)}};
  }
  Json operator()(const Fetched& fetched) const {
    const auto file = [](const FetchedFile& each) {
      return Json{{"path", each.path},
                  {"kind", each.kind},
                  {"size_bytes", each.size_bytes},
                  {"task", each.task < 0 ? Json(nullptr) : Json(each.task)},
                  {"params", value_of(each.params)}};
    };
    const auto frame = [](const FetchedFrame& each) {
      return Json{{"frame", each.frame}, {"hash", to_string(each.hash)}};
    };
    return Json{{"job_id", fetched.job.value},
                {"complete", fetched.complete},
                {"tasks_done", fetched.tasks_done},
                {"task_count", fetched.task_count},
                {"files", array_of(fetched.files, file)},
                {"frames", array_of(fetched.frames, frame)}};
  }
  Json operator()(const Validated& validated) const {
    const auto step = [](const PlannedStep& each) {
      return Json{{"name", each.name},
                  {"type", each.type},
                  {"task_count", each.task_count},
                  {"input_count", each.input_count},
                  {"first_params", value_of(each.first_params)},
                  {"last_params", value_of(each.last_params)}};
    };
    return Json{{"valid", true},
                {"file", validated.file},
                {"name", validated.name},
                {"priority", validated.priority},
                {"steps", array_of(validated.steps, step)},
                {"input_count", validated.input_count},
                {"input_bytes", validated.input_bytes},
                {"outputs", validated.outputs},
                {"warnings", validated.warnings}};
  }
  Json operator()(const TaskOutcomeLine& line) const { return task_of(line.task); }
  Json operator()(const WatchedEvent& watched) const {
    const Event& event = watched.event;
    Json out{
        {"event", word_of(event.kind)}, {"epoch", event.cursor.epoch}, {"lsn", event.cursor.lsn}};
    if (event.kind == EventKind::job || event.kind == EventKind::live)
      out["job"] = job_of(event.job);
    if (event.kind == EventKind::task || event.kind == EventKind::progress)
      out["task"] = task_of(event.task);
    return out;
  }
  Json operator()(const Commanded& commanded) const {
    const auto answer = [](const CommandAnswer& each) {
      return Json{{"worker_id", to_string(each.worker)},
                  {"worker", each.worker_name},
                  {"ok", each.error.code == 0},
                  {"error", error_of(each.error)},
                  {"reply", value_of(each.payload)}};
    };
    return Json{{"command", commanded.command},
                {"sticky", commanded.is_sticky},
                {"load_id", commanded.is_sticky ? Json(commanded.load_id) : Json(nullptr)},
                {"answers", array_of(commanded.answers, answer)}};
  }
  Json operator()(const Administered& administered) const {
    return Json{{"action", word_of(administered.action)},
                {"worker", worker_of(administered.worker)}};
  }
  Json operator()(const LogPiece& piece) const {
    return Json{{"task", to_string(piece.task)}, {"epoch", piece.epoch},
                {"grant", piece.grant},          {"offset", piece.offset},
                {"gap_bytes", piece.gap_bytes},  {"log", text_or_base64(piece.bytes)}};
  }
  Json operator()(const VersionReport& version) const {
    return Json{{"version", version.version},
                {"protocol_major", version.protocol_major},
                {"protocol_minor", version.protocol_minor}};
  }
};

class JsonRenderer final : public Renderer {
 public:
  std::string render(const Report& report) const override {
    return std::visit(ToJson{}, report).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
};

}  // namespace

std::unique_ptr<Renderer> make_json_renderer() {
  return std::make_unique<JsonRenderer>();
}

}  // namespace framebus::client
