#include "client/output/table_lists.h"

#include <algorithm>

#include "client/output/columns.h"
#include "client/output/explain_text.h"
#include "client/output/progress_line.h"
#include "client/output/task_text.h"
#include "client/output/text.h"
#include "client/output/units.h"
#include "client/output/words.h"

namespace framebus::client {
namespace {

constexpr std::size_t bar_columns = 16;

// Slots at work of those there are, then tasks that wait on the worker: "2/2 +1".
std::string busy_text(const WorkerSummary& worker) {
  const std::uint32_t slots = worker.info.slots;
  const std::uint32_t waiting = worker.in_flight > slots ? worker.in_flight - slots : 0;
  return std::to_string(worker.in_flight - waiting) + "/" + std::to_string(slots) +
         (waiting > 0 ? " +" + std::to_string(waiting) : "");
}

std::uint32_t ended_count(const std::vector<StateCount>& counts) {
  std::uint32_t count = 0;
  for (const StateCount& each : counts)
    if (is_terminal(each.state)) count += each.count;
  return count;
}

std::uint32_t running_count(const std::vector<StateCount>& counts) {
  return count_of(counts, TaskState::running) + count_of(counts, TaskState::leased) +
         count_of(counts, TaskState::cancelling);
}

BarParts parts_of(const JobSummary& job) {
  BarParts parts;
  parts.total = job.task_count;
  parts.done = count_of(job.counts, TaskState::succeeded);
  for (const StateCount& each : job.counts)
    if (is_failure(each.state)) parts.failed += each.count;
  parts.running = running_count(job.counts);
  return parts;
}

std::string first_line_of(std::string_view text) {
  return one_line(text.substr(0, text.find('\n')));
}

std::string device_text(const WorkerInfo& info) {
  std::string gpus, cpu;
  std::size_t gpu_count = 0;
  for (const DeviceInfo& device : info.devices) {
    if (device.kind == "cpu") {
      cpu = one_line(device.name);
    } else if (gpu_count++ == 0) {
      gpus = one_line(device.name);
    }
  }
  if (gpu_count > 1) gpus = std::to_string(gpu_count) + "x " + gpus;
  if (!gpus.empty()) return gpus;
  return count_text(info.threads, "thread") + (cpu.empty() ? "" : ", " + cpu);
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + one_line(word);
  return out;
}

void leave_out(Columns& table, std::size_t column) {
  table.columns.erase(table.columns.begin() + static_cast<std::ptrdiff_t>(column));
  for (auto& row : table.rows) row.erase(row.begin() + static_cast<std::ptrdiff_t>(column));
}

}  // namespace

std::string table_of(const JobList& list, const Terminal& terminal) {
  if (list.jobs.empty())
    return list.is_archive ? "no jobs in the archive\n" : "no jobs yet: framebus submit JOB.json\n";
  Columns table;
  table.columns = {{"JOB", true},
                   {"NAME", false, true},
                   {"STATE"},
                   {"PROGRESS", false, false, 3},
                   {"", true, false, 4},
                   {"TASKS", true, false, 5},
                   {"FAILED", true, false, 2},
                   {"OWNER", false, false, 1},
                   {"AGE", true, false, 6},
                   {"RAN", true, false, 2}};
  for (const JobSummary& job : list.jobs) {
    const BarParts parts = parts_of(job);
    const std::uint32_t ended = ended_count(job.counts);
    const double fraction = job.task_count > 0 ? static_cast<double>(ended) / job.task_count : 0;
    table.rows.push_back(
        {{to_string(job.id), Style::bold},
         {one_line(job.name)},
         {std::string(word_of(job.state)), style_of(job.state)},
         {bar(parts, bar_columns, {terminal.has_unicode, false}), Style::plain,
          bar(parts, bar_columns, {terminal.has_unicode, true})},
         {percent_text(fraction)},
         {grouped(ended) + "/" + grouped(job.task_count)},
         {parts.failed > 0 ? grouped(static_cast<std::uint64_t>(parts.failed)) : "", Style::failed},
         {one_line(job.owner)},
         {duration_text_ms(job.age_ms)},
         {job.run_ms > 0 ? duration_text_ms(job.run_ms) : "-"}});
  }
  std::string out = laid_out(table, terminal.columns, terminal.has_colour);
  if (list.total > list.jobs.size()) {
    out += painted("showing " + grouped(list.jobs.size()) + " of " + grouped(list.total) +
                       " jobs: --all shows the rest\n",
                   Style::dim, terminal.has_colour);
  }
  return out;
}

std::string table_of(const TaskList& list, const Terminal& terminal) {
  if (list.tasks.empty()) return "no such tasks in job " + to_string(list.job.id) + "\n";
  Columns table;
  table.columns = {{"TASK"},
                   {"STEP", false, true, 3},
                   {"STATE"},
                   {"DONE", true, false, 4},
                   {"TRIES", true, false, 2},
                   {"RAN", true, false, 5},
                   {"WORKER", false, true, 6},
                   {"PARAMS", false, true, 3},
                   {"NOTE", false, true, 7}};
  for (std::size_t i = 0; i < list.tasks.size(); ++i) {
    const TaskSummary& task = list.tasks[i];
    const std::string step = task.step < list.job.steps.size() ? list.job.steps[task.step].name
                                                               : std::to_string(task.step);
    const AttemptSummary* last = task.attempts.empty() ? nullptr : &task.attempts.back();
    const bool is_active = task.state == TaskState::running || task.state == TaskState::leased;
    std::string note = is_active ? one_line(task.status) : first_line_of(task.error.message);
    if (task.state == TaskState::succeeded) note.clear();
    table.rows.push_back({{to_string(task.task), Style::bold},
                          {one_line(step)},
                          {std::string(word_of(task.state)), style_of(task.state)},
                          {is_active ? percent_text(task.progress_permille / 1000.0) : ""},
                          {task.attempts.empty() ? "" : std::to_string(task.attempts.size())},
                          {last ? duration_text_ms(last->run_ms) : ""},
                          {last ? one_line(last->worker_name) : ""},
                          {i < list.params.size() ? one_line(text_of(list.params[i])) : ""},
                          {note, is_active ? Style::dim : Style::failed}});
  }
  const bool has_params = std::any_of(list.params.begin(), list.params.end(),
                                      [](const Bytes& params) { return !params.empty(); });
  if (!has_params) leave_out(table, 7);
  std::string out = laid_out(table, terminal.columns, terminal.has_colour);
  if (list.total > list.tasks.size()) {
    out += painted("showing " + grouped(list.tasks.size()) + " of " + grouped(list.total) +
                       " tasks: --all shows the rest, " + to_string(list.job.id) + ":5-9 some\n",
                   Style::dim, terminal.has_colour);
  }
  return out;
}

std::string table_of(const WorkerList& list, const Terminal& terminal) {
  if (list.workers.empty())
    return "no workers are connected: framebus-worker --broker URL starts one\n";
  Columns table;
  table.columns = {{"WORKER", false, true},    {"STATE"},
                   {"BUSY", true, false, 8},   {"CPU", true, false, 6},
                   {"GPU", true, false, 5},    {"DONE", true, false, 7},
                   {"FAILED", true, false, 4}, {"LATENCY", true, false, 1},
                   {"DEVICE", false, true, 5}, {"TYPES", false, true, 3},
                   {"NOTE", false, true, 6}};
  bool has_gpu = false, has_notes = false;
  for (const WorkerSummary& worker : list.workers) {
    for (const DeviceInfo& device : worker.info.devices) has_gpu = has_gpu || device.kind != "cpu";
    has_notes = has_notes || !worker.reason.empty();
  }
  for (const WorkerSummary& worker : list.workers) {
    const auto latency_us = worker.load.latency_us;
    table.rows.push_back(
        {{one_line(worker.info.host) + ":" + std::to_string(worker.info.pid), Style::bold},
         {std::string(word_of(worker.state)), style_of(worker.state)},
         {busy_text(worker)},
         {percent_text(worker.load.cpu_permille / 1000.0)},
         {has_gpu ? percent_text(worker.load.gpu_permille / 1000.0) : ""},
         {grouped(worker.tasks_done)},
         {worker.tasks_failed > 0 ? grouped(worker.tasks_failed) : "", Style::failed},
         {latency_us > 0 ? rate_text(latency_us / 1000.0) + " ms" : ""},
         {device_text(worker.info)},
         {joined(worker.info.task_types), Style::dim},
         {one_line(worker.reason), Style::dim}});
  }
  if (!has_notes) leave_out(table, 10);
  if (!has_gpu) leave_out(table, 4);
  return laid_out(table, terminal.columns, terminal.has_colour);
}

std::string table_of(const Explained& explained, const Terminal& terminal) {
  std::string out =
      "task " + to_string(explained.task.task) + " is " +
      painted(word_of(explained.task.state), style_of(explained.task.state), terminal.has_colour);
  const std::string verdict = verdict_of(explained);
  out += (verdict.empty() ? "" : ": " + verdict) + "\n";
  const std::string last = first_line_of(
      explained.task.status.empty() ? explained.task.error.message : explained.task.status);
  if (!last.empty()) out += "last heard   " + last + "\n";
  out += attempts_table(explained.task, terminal);
  if (is_terminal(explained.task.state)) out += errors_text(explained.task, terminal);
  if (!is_waiting(explained.task.state)) return out;
  if (explained.workers.empty())
    return out + "no workers are connected: framebus-worker --broker URL starts one\n";
  Columns table;
  table.columns = {
      {"WORKER", false, true}, {"NOW"}, {"FILTER", false, false, 3}, {"WHY", false, true}};
  for (const Explanation& each : explained.workers) {
    table.rows.push_back(
        {{one_line(each.worker_name), Style::bold},
         {each.eligible ? "yes" : "no", each.eligible ? Style::done : Style::failed},
         {one_line(each.filter)},
         {one_line(each.detail)}});
  }
  return out + laid_out(table, terminal.columns, terminal.has_colour);
}

std::string table_of(const Commanded& commanded, const Terminal& terminal) {
  std::string out;
  if (commanded.is_sticky) {
    out = "\"" + one_line(commanded.command) + "\" is preparation " +
          std::to_string(commanded.load_id) + ": workers that join later get it too\n";
  }
  if (commanded.answers.empty()) return out + "no worker is connected now\n";
  Columns table;
  table.columns = {{"WORKER", false, true}, {"RESULT"}, {"REPLY", false, true}};
  for (const CommandAnswer& answer : commanded.answers) {
    const bool is_ok = answer.error.code == 0;
    const std::string_view text = text_of(answer.payload);
    std::string reply = is_utf8(text) ? one_line(text) : size_text(text.size()) + " of binary data";
    if (!is_ok) reply = one_line(answer.error.message);
    const std::string name = one_line(answer.worker_name);
    table.rows.push_back(
        {{name.empty() ? to_string(answer.worker) : name, Style::bold},
         {is_ok ? "ok" : error_name(answer.error), is_ok ? Style::done : Style::failed},
         {reply}});
  }
  return out + laid_out(table, terminal.columns, terminal.has_colour);
}

}  // namespace framebus::client
