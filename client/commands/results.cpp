#include "client/commands/results.h"

#include <system_error>
#include <thread>

#include "client/commands/away_notice.h"
#include "client/commands/task_params.h"
#include "client/lib/file_transfer.h"
#include "client/output/text.h"
#include "client/output/units.h"
#include "libmsg/base/json_text.h"
#include "libmsg/transport/transport.h"

namespace framebus::client {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t pending_max = 16;                          // fetches under way
constexpr std::uint64_t tile_bytes_max = 1024ull * 1024 * 1024;  // a packed tile in memory
constexpr Duration poll_every = milliseconds(100);
constexpr int failures_max = 5;  // a broker that is there and fails so often will not mend itself

const BlobRef* result_blob(const TaskSummary& task) {
  for (const BlobRef& blob : task.blobs)
    if (blob.name == "result") return &blob;
  return nullptr;
}

template <class T>
bool is_ready(const Future<T>& future, Duration at_most = Duration::zero()) {
  return future.wait_for(at_most) == std::future_status::ready;
}

std::uint64_t size_of(const fs::path& path) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  return error ? 0 : size;
}

// As short as it can be typed: relative to where the user is, when it lies below.
std::string shown(const fs::path& path) {
  std::error_code error;
  const fs::path here = fs::current_path(error);
  const fs::path relative = error ? fs::path() : path.lexically_relative(here);
  return relative.empty() || *relative.begin() == ".." ? path.string() : relative.string();
}

}  // namespace

std::string result_file_name(std::uint32_t task, BytesView result) {
  JsonLimits limits;
  limits.comments = false;
  const bool is_json =
      JsonDocument::parse(std::string(text_of(result)), "result", limits).has_value();
  return "task-" + std::to_string(task) + (is_json ? ".json" : ".bin");
}

fs::path safe_relative(const std::string& name) {
  fs::path out;
  std::size_t at = 0;
  const std::string clean = one_line(name);
  while (at <= clean.size()) {
    const std::size_t end = std::min(clean.find('/', at), clean.size());
    const std::string part = clean.substr(at, end - at);
    if (!part.empty() && part != "." && part != "..") out /= part;
    at = end + 1;
  }
  return out.empty() ? fs::path("result") : out;
}

Results::Results(Primary& primary, JobId job, ResultsOptions options)
    : primary_(primary), job_(job), options_(std::move(options)) {}

Result<std::unique_ptr<Results>> Results::make(Primary& primary, JobId job, const JobSpec& spec,
                                               ResultsOptions options) {
  std::unique_ptr<Results> out(new Results(primary, job, std::move(options)));
  for (const StepSpec& step_spec : spec.steps) {
    Step step;
    step.first_task = out->task_count_;
    step.task_count = step_spec.task_count;
    out->task_count_ += step_spec.task_count;
    if (step_spec.type != "render") {
      step.own.axes = step_spec.axes;
      step.own.task_params = step_spec.task_params;
    }
    if (step_spec.type == "render") {
      auto parsed = render::parse_render_job(step_spec.params);
      if (!parsed)
        return fail(
            parsed.error().context("step \"" + step_spec.name + "\" of job " + to_string(job)));
      CollectorOptions collector;
      collector.directory = out->options_.directory;
      collector.rule = out->options_.rule;
      if (out->options_.with_preview)
        collector.preview = preview_path(*parsed, collector.directory, collector.rule);
      step.preview = collector.preview;
      FRAMEBUS_ASSIGN(step.collector, make_collector(std::move(*parsed), std::move(collector)));
    }
    out->steps_.push_back(std::move(step));
  }
  out->is_done_.resize(out->task_count_);
  return out;
}

Results::Step* Results::step_of(std::uint32_t task) {
  for (Step& step : steps_)
    if (task >= step.first_task && task - step.first_task < step.task_count) return &step;
  return nullptr;
}

Status Results::add(const TaskSummary& task, const OnTurn& on_turn) {
  const std::uint32_t index = task.task.index;
  Step* step = step_of(index);
  if (!step || is_done_[index]) return {};
  is_done_[index] = true;
  ++tasks_done_;
  if (!step->collector) {
    return options_.save_files ? save(task, on_turn) : Status{};
  }
  const BlobRef* blob = result_blob(task);
  if (!blob) return merge(*step, index - step->first_task, task.result, now_monotonic());
  while (pending_.size() >= pending_max) FRAMEBUS_TRY(wait_a_turn(on_turn));
  pending_.push_back(
      {step, index - step->first_task, *blob, primary_.fetch_bytes(*blob, tile_bytes_max)});
  return {};
}

Status Results::save(const TaskSummary& task, const OnTurn& on_turn) {
  const std::uint32_t index = task.task.index;
  if (!task.result.empty()) {
    const fs::path path = options_.directory / result_file_name(index, task.result);
    FRAMEBUS_TRY(write_file(path, task.result));
    files_.push_back(result_file(path.string(), task.result.size(), index));
  }
  for (const BlobRef& blob : task.blobs) {
    const fs::path path =
        blob.name == "result" || blob.name.empty()
            ? options_.directory / ("task-" + std::to_string(index) + ".bin")
            : options_.directory / ("task-" + std::to_string(index)) / safe_relative(blob.name);
    while (pending_files_.size() >= pending_max) FRAMEBUS_TRY(wait_a_turn(on_turn));
    pending_files_.push_back({index, blob, path, primary_.fetch_file(blob, path)});
  }
  return {};
}

FetchedFile Results::result_file(std::string path, std::uint64_t size_bytes, std::uint32_t task) {
  const Step* step = step_of(task);
  return {std::move(path), "result", size_bytes, task,
          step ? own_params(step->own, task - step->first_task) : Bytes{}};
}

Status Results::merge(Step& step, std::uint32_t index, BytesView bytes, TimePoint now) {
  const Result<Added> added = step.collector->add(index, bytes, now);
  tell_frames(step);
  if (!added) return fail(added.error());
  std::error_code error;
  if (!step.has_told_preview && !step.preview.empty() && !step.collector->is_complete() &&
      fs::exists(step.preview, error)) {
    step.has_told_preview = true;
    news_.push_back("preview: " + shown(step.preview));
  }
  return {};
}

void Results::tell_frames(Step& step) {
  for (; step.told_frames < step.collector->finished().size(); ++step.told_frames) {
    const FinishedFrame& frame = step.collector->finished()[step.told_frames];
    for (const fs::path& file : frame.files) {
      files_.push_back({shown(file), "image", size_of(file), -1, {}});
      news_.push_back("wrote " + shown(file));
    }
    if (frame.nan_count > 0) {
      news_.push_back("warning: frame " + std::to_string(frame.frame) + " had " +
                      count_text(frame.nan_count, "sample") +
                      " that were not a number; they count as black");
    }
  }
}

// Whether the fetch may be tried again later, and when.
Status Results::postpone(const Error& error, TimePoint now) {
  if (!is_absence(error)) return fail(error);
  failures_ = primary_.is_connected() ? failures_ + 1 : 0;
  if (failures_ >= failures_max) return fail(error);
  not_before_ = now + absence_pause;
  return {};
}

// Leaves the fetch where it is, to be begun again, when the broker was away.
Status Results::take_first(TimePoint now) {
  Pending& first = pending_.front();
  const Result<Bytes> bytes = first.bytes.get();
  const std::uint32_t task = first.step->first_task + first.index;
  if (!bytes)
    return postpone(bytes.error().context("fetch the result of task " + std::to_string(task)), now);
  failures_ = 0;
  Step& step = *first.step;
  const std::uint32_t index = first.index;
  pending_.pop_front();
  return merge(step, index, *bytes, now);
}

Status Results::take_first_file(TimePoint now) {
  PendingFile& first = pending_files_.front();
  const Result<fs::path> path = first.path.get();
  if (!path)
    return postpone(path.error().context("fetch a result of task " + std::to_string(first.task)),
                    now);
  failures_ = 0;
  files_.push_back(result_file(path->string(), first.blob.size, first.task));
  pending_files_.pop_front();
  return {};
}

Status Results::pump(TimePoint now) {
  while (!pending_.empty()) {
    Pending& first = pending_.front();
    if (!first.bytes.valid()) {
      if (now < not_before_) break;
      first.bytes = primary_.fetch_bytes(first.blob, tile_bytes_max);
    }
    if (!is_ready(first.bytes)) break;
    FRAMEBUS_TRY(take_first(now));
  }
  while (!pending_files_.empty()) {
    PendingFile& first = pending_files_.front();
    if (!first.path.valid()) {
      if (now < not_before_) break;
      first.path = primary_.fetch_file(first.blob, first.destination);
    }
    if (!is_ready(first.path)) break;
    FRAMEBUS_TRY(take_first_file(now));
  }
  return {};
}

Status Results::wait_a_turn(const OnTurn& on_turn) {
  FRAMEBUS_TRY(pump(now_monotonic()));
  FRAMEBUS_TRY(on_turn());
  if (!pending_.empty() && pending_.front().bytes.valid()) {
    is_ready(pending_.front().bytes, poll_every);
  } else if (pending_.empty() && !pending_files_.empty() && pending_files_.front().path.valid()) {
    is_ready(pending_files_.front().path, poll_every);
  } else if (!pending_.empty() || !pending_files_.empty()) {
    std::this_thread::sleep_for(poll_every);
  }
  return {};
}

Status Results::finish(const OnTurn& on_turn) {
  while (!pending_.empty() || !pending_files_.empty()) FRAMEBUS_TRY(wait_a_turn(on_turn));
  for (Step& step : steps_) {
    if (!step.collector) continue;
    FRAMEBUS_TRY(step.collector->finish());
    tell_frames(step);
  }
  return {};
}

std::vector<std::string> Results::take_news() {
  return std::exchange(news_, {});
}

Fetched Results::report(bool is_complete) const {
  Fetched out;
  out.job = job_;
  out.files = files_;
  out.tasks_done = tasks_done_;
  out.task_count = task_count_;
  out.complete = is_complete && tasks_done_ == task_count_;
  std::error_code error;
  for (const Step& step : steps_) {
    if (!step.collector) continue;
    for (const FinishedFrame& frame : step.collector->finished())
      out.frames.push_back({frame.frame, frame.hash});
  }
  for (const Step& step : steps_)
    if (step.collector && !step.collector->is_complete() && !step.preview.empty() &&
        fs::exists(step.preview, error))
      out.files.push_back({shown(step.preview), "preview", size_of(step.preview), -1, {}});
  return out;
}

}  // namespace framebus::client
