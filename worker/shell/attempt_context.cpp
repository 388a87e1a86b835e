#include "worker/shell/attempt_context.h"

namespace framebus::worker {
namespace {

constexpr std::size_t log_tail_bytes_max = 16 * limits::KiB;
constexpr std::size_t log_line_bytes_max = 2 * limits::KiB;
constexpr Duration progress_spacing = milliseconds(50);

}  // namespace

AttemptContext::AttemptContext(const AttemptServices& services, const AttemptId& attempt,
                               const std::string& type, const std::atomic<bool>& cancelled)
    : services_(services),
      attempt_(attempt),
      cancelled_(cancelled),
      cache_directory_(services.executor_caches / type) {
  // A failure shows when the executor writes there, with its own error.
  std::error_code ignored;
  std::filesystem::create_directories(cache_directory_, ignored);
}

// An executor may report a thousand times a second; the loop hears of 20. Losing the race below
// costs one report more, nothing else.
void AttemptContext::progress(std::uint32_t permille, std::string_view status) {
  const std::int64_t now_ns = now_monotonic().time_since_epoch().count();
  if (now_ns < progress_after_ns_.load(std::memory_order_relaxed)) return;
  progress_after_ns_.store(now_ns + progress_spacing.count(), std::memory_order_relaxed);
  services_.inbox->post(ExecutorProgress{attempt_, permille, std::string(status)});
}

void AttemptContext::log(std::string_view line) {
  const std::lock_guard lock(mutex_);
  lines_.emplace_back(line.substr(0, log_line_bytes_max));
  log_bytes_ += lines_.back().size() + 1;
  while (log_bytes_ > log_tail_bytes_max) {
    log_bytes_ -= lines_.front().size() + 1;
    lines_.pop_front();
  }
}

std::string AttemptContext::log_tail() const {
  const std::lock_guard lock(mutex_);
  std::string text;
  for (const std::string& line : lines_) text += line + '\n';
  return text;
}

Result<std::filesystem::path> AttemptContext::input(const BlobRef& blob) {
  ++inputs_asked_;
  if (auto cached = services_.cache->path_of(blob.hash)) return cached;
  if (services_.blobs == nullptr)
    return fail(Code::unavailable, "fetch " + blob.name + ": not connected to a broker yet", 1000);
  auto fetched = services_.blobs->fetch(blob, *services_.cache, &cancelled_);
  if (!fetched)
    return fail(fetched.error().context("fetch input '" + blob.name + "' (" +
                                        to_string(blob.hash).substr(0, 12) + ")"));
  return fetched;
}

Result<BlobRef> AttemptContext::put(BytesView bytes, std::string_view name) {
  if (services_.blobs == nullptr)
    return fail(Code::unavailable, "store " + std::string(name) + ": not connected to a broker yet",
                1000);
  auto stored = services_.blobs->put_bytes(bytes, &cancelled_);
  if (!stored) return fail(stored.error().context("store result blob '" + std::string(name) + "'"));
  stored->name = std::string(name);
  return stored;
}

}  // namespace framebus::worker
