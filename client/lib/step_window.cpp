#include "client/lib/step_window.h"

#include <algorithm>

namespace framebus::client {

StepWindow::StepWindow(const std::vector<WorkerId>& workers, std::uint32_t window)
    : window_(std::max(window, 1u)) {
  for (const WorkerId& id : workers) workers_[id].worker = id;
}

std::optional<std::uint64_t> StepWindow::begin() {
  if (!has_room()) return {};
  under_way_[++last_];
  return last_;
}

void StepWindow::on_answer(std::uint64_t step, const CommandAnswer& answer) {
  const auto entry = under_way_.find(step);
  const auto worker = workers_.find(answer.worker);
  if (entry == under_way_.end() || worker == workers_.end()) return;
  if (!entry->second.insert(answer.worker).second) return;
  WorkerLag& lag = worker->second;
  lag.worker_name = answer.worker_name;
  if (answer.error.code == 0) {
    lag.last_step = std::max(lag.last_step, step);
  } else {
    ++lag.steps_failed;
    lag.last_error = answer.error;
  }
}

void StepWindow::end(std::uint64_t step) {
  under_way_.erase(step);
}

std::vector<WorkerLag> StepWindow::lags() const {
  std::vector<WorkerLag> out;
  for (const auto& [id, known] : workers_) {
    WorkerLag lag = known;
    for (const auto& [step, answered] : under_way_)
      lag.steps_behind += answered.contains(id) ? 0 : 1;
    out.push_back(std::move(lag));
  }
  return out;
}

}  // namespace framebus::client
