#include "client/commands/results.h"

#include <system_error>

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

Status Results::add(const TaskSummary& task) {
  const std::uint32_t index = task.task.index;
  Step* step = step_of(index);
  if (!step || is_done_[index]) return {};
  is_done_[index] = true;
  ++tasks_done_;
  if (!step->collector) {
    return options_.save_files ? save(task) : Status{};
  }
  const BlobRef* blob = result_blob(task);
  if (!blob) return merge(*step, index - step->first_task, task.result, now_monotonic());
  while (pending_.size() >= pending_max) FRAMEBUS_TRY(take_first(now_monotonic()));
  pending_.push_back({step, index - step->first_task, primary_.fetch_bytes(*blob, tile_bytes_max)});
  return {};
}

Status Results::save(const TaskSummary& task) {
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
    while (pending_files_.size() >= pending_max) FRAMEBUS_TRY(take_first_file());
    pending_files_.push_back({index, primary_.fetch_file(blob, path), blob.size});
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

Status Results::take_first(TimePoint now) {
  Pending first = std::move(pending_.front());
  pending_.pop_front();
  const Result<Bytes> bytes = first.bytes.get();
  if (!bytes)
    return fail(bytes.error().context("fetch the result of task " +
                                      std::to_string(first.step->first_task + first.index)));
  return merge(*first.step, first.index, *bytes, now);
}

Status Results::pump(TimePoint now) {
  while (!pending_.empty() && is_ready(pending_.front().bytes)) FRAMEBUS_TRY(take_first(now));
  while (!pending_files_.empty() && is_ready(pending_files_.front().path))
    FRAMEBUS_TRY(take_first_file());
  return {};
}

Status Results::take_first_file() {
  PendingFile first = std::move(pending_files_.front());
  pending_files_.pop_front();
  const Result<fs::path> path = first.path.get();
  if (!path)
    return fail(path.error().context("fetch a result of task " + std::to_string(first.task)));
  files_.push_back(result_file(path->string(), first.size_bytes, first.task));
  return {};
}

Status Results::finish(const std::function<bool()>& is_interrupted) {
  while (!pending_.empty() || !pending_files_.empty()) {
    FRAMEBUS_TRY(pump(now_monotonic()));
    if (is_interrupted()) return fail(Code::cancelled, "interrupted while fetching results");
    if (!pending_.empty()) is_ready(pending_.front().bytes, poll_every);
    if (pending_.empty() && !pending_files_.empty())
      is_ready(pending_files_.front().path, poll_every);
  }
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
