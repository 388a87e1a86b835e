#include "worker/shell/attempt_context.h"

#include <algorithm>
#include <thread>

namespace framebus::worker {
namespace {

constexpr std::size_t log_tail_bytes_max = 16 * limits::KiB;
constexpr std::size_t log_line_bytes_max = 2 * limits::KiB;
constexpr Duration pause_first = milliseconds(100);
constexpr Duration pause_max = seconds(5);
constexpr Duration pause_slice = milliseconds(50);  // how late a cancel is noticed
// A broker that is away costs a transfer the whole time it waits for a connection. A failure that
// comes sooner is one of its own, or of the disk here: a few of them in a row are final. Room that
// is only promised to others is neither: it is waited for as long as it is worth another try.
constexpr Duration quick_failure_max = seconds(1);
constexpr int quick_failures_max = 4;
constexpr std::int64_t hint_max_ms = 60'000;

bool is_put_off(const Error& error) {
  return error.code == Code::resource_exhausted && error.retry_after_ms > 0;
}

bool may_pass(const Error& error) {
  return error.code == Code::unavailable || is_put_off(error);
}

Duration hint_of(const Error& error) {
  return milliseconds(std::clamp<std::int64_t>(error.retry_after_ms, 0, hint_max_ms));
}

}  // namespace

bool AttemptContext::pause(Duration length) const {
  const TimePoint until = now_monotonic() + length;
  for (TimePoint now = now_monotonic(); now < until; now = now_monotonic()) {
    if (cancelled() || now.time_since_epoch().count() >= services_.patience_ends_ns) return false;
    std::this_thread::sleep_for(std::min(pause_slice, until - now));
  }
  return true;
}

template <class Transfer>
auto AttemptContext::through_absence(const Transfer& transfer) const {
  Duration next_pause = pause_first;
  for (int quick_failures = 0;;) {
    const TimePoint begin = now_monotonic();
    auto outcome = transfer();
    if (outcome || !may_pass(outcome.error())) return outcome;
    const bool is_quick = now_monotonic() - begin < quick_failure_max;
    quick_failures = is_quick && !is_put_off(outcome.error()) ? quick_failures + 1 : 0;
    if (quick_failures >= quick_failures_max) return outcome;
    if (!pause(std::max(next_pause, hint_of(outcome.error())))) return outcome;
    next_pause = std::min(2 * next_pause, pause_max);
  }
}

AttemptContext::AttemptContext(const AttemptServices& services, const AttemptId& attempt,
                               const std::string& type, const std::atomic<bool>& cancelled)
    : services_(services),
      attempt_(attempt),
      cancelled_(cancelled),
      cache_directory_(services.executor_caches / type),
      progress_pacer_(progress_spacing) {
  // A failure shows when the executor writes there, with its own error.
  std::error_code ignored;
  std::filesystem::create_directories(cache_directory_, ignored);
}

void AttemptContext::progress(std::uint32_t permille, std::string_view status) {
  if (progress_pacer_.is_due())
    services_.inbox->post(ExecutorProgress{attempt_, permille, std::string(status)});
}

void AttemptContext::log(std::string_view line) {
  std::string text(line.substr(0, log_line_bytes_max));
  text += '\n';
  log_output(bytes_of(text));
}

void AttemptContext::log_output(BytesView bytes) {
  if (bytes.empty()) return;
  services_.inbox->post_log(attempt_, bytes);
  const std::lock_guard lock(mutex_);
  tail_ += text_of(bytes);
  if (tail_.size() > 2 * log_tail_bytes_max) tail_.erase(0, tail_.size() - log_tail_bytes_max);
}

std::string AttemptContext::log_tail() const {
  const std::lock_guard lock(mutex_);
  if (tail_.size() <= log_tail_bytes_max) return tail_;
  const std::size_t cut = tail_.size() - log_tail_bytes_max;
  const std::size_t line = tail_.find('\n', cut - 1);
  return tail_.substr(line == std::string::npos ? cut : line + 1);
}

std::optional<Bytes> AttemptContext::prepared(std::string_view name) const {
  if (services_.prepared == nullptr) return std::nullopt;
  return services_.prepared->get(name);
}

Result<std::filesystem::path> AttemptContext::input(const BlobRef& blob) {
  ++inputs_asked_;
  if (auto cached = services_.cache->path_of(blob.hash)) return cached;
  if (services_.blobs == nullptr)
    return fail(Code::unavailable, "fetch " + blob.name + ": not connected to a broker yet", 1000);
  auto fetched =
      through_absence([&] { return services_.blobs->fetch(blob, *services_.cache, &cancelled_); });
  if (!fetched)
    return fail(fetched.error().context("fetch input '" + blob.name + "' (" +
                                        to_string(blob.hash).substr(0, 12) + ")"));
  return fetched;
}

template <class Transfer>
Result<BlobRef> AttemptContext::put_by(std::string_view name, const Transfer& transfer) {
  if (services_.blobs == nullptr)
    return fail(Code::unavailable, "store " + std::string(name) + ": not connected to a broker yet",
                1000);
  auto stored = through_absence(transfer);
  if (!stored) return fail(stored.error().context("store result blob '" + std::string(name) + "'"));
  stored->name = std::string(name);
  return stored;
}

Result<BlobRef> AttemptContext::put(BytesView bytes, std::string_view name) {
  return put_by(name, [&] { return services_.blobs->put_bytes(bytes, &cancelled_); });
}

Result<BlobRef> AttemptContext::put_file(const std::filesystem::path& path, std::string_view name) {
  return put_by(name, [&] { return services_.blobs->put_file(path, &cancelled_); });
}

}  // namespace framebus::worker
