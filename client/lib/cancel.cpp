#include "client/lib/cancel.h"

#include <atomic>
#include <utility>

namespace framebus::client {

void Cancel::now() const {
  std::map<std::uint64_t, std::function<void()>> calls;
  {
    const std::lock_guard lock(state_->mutex);
    state_->is_cancelled = true;
    calls.swap(state_->calls);
  }
  for (auto& [call, end] : calls) end();
}

bool Cancel::is_cancelled() const {
  const std::lock_guard lock(state_->mutex);
  return state_->is_cancelled;
}

bool Cancel::on_cancel(std::uint64_t call, std::function<void()> end) const {
  const std::lock_guard lock(state_->mutex);
  if (state_->is_cancelled) return false;
  state_->calls.emplace(call, std::move(end));
  return true;
}

void Cancel::forget(std::uint64_t call) const {
  const std::lock_guard lock(state_->mutex);
  state_->calls.erase(call);
}

std::uint64_t Cancel::new_call() {
  static std::atomic<std::uint64_t> next{1};
  return next++;
}

}  // namespace framebus::client
