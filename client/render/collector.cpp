#include "client/render/collector.h"

#include <algorithm>
#include <system_error>

#include "client/render/frame_store.h"
#include "libmsg/base/limits.h"
#include "worker/executors/render/film/image_file.h"

namespace framebus::client {
namespace {

// A preview may cost this part of the time at most, however large the picture is.
constexpr int preview_cost_factor = 10;

bool has_extension(const std::filesystem::path& file, std::string_view wanted) {
  std::string extension = file.extension().string();
  for (char& c : extension)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return extension == wanted;
}

render::ImageOptions image_options(const render::OutputSettings& output) {
  render::ImageOptions options;
  options.layers = output.layers;
  options.half = output.half;
  options.tonemap = output.aces ? render::ToneMap::aces : render::ToneMap::none;
  options.exposure = static_cast<float>(output.exposure);
  return options;
}

Status make_parent(const std::filesystem::path& file) {
  std::error_code problem;
  if (!file.parent_path().empty()) std::filesystem::create_directories(file.parent_path(), problem);
  if (problem)
    return fail(Code::unavailable, file.parent_path().string() + ": " + problem.message());
  return {};
}

class FrameCollector final : public Collector {
 public:
  FrameCollector(render::RenderJob job, CollectorOptions options)
      : job_(std::move(job)),
        options_(std::move(options)),
        store_(job_.width, job_.height, job_.layers, options_.memory_bytes_max),
        merged_(render::task_count(job_), false),
        tasks_left_(job_.frames.size(),
                    static_cast<std::uint32_t>(merged_.size() / job_.frames.size())) {}

  Result<Added> add(std::uint32_t index, BytesView packed, TimePoint now) override {
    const auto task = render::task_at(job_, index);
    if (!task) return fail(Code::malformed_message, task.error().message);
    if (merged_[index]) return Added::duplicate;
    auto tile = render::unpack(packed);
    if (!tile)
      return fail(Code::malformed_message, name_of_task(index) + ": " + tile.error().message);
    FRAMEBUS_TRY(check_tile(index, *task, *tile));

    const auto frame = static_cast<std::uint32_t>(index / (merged_.size() / job_.frames.size()));
    FRAMEBUS_ASSIGN(render::Sums* const sums, store_.open(frame));
    if (const Status added = render::add_tile(*sums, tile->tile, tile->sums); !added)
      return fail(Code::malformed_message, name_of_task(index) + ": " + added.error().message);
    if (scene_hash_.is_none()) scene_hash_ = tile->scene_hash;
    merged_[index] = true;
    ++merged_count_;
    if (--tasks_left_[frame] == 0) {
      FRAMEBUS_TRY(finish_frame(frame));
    } else {
      show_preview(*sums, now);
    }
    return Added::merged;
  }

  Status finish() override {
    const std::vector<std::uint32_t> unwritten = unwritten_;
    for (const std::uint32_t frame : unwritten) FRAMEBUS_TRY(finish_frame(frame));
    return {};
  }

  bool is_complete() const override { return finished_.size() == job_.frames.size(); }
  bool has(std::uint32_t index) const override { return index < merged_.size() && merged_[index]; }
  std::uint64_t tasks_merged() const override { return merged_count_; }
  std::uint64_t tasks_total() const override { return merged_.size(); }
  const std::vector<FinishedFrame>& finished() const override { return finished_; }
  const std::vector<std::string>& warnings() const override { return warnings_; }

 private:
  std::string name_of_task(std::uint32_t index) const {
    return "render task " + std::to_string(index);
  }

  Status check_tile(std::uint32_t index, const render::RenderTask& task,
                    const render::PackedTile& tile) const {
    if (tile.frame != static_cast<std::uint32_t>(task.frame) || !(tile.tile == task.tile))
      return fail(Code::malformed_message,
                  name_of_task(index) + ": its result is for another tile than the task");
    if (tile.sums.layers != job_.layers)
      return fail(Code::malformed_message,
                  name_of_task(index) + ": its result has other layers than the job asks for");
    if (!scene_hash_.is_none() && !(tile.scene_hash == scene_hash_))
      return fail(Code::failed_precondition,
                  name_of_task(index) + ": its worker compiled the scene to " +
                      to_string(tile.scene_hash).substr(0, 16) + "..., the others to " +
                      to_string(scene_hash_).substr(0, 16) +
                      "...; run the same version of framebus-worker everywhere and retry the task");
    return {};
  }

  // Writes a complete frame and lets go of it. On an error the frame stays, to be tried again.
  Status finish_frame(std::uint32_t frame) {
    FRAMEBUS_ASSIGN(const render::Sums* const sums, store_.open(frame));
    FinishedFrame done;
    done.frame = job_.frames[frame];
    done.hash = render::hash_of(*sums);
    done.nan_count = sums->nan_count;
    done.clamp_count = sums->clamp_count;
    unwritten_.erase(std::remove(unwritten_.begin(), unwritten_.end(), frame), unwritten_.end());
    unwritten_.push_back(frame);
    for (const render::OutputSettings& output : job_.outputs) {
      if (!options_.write_images) break;
      const std::filesystem::path path =
          output_path(output, done.frame, options_.directory, options_.rule);
      FRAMEBUS_TRY(make_parent(path));
      FRAMEBUS_TRY(render::write_image(path, *sums, image_options(output)));
      done.files.push_back(path);
    }
    unwritten_.pop_back();
    store_.close(frame);
    finished_.push_back(std::move(done));
    if (is_complete()) remove_preview();
    return {};
  }

  void show_preview(const render::Sums& sums, TimePoint now) {
    if (options_.preview.empty() || !(job_.layers & render::layer_rgb)) return;
    // Not at the very first tile: a picture with one tile in it tells nobody anything.
    if (!next_preview_) next_preview_ = now + options_.preview_interval / 4;
    if (now < *next_preview_) return;
    const auto begin = std::chrono::steady_clock::now();
    Status written = make_parent(options_.preview);
    if (written) written = render::write_image(options_.preview, sums, preview_options());
    if (!written) {
      warnings_.push_back("no preview: " + written.error().message);
      options_.preview.clear();
      return;
    }
    has_preview_ = true;
    const Duration cost = std::chrono::steady_clock::now() - begin;
    next_preview_ = now + std::max<Duration>(options_.preview_interval, cost * preview_cost_factor);
  }

  // Like the first colour PNG among the outputs, so that the final picture is no surprise.
  render::ImageOptions preview_options() const {
    for (const render::OutputSettings& output : job_.outputs)
      if (output.layers == render::layer_rgb && has_extension(output.file, ".png"))
        return image_options(output);
    return {};
  }

  void remove_preview() {
    if (!has_preview_ || options_.preview.empty()) return;
    std::error_code problem;
    std::filesystem::remove(options_.preview, problem);
    if (problem)
      warnings_.push_back("the preview could not be removed: " + options_.preview.string() + ": " +
                          problem.message());
  }

  render::RenderJob job_;
  CollectorOptions options_;
  FrameStore store_;
  std::vector<bool> merged_;               // by task index
  std::vector<std::uint32_t> tasks_left_;  // by position in job_.frames
  std::uint64_t merged_count_ = 0;
  BlobHash scene_hash_;                   // of the first tile
  std::vector<std::uint32_t> unwritten_;  // complete frames whose files could not be written
  std::vector<FinishedFrame> finished_;
  std::vector<std::string> warnings_;
  std::optional<TimePoint> next_preview_;
  bool has_preview_ = false;
};

}  // namespace

Result<std::unique_ptr<Collector>> make_collector(render::RenderJob job, CollectorOptions options) {
  const std::uint64_t tasks = render::task_count(job);
  if (tasks == 0 || tasks > limits::tasks_per_job_max)
    return fail(Code::invalid_argument, "render job of " + std::to_string(tasks) + " tasks; 1 to " +
                                            std::to_string(limits::tasks_per_job_max) +
                                            " are possible");
  for (const render::OutputSettings& output : job.outputs) {
    FRAMEBUS_ASSIGN(const bool has_number, check_pattern(output.file));
    if (!has_number && job.frames.size() > 1)
      return fail(Code::invalid_argument,
                  "output '" + output.file + "': " + std::to_string(job.frames.size()) +
                      " frames would overwrite each other; put #### where the frame number goes");
    const bool is_png = has_extension(output.file, ".png");
    if (!is_png && !has_extension(output.file, ".exr"))
      return fail(Code::invalid_argument,
                  "output '" + output.file + "': the name must end in .png or .exr");
    if (is_png && (output.layers & (output.layers - 1)) != 0)
      return fail(Code::invalid_argument,
                  "output '" + output.file +
                      "': a .png holds one layer; write an .exr or one .png for each layer");
    if (output.layers == 0 || (output.layers & ~job.layers) != 0)
      return fail(Code::invalid_argument,
                  "output '" + output.file + "': its layers are not among those the job computes");
  }
  return std::make_unique<FrameCollector>(std::move(job), std::move(options));
}

}  // namespace framebus::client
