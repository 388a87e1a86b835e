#include "client/output/task_text.h"

#include "client/output/columns.h"
#include "client/output/text.h"
#include "client/output/units.h"
#include "client/output/words.h"

namespace framebus::client {
namespace {

std::string log_text(const std::string& tail, const Terminal& terminal) {
  const std::string log = many_lines(tail);
  if (log.empty()) return {};
  std::string out = painted("  end of its log:", Style::dim, terminal.has_colour) + "\n";
  for (std::size_t at = 0; at < log.size();) {
    const std::size_t end = std::min(log.find('\n', at), log.size());
    out += (terminal.has_unicode ? "  │ " : "  | ") + log.substr(at, end - at) + "\n";
    at = end + 1;
  }
  return out;
}

std::string error_text(const WireError& error, const Terminal& terminal) {
  if (error.code == 0) return {};
  return painted(error_name(error), Style::failed, terminal.has_colour) + ": " +
         one_line(error.message) + "\n";
}

// "2 errors, 1 crash, 3 losses": what of the retry policy is used up.
std::string counters_text(const TaskSummary& task) {
  std::string out;
  const auto add = [&out](std::uint32_t count, const std::string& one, const std::string& many) {
    if (count == 0) return;
    out += (out.empty() ? "" : ", ") + grouped(count) + " " + (count == 1 ? one : many);
  };
  add(task.tries, "error", "errors");
  add(task.crashes, "crash", "crashes");
  add(task.losses, "loss", "losses");
  return out;
}

}  // namespace

std::string errors_text(const TaskSummary& task, const Terminal& terminal) {
  if (task.errors.empty()) {
    const std::string error = error_text(task.error, terminal);
    return (error.empty() ? "" : "  " + error) + log_text(task.log_tail, terminal);
  }
  std::string out;
  for (std::size_t i = 0; i < task.errors.size(); ++i) {
    const std::string number =
        task.errors.size() > 1
            ? std::to_string(i + 1) + " of " + std::to_string(task.errors.size()) + ": "
            : "";
    out += "  " + number + error_text(task.errors[i].error, terminal) +
           log_text(task.errors[i].log_tail, terminal);
  }
  return out;
}

std::string trouble_text(const TaskSummary& task, const Terminal& terminal) {
  std::string out = "task " + to_string(task.task) + " " +
                    painted(word_of(task.state), style_of(task.state), terminal.has_colour);
  if (!task.attempts.empty()) {
    out += task.attempts.size() == 1 ? " at its only try"
                                     : " after " + grouped(task.attempts.size()) + " tries";
    const std::string worker = one_line(task.attempts.back().worker_name);
    if (!worker.empty()) out += ", last on " + worker;
  }
  const std::string counters = counters_text(task);
  return out + (counters.empty() ? "\n" : " (" + counters + ")\n") + errors_text(task, terminal);
}

std::string attempts_table(const TaskSummary& task, const Terminal& terminal) {
  if (task.attempts.empty()) return {};
  Columns table;
  table.columns = {{"TRY", true},
                   {"WORKER", false, true},
                   {"END"},
                   {"RAN", true, false, 5},
                   {"ERROR", false, true, 6}};
  std::size_t number = 0;
  for (const AttemptSummary& attempt : task.attempts) {
    const bool is_good = attempt.end == AttemptEnd::ok || attempt.end == AttemptEnd::still_open;
    table.rows.push_back(
        {{std::to_string(++number)},
         {one_line(attempt.worker_name)},
         {std::string(word_of(attempt.end)), is_good ? Style::plain : Style::failed},
         {duration_text_ms(attempt.run_ms)},
         {one_line(attempt.error.message)}});
  }
  return laid_out(table, terminal.columns, terminal.has_colour, 2);
}

}  // namespace framebus::client
