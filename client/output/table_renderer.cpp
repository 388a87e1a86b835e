// Reports for people: tables and short paragraphs, in colour on a terminal.
#include <algorithm>

#include "client/output/columns.h"
#include "client/output/progress_line.h"
#include "client/output/renderer.h"
#include "client/output/table_lists.h"
#include "client/output/task_text.h"
#include "client/output/text.h"
#include "client/output/units.h"
#include "client/output/words.h"

namespace framebus::client {
namespace {

constexpr std::size_t detail_bar_columns = 32;

class TableRenderer final : public Renderer {
 public:
  explicit TableRenderer(const Terminal& terminal) : terminal_(terminal) {}
  std::string render(const Report& report) const override {
    return std::visit([this](const auto& each) { return text_for(each); }, report);
  }

 private:
  std::string paint(std::string_view text, Style style) const {
    return painted(text, style, terminal_.has_colour);
  }
  std::string label(const std::string& text) const { return paint(left(text, 12), Style::dim); }

  std::string text_for(const JobList& list) const { return table_of(list, terminal_); }
  std::string text_for(const TaskList& list) const { return table_of(list, terminal_); }
  std::string text_for(const WorkerList& list) const { return table_of(list, terminal_); }
  std::string text_for(const Explained& explained) const { return table_of(explained, terminal_); }
  std::string text_for(const JobDetail& detail) const;
  std::string text_for(const StatusReport& report) const;
  std::string text_for(const Submitted& submitted) const;
  std::string text_for(const Acted& acted) const;
  std::string text_for(const Fetched& fetched) const;
  std::string text_for(const Validated& validated) const;
  std::string text_for(const TaskOutcomeLine& line) const;
  std::string text_for(const WatchedEvent& watched) const;
  std::string text_for(const Commanded& commanded) const { return table_of(commanded, terminal_); }
  std::string text_for(const Administered& administered) const;
  std::string text_for(const LogPiece& piece) const { return piece.shown; }
  std::string text_for(const VersionReport& version) const {
    return "framebus " + version.version + ", protocol " + std::to_string(version.protocol_major) +
           "." + std::to_string(version.protocol_minor) + "\n";
  }

  std::string counts_text(const std::vector<StateCount>& counts) const;
  std::string steps_table(const std::vector<StepSummary>& steps) const;
  std::string first_error_text(const JobSummary& job) const;
  std::string end_text(const JobDetail& detail) const;

  Terminal terminal_;
};

std::string TableRenderer::counts_text(const std::vector<StateCount>& counts) const {
  std::string out;
  for (const TaskState state : all_task_states) {
    const std::uint32_t count = count_of(counts, state);
    if (count == 0) continue;
    out += (out.empty() ? "" : "  ") +
           paint(std::string(word_of(state)) + " " + grouped(count), style_of(state));
  }
  return out;
}

std::string TableRenderer::steps_table(const std::vector<StepSummary>& steps) const {
  Columns table;
  table.columns = {
      {"STEP", false, true}, {"TYPE", false, true}, {"TASKS", true}, {"INDICES", false, false, 3}};
  for (const StepSummary& step : steps) {
    const std::uint32_t last = step.first_task + std::max(step.task_count, 1u) - 1;
    table.rows.push_back({{one_line(step.name), Style::bold},
                          {one_line(step.type)},
                          {grouped(step.task_count)},
                          {std::to_string(step.first_task) + "-" + std::to_string(last)}});
  }
  return laid_out(table, terminal_.columns, terminal_.has_colour, 2);
}

std::string TableRenderer::end_text(const JobDetail& detail) const {
  const JobSummary& job = detail.job;
  const bool is_good = job.state == JobState::succeeded;
  const std::string mark = !terminal_.has_unicode ? "" : is_good ? "✓ " : "✗ ";
  std::string out =
      paint(mark + "job " + to_string(job.id) + " " + std::string(word_of(job.state)),
            style_of(job.state)) +
      "  " + one_line(job.name) +
      paint(": " + count_text(job.task_count, "task") + " in " + duration_text_ms(job.run_ms),
            Style::dim) +
      "\n";
  if (!is_good) out += "  " + counts_text(job.counts) + "\n";
  if (detail.troubles.empty()) out += first_error_text(job);
  for (const TaskSummary& task : detail.troubles) out += trouble_text(task, terminal_);
  return out;
}

std::string TableRenderer::first_error_text(const JobSummary& job) const {
  if (job.first_error.code == 0) return {};
  return label("first error") + paint(error_name(job.first_error), Style::failed) + ": " +
         one_line(job.first_error.message) + "\n";
}

std::string TableRenderer::text_for(const JobDetail& detail) const {
  if (detail.is_end) return end_text(detail);
  const JobSummary& job = detail.job;
  std::string out = paint("job " + to_string(job.id), Style::bold) + "  " + one_line(job.name) +
                    "  " + paint(word_of(job.state), style_of(job.state)) + "\n";
  BarParts parts;
  parts.total = job.task_count;
  double ended = 0;
  for (const StateCount& each : job.counts) {
    if (is_terminal(each.state)) ended += each.count;
    if (each.state == TaskState::succeeded) parts.done += each.count;
    if (is_failure(each.state)) parts.failed += each.count;
    if (style_of(each.state) == Style::running) parts.running += each.count;
  }
  out += bar(parts, detail_bar_columns, {terminal_.has_unicode, terminal_.has_colour}) + "  " +
         percent_text(job.task_count > 0 ? ended / job.task_count : 0) + " of " +
         count_text(job.task_count, "task") + "\n";
  out += label("tasks") + counts_text(job.counts) + "\n";
  out += label("owner") + one_line(job.owner) + ", priority " + std::to_string(job.priority) + "\n";
  out += label("accepted") + duration_text_ms(job.age_ms) + " ago, ";
  if (job.run_ms > 0)
    out.append(is_terminal(job.state) ? "ran " : "running for ")
        .append(duration_text_ms(job.run_ms));
  out += job.run_ms > 0 ? "\n" : "not started\n";
  if (!job.reason.empty()) out += label("waits") + paint(one_line(job.reason), Style::held) + "\n";
  if (!job.steps.empty()) out += steps_table(job.steps);
  if (detail.troubles.empty()) out += first_error_text(job);
  for (const TaskSummary& task : detail.troubles)
    out += "\n" + trouble_text(task, terminal_) + attempts_table(task, terminal_);
  return out;
}

std::string TableRenderer::text_for(const StatusReport& report) const {
  const BrokerStatus& status = report.status;
  std::string out = paint("broker", Style::bold) + "  " + report.broker + "  " +
                    one_line(status.version) + ", epoch " + std::to_string(status.epoch) + ", up " +
                    duration_text_ms(status.uptime_ms) + "\n";
  if (status.ephemeral)
    out += label("storage") +
           paint("memory only: jobs do not survive a restart of the broker", Style::running) + "\n";
  out += label("workers") + count_text(status.workers, "worker") + ", " +
         grouped(status.slots_busy) + " of " + count_text(status.slots, "slot") + " busy" +
         (status.workers == 0 ? paint("  (framebus-worker --broker URL starts one)", Style::dim)
                              : "") +
         "\n";
  const std::string tasks = counts_text(status.tasks);
  out += label("jobs") + grouped(status.jobs_active) + " active" +
         (tasks.empty() ? "" : ": " + tasks) + "\n";
  Columns table;
  table.columns = {{"COUNTER"}, {"SINCE START", true}};
  for (const Counter& counter : status.counters)
    if (counter.value > 0)
      table.rows.push_back({{one_line(counter.name)}, {grouped(counter.value)}});
  if (!table.rows.empty()) out += laid_out(table, terminal_.columns, terminal_.has_colour, 2);
  return out;
}

std::string TableRenderer::text_for(const Submitted& submitted) const {
  std::string out =
      (submitted.known ? "job " : "accepted job ") + paint(to_string(submitted.job), Style::bold) +
      " \"" + one_line(submitted.name) + "\"" + (submitted.known ? " was accepted before" : "") +
      ", " + count_text(submitted.task_count, "task");
  if (submitted.files_sent > 0) {
    out += ", sent " + count_text(submitted.files_sent, "file") + " (" +
           size_text(submitted.bytes_sent) + ")";
  }
  out += "\n";
  if (submitted.ephemeral) {
    out += paint("the broker keeps jobs in memory: a restart of the broker forgets this one",
                 Style::dim) +
           "\n";
  }
  return out;
}

std::string TableRenderer::text_for(const Acted& acted) const {
  static constexpr std::string_view done[] = {"changed", "cancelled",     "paused",
                                              "resumed", "to be retried", "set"};
  const auto index = static_cast<std::size_t>(acted.action);
  std::string out = "job " + paint(to_string(acted.outcome.job.id), Style::bold) + ": " +
                    count_text(acted.outcome.changed, "task") + " " +
                    std::string(index < std::size(done) ? done[index] : done[0]);
  if (acted.outcome.unchanged > 0)
    out += ", " + grouped(acted.outcome.unchanged) + " not concerned";
  return out + "; it is " +
         paint(word_of(acted.outcome.job.state), style_of(acted.outcome.job.state)) + " now\n";
}

std::string TableRenderer::text_for(const Administered& administered) const {
  static constexpr std::string_view done[] = {"changed", "drains", "resumes", "restarts", "leaves"};
  const auto index = static_cast<std::size_t>(administered.action);
  const WorkerSummary& worker = administered.worker;
  // One that has not been here since the broker's start is known by its id only.
  const std::string name = worker.info.host.empty()
                               ? to_string(worker.info.id)
                               : one_line(worker.info.host) + ":" + std::to_string(worker.info.pid);
  std::string out =
      "worker " + paint(name, Style::bold) + " " +
      std::string(index < std::size(done) ? done[index] : done[0]) + "; it is " +
      paint(word_of(worker.state), style_of(worker.state)) + " now";
  if (worker.in_flight > 0) out += " and holds " + count_text(worker.in_flight, "task");
  return out + (worker.reason.empty() ? "\n" : ": " + one_line(worker.reason) + "\n");
}

std::string TableRenderer::text_for(const Fetched& fetched) const {
  std::string out;
  for (const FetchedFile& file : fetched.files) {
    out += one_line(file.path) +
           paint("  " + file.kind + ", " + size_text(file.size_bytes), Style::dim) + "\n";
  }
  if (!fetched.complete) {
    out += paint("incomplete: " + grouped(fetched.tasks_done) + " of " +
                     count_text(fetched.task_count, "task") + " of job " + to_string(fetched.job) +
                     " succeeded so far",
                 Style::running) +
           "\n";
  } else if (fetched.files.empty()) {
    out += "job " + to_string(fetched.job) + " returned nothing to fetch\n";
  }
  return out;
}

std::string TableRenderer::text_for(const Validated& validated) const {
  std::string out = one_line(validated.file) + ": " + paint("valid", Style::done) + "  \"" +
                    one_line(validated.name) + "\", priority " +
                    std::to_string(validated.priority) + "\n";
  Columns table;
  table.columns = {{"STEP", false, true}, {"TYPE", false, true}, {"TASKS", true}, {"INPUTS", true}};
  for (const PlannedStep& step : validated.steps) {
    table.rows.push_back({{one_line(step.name), Style::bold},
                          {one_line(step.type)},
                          {grouped(step.task_count)},
                          {grouped(step.input_count)}});
  }
  out += laid_out(table, terminal_.columns, terminal_.has_colour, 2);
  for (const PlannedStep& step : validated.steps) {
    if (step.first_params.empty()) continue;
    const std::string of = validated.steps.size() > 1 ? "of " + one_line(step.name) + ": " : "";
    out += label("first task") + of + one_line(text_of(step.first_params)) + "\n";
    if (step.task_count > 1)
      out += label("last task") + of + one_line(text_of(step.last_params)) + "\n";
  }
  if (validated.input_count > 0) {
    out += label("inputs") + count_text(validated.input_count, "file") + ", " +
           size_text(validated.input_bytes) + "\n";
  }
  for (const std::string& output : validated.outputs)
    out += label("output") + one_line(output) + "\n";
  for (const std::string& warning : validated.warnings)
    out += label("warning") + paint(one_line(warning), Style::running) + "\n";
  return out;
}

std::string TableRenderer::text_for(const TaskOutcomeLine& line) const {
  const std::string_view text = text_of(line.task.result);
  std::string shown = is_utf8(text) ? one_line(text) : size_text(text.size()) + " of binary data";
  if (text.empty() && !line.task.blobs.empty())
    shown = size_text(line.task.blobs.front().size) + " as a file: framebus fetch";
  return paint(to_string(line.task.task), Style::bold) + "  " + shown + "\n";
}

std::string TableRenderer::text_for(const WatchedEvent& watched) const {
  const Event& event = watched.event;
  if (event.kind == EventKind::job) {
    return paint("job " + to_string(event.job.id), Style::bold) + "  " +
           paint(word_of(event.job.state), style_of(event.job.state)) + "  " +
           counts_text(event.job.counts) + "\n";
  }
  if (event.kind != EventKind::task && event.kind != EventKind::progress) return {};
  const TaskSummary& task = event.task;
  std::string out = paint("task " + to_string(task.task), Style::bold) + "  " +
                    paint(word_of(task.state), style_of(task.state));
  if (event.kind == EventKind::progress) out += " " + percent_text(task.progress_permille / 1000.0);
  if (!task.attempts.empty())
    out += "  " + paint(one_line(task.attempts.back().worker_name), Style::dim);
  if (event.kind == EventKind::progress && !task.status.empty())
    out += "  " + one_line(task.status);
  if (event.kind == EventKind::task && task.error.code != 0 && task.state != TaskState::succeeded) {
    out += "  " + error_name(task.error) + ": " + one_line(task.error.message);
  }
  return out + "\n";
}

}  // namespace

std::unique_ptr<Renderer> make_table_renderer(const Terminal& terminal) {
  return std::make_unique<TableRenderer>(terminal);
}

}  // namespace framebus::client
