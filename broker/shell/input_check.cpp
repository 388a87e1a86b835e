// See input_check.h.
#include "broker/shell/input_check.h"

#include <set>

namespace framebus::broker {
namespace {

// Much shorter than the shortest pin that the configuration allows (an hour).
constexpr Duration pin_remembered = std::chrono::minutes(10);

Error size_differs(const InputCheck::Wanted& wanted, std::uint64_t size) {
  return {Code::invalid_argument,
          "input \"" + wanted.blob.name + "\"" + wanted.named_by + " is said to have " +
              std::to_string(wanted.blob.size) + " bytes; blob " + to_string(wanted.blob.hash) +
              " has " + std::to_string(size),
          0};
}

}  // namespace

InputCheck::InputCheck(BlobStore& store, std::function<void()> wake)
    : store_(store), wake_(std::move(wake)) {
  thread_ = std::thread([this] { run(); });
}

InputCheck::~InputCheck() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

std::vector<InputCheck::Wanted> InputCheck::inputs_of(const JobSpec& job) {
  std::vector<Wanted> wanted;
  std::set<BlobHash> seen;
  for (const StepSpec& step : job.steps)
    for (const BlobRef& input : step.inputs)
      if (seen.insert(input.hash).second)
        wanted.push_back({input, " of step \"" + step.name + "\""});
  return wanted;
}

std::vector<InputCheck::Wanted> InputCheck::inputs_of(const std::vector<BlobRef>& blobs) {
  std::vector<Wanted> wanted;
  std::set<BlobHash> seen;
  for (const BlobRef& blob : blobs)
    if (seen.insert(blob.hash).second) wanted.push_back({blob, ""});
  return wanted;
}

const InputCheck::Known* InputCheck::find_known(const BlobHash& blob, TimePoint now) const {
  const auto known = known_.find(blob);
  if (known == known_.end() || now - known->second.pinned_at > pin_remembered) return nullptr;
  return &known->second;
}

Result<bool> InputCheck::has(const BlobHash& blob) {
  const TimePoint now = now_monotonic();
  if (find_known(blob, now)) return true;
  const auto size = store_.pin(blob);
  if (!size && size.error().code == Code::not_found) return false;
  if (!size) return fail(size.error());
  remember({{blob, {*size, now}}});
  return true;
}

std::optional<Error> InputCheck::refuse_more(std::size_t bytes) {
  if (held_ >= waiting_max)
    return refuse_bound(refusals_, Bound::input_lookups, waiting_max, held_ + 1);
  if (held_ > 0 && held_bytes_ + bytes > waiting_bytes_max)
    return refuse_bound(refusals_, Bound::input_lookup_bytes, waiting_bytes_max,
                        held_bytes_ + bytes);
  return std::nullopt;
}

std::optional<InputCheck::Checked> InputCheck::check(Received&& received,
                                                     std::vector<Wanted>&& wanted,
                                                     std::size_t bytes) {
  Request request{std::move(received), {}, bytes, std::nullopt};
  const TimePoint now = now_monotonic();
  for (Wanted& each : wanted) {
    const Known* const known = find_known(each.blob.hash, now);
    if (!known) {
      request.wanted.push_back(std::move(each));
    } else if (known->size != each.blob.size) {
      return Checked{std::move(request.received), size_differs(each, known->size)};
    }
  }
  if (request.wanted.size() <= here_max) {
    Finished finished = look_up(store_, std::move(request));
    remember(std::move(finished.pinned));
    if (!finished.unknown) return std::move(finished.checked);
    request = std::move(finished.again);
    request.until = now + patience;
  }
  if (auto refusal = refuse_more(bytes))
    return Checked{std::move(request.received), std::move(refusal)};
  ++held_;
  held_bytes_ += bytes;
  if (request.until) {
    later_.push_back({std::move(request), now + ask_again});
    return std::nullopt;
  }
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(request));
  }
  changed_.notify_one();
  return std::nullopt;
}

InputCheck::Finished InputCheck::look_up(BlobStore& store, Request&& request) {
  Finished finished;
  finished.bytes = request.bytes;
  for (const Wanted& wanted : request.wanted) {
    const auto size = store.pin(wanted.blob.hash);
    if (!size && size.error().code == Code::not_found) {
      request.received.missing.push_back(wanted.blob);
      continue;
    }
    if (!size) {
      finished.unknown = size.error().context("whether input \"" + wanted.blob.name + "\"" +
                                              wanted.named_by + " is stored can not be told now");
      request.received.missing.clear();
      finished.again = std::move(request);
      return finished;
    }
    finished.pinned.push_back({wanted.blob.hash, {*size, now_monotonic()}});
    if (*size == wanted.blob.size) continue;
    finished.checked.refusal = size_differs(wanted, *size);
    break;
  }
  finished.checked.received = std::move(request.received);
  return finished;
}

void InputCheck::remember(std::vector<std::pair<BlobHash, Known>>&& pinned) {
  if (known_.size() + pinned.size() > known_max) known_.clear();
  for (auto& [hash, known] : pinned) known_[hash] = known;
}

std::optional<InputCheck::Checked> InputCheck::put_off(Finished&& finished, TimePoint now) {
  Request& request = finished.again;
  if (!request.until) request.until = now + patience;
  if (now >= *request.until) {
    Error refusal = std::move(*finished.unknown);
    refusal.code = Code::unavailable;
    refusal.message += "; submit again later";
    refusal.retry_after_ms = 1000;
    return Checked{std::move(request.received), std::move(refusal)};
  }
  later_.push_back({std::move(request), now + ask_again});
  return std::nullopt;
}

void InputCheck::hand_over_due(TimePoint now) {
  if (later_.empty() || later_.front().due > now) return;
  {
    const std::lock_guard lock(mutex_);
    for (; !later_.empty() && later_.front().due <= now; later_.pop_front())
      waiting_.push_back(std::move(later_.front().request));
  }
  changed_.notify_one();
}

std::vector<InputCheck::Checked> InputCheck::take(TimePoint now) {
  std::vector<Finished> finished;
  {
    const std::lock_guard lock(mutex_);
    finished.swap(finished_);
  }
  std::vector<Checked> checked;
  for (Finished& each : finished) {
    remember(std::move(each.pinned));
    std::optional<Checked> done;
    if (each.unknown)
      done = put_off(std::move(each), now);
    else
      done = std::move(each.checked);
    if (!done) continue;
    --held_;
    held_bytes_ -= each.bytes;
    checked.push_back(std::move(*done));
  }
  hand_over_due(now);
  return checked;
}

void InputCheck::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) return;
    Request request = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    Finished finished = look_up(store_, std::move(request));
    lock.lock();
    finished_.push_back(std::move(finished));
    lock.unlock();
    wake_();
    lock.lock();
  }
}

}  // namespace framebus::broker
