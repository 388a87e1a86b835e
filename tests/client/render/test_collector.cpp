// The collector: exact merging in any order, files, preview, refusals.
#include <doctest/doctest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>

#include "client/render/collector.h"
#include "client/render/frame_store.h"

using namespace framebus;
using namespace framebus::client;
namespace fs = std::filesystem;

namespace {

class ScratchFolder {
 public:
  ScratchFolder() {
    char name[] = "/tmp/framebus-collector-XXXXXX";
    REQUIRE(mkdtemp(name) != nullptr);
    path_ = name;
  }
  ~ScratchFolder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

render::RenderJob a_job(std::uint32_t tile, std::uint32_t samples) {
  render::RenderJob job;
  job.scene = "s.gltf";
  job.width = 50;
  job.height = 37;
  job.frames = {1, 2, 5};
  job.sampling.samples_per_pixel = 10;
  job.tile_width = tile;
  job.tile_height = tile + 3;
  job.samples_per_task = samples;
  job.layers = render::layer_rgb | render::layer_depth;
  job.outputs.emplace_back();
  job.outputs.back().file = "out/a.####.png";
  return job;
}

// A stand-in for tracing: any function of frame, pixel and sample will do.
std::int64_t value(std::int32_t frame, std::uint32_t channel, std::uint32_t x, std::uint32_t y,
                   std::uint32_t sample) {
  const std::uint64_t mixed = (std::uint64_t{sample} * 1'000'003 + x * 7919 + y * 104729 +
                               channel * 31 + static_cast<std::uint32_t>(frame)) *
                              0x9E3779B97F4A7C15ull;
  return static_cast<std::int64_t>(mixed >> 34);
}

Bytes result_of(const render::RenderJob& job, std::uint32_t index, BlobHash scene = {{1}}) {
  const auto task = render::task_at(job, index);
  REQUIRE(task);
  const render::Tile& tile = task->tile;
  render::PackedTile packed{tile, scene, static_cast<std::uint32_t>(task->frame),
                            render::Sums::zero(tile.width, tile.height, job.layers)};
  const std::size_t plane = std::size_t{tile.width} * tile.height;
  for (std::uint32_t y = 0; y < tile.height; ++y)
    for (std::uint32_t x = 0; x < tile.width; ++x) {
      const std::size_t at = std::size_t{y} * tile.width + x;
      packed.sums.samples[at] = tile.sample_count;
      const bool has_depth = (job.layers & render::layer_depth) != 0;
      if (has_depth) packed.sums.depth_hits[at] = tile.sample_count;
      for (std::uint32_t s = tile.first_sample; s < tile.first_sample + tile.sample_count; ++s) {
        for (std::uint32_t c = 0; c < 3; ++c)
          packed.sums.rgb[c * plane + at] += value(task->frame, c, tile.x + x, tile.y + y, s);
        if (has_depth) packed.sums.depth[at] += value(task->frame, 9, tile.x + x, tile.y + y, s);
      }
    }
  return render::pack(packed);
}

std::unique_ptr<Collector> collector_of(const render::RenderJob& job, CollectorOptions options) {
  auto collector = make_collector(job, std::move(options));
  REQUIRE_MESSAGE(collector, collector.error().message);
  return std::move(*collector);
}

std::vector<std::uint32_t> all_tasks(const render::RenderJob& job) {
  std::vector<std::uint32_t> order(render::task_count(job));
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  return order;
}

// Hashes by frame number, after all tasks were added in this order, some of them twice.
std::vector<std::pair<std::int32_t, BlobHash>> hashes(const render::RenderJob& job,
                                                      const std::vector<std::uint32_t>& order,
                                                      CollectorOptions options) {
  const auto collector = collector_of(job, std::move(options));
  for (const std::uint32_t index : order) {
    const Bytes result = result_of(job, index);
    const auto added = collector->add(index, result, TimePoint{});
    REQUIRE_MESSAGE(added, added.error().message);
    CHECK(*added == Added::merged);
    if (index % 3 == 0) CHECK(collector->add(index, result, TimePoint{}) == Added::duplicate);
  }
  CHECK(collector->is_complete());
  CHECK(collector->tasks_merged() == collector->tasks_total());
  std::vector<std::pair<std::int32_t, BlobHash>> found;
  for (const FinishedFrame& frame : collector->finished())
    found.emplace_back(frame.frame, frame.hash);
  std::sort(found.begin(), found.end());
  return found;
}

CollectorOptions hashes_only() {
  CollectorOptions options;
  options.write_images = false;
  return options;
}

}  // namespace

TEST_CASE("collector: any split, any order, duplicates and a frame on disk give the same hashes") {
  const unsigned seed = std::random_device{}();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const render::RenderJob whole = a_job(50, 10);
  const auto expected = hashes(whole, all_tasks(whole), hashes_only());
  REQUIRE(expected.size() == 3);
  CHECK(expected[0].second != expected[1].second);
  for (const auto& [tile, samples] : {std::pair{16u, 4u}, {7u, 3u}, {50u, 1u}, {33u, 10u}}) {
    const render::RenderJob job = a_job(tile, samples);
    std::vector<std::uint32_t> order = all_tasks(job);
    std::shuffle(order.begin(), order.end(), random);
    CHECK(hashes(job, order, hashes_only()) == expected);
    CollectorOptions tight = hashes_only();
    tight.memory_bytes_max = 1;
    CHECK(hashes(job, order, tight) == expected);
  }
}

TEST_CASE("collector: a frame's files are there as soon as the frame is complete") {
  const ScratchFolder folder;
  const render::RenderJob job = a_job(32, 5);
  CollectorOptions options;
  options.directory = folder.path();
  const auto collector = collector_of(job, options);
  const auto tasks_per_frame = static_cast<std::uint32_t>(render::task_count(job) / 3);
  for (std::uint32_t i = 0; i < tasks_per_frame; ++i) {
    CHECK_FALSE(fs::exists(folder.path() / "out/a.0001.png"));
    REQUIRE(collector->add(i, result_of(job, i), TimePoint{}));
  }
  CHECK(fs::file_size(folder.path() / "out/a.0001.png") > 100);
  REQUIRE(collector->finished().size() == 1);
  CHECK(collector->finished()[0].files == std::vector<fs::path>{folder.path() / "out/a.0001.png"});
  CHECK_FALSE(collector->is_complete());
}

TEST_CASE(
    "collector: the preview is written while frames are open, not more often than told, and "
    "removed at the end") {
  const ScratchFolder folder;
  const render::RenderJob job = a_job(16, 5);
  CollectorOptions options;
  options.directory = folder.path();
  options.preview = folder.path() / "p/a.preview.png";
  options.preview_interval = seconds(2);
  const auto collector = collector_of(job, options);
  TimePoint now{};
  REQUIRE(collector->add(0, result_of(job, 0), now));
  CHECK_FALSE(fs::exists(options.preview));
  now += seconds(1);
  REQUIRE(collector->add(1, result_of(job, 1), now));
  REQUIRE(fs::exists(options.preview));
  fs::remove(options.preview);
  now += seconds(1);
  REQUIRE(collector->add(2, result_of(job, 2), now));
  CHECK_FALSE(fs::exists(options.preview));
  now += seconds(60);
  REQUIRE(collector->add(3, result_of(job, 3), now));
  CHECK(fs::exists(options.preview));
  for (std::uint32_t i = 4; i < collector->tasks_total(); ++i)
    REQUIRE(collector->add(i, result_of(job, i), now));
  CHECK(collector->is_complete());
  CHECK_FALSE(fs::exists(options.preview));
  CHECK(collector->warnings().empty());
}

TEST_CASE("collector: a preview that can not be written is given up and said, the job goes on") {
  const ScratchFolder folder;
  std::ofstream(folder.path() / "file") << "x";
  const render::RenderJob job = a_job(16, 5);
  CollectorOptions options = hashes_only();
  options.preview = folder.path() / "file/preview.png";
  options.preview_interval = seconds(0);
  const auto collector = collector_of(job, options);
  REQUIRE(collector->add(0, result_of(job, 0), TimePoint{}));
  REQUIRE(collector->add(1, result_of(job, 1), TimePoint{}));
  CHECK(collector->warnings().size() == 1);
}

TEST_CASE("collector: wrong results are refused with the task's number and change nothing") {
  const render::RenderJob job = a_job(16, 5);
  const auto collector = collector_of(job, hashes_only());
  REQUIRE(collector->add(0, result_of(job, 0), TimePoint{}));
  const auto code_of = [&](std::uint32_t index, const Bytes& bytes) {
    const auto added = collector->add(index, bytes, TimePoint{});
    REQUIRE_FALSE(added);
    CHECK(added.error().message.find("task") != std::string::npos);
    CHECK_FALSE(collector->has(index));
    return added.error().code;
  };
  CHECK(code_of(1, result_of(job, 1, {{2}})) == Code::failed_precondition);
  CHECK(code_of(1, result_of(job, 2)) == Code::malformed_message);
  CHECK(code_of(1, Bytes{1, 2, 3}) == Code::malformed_message);
  CHECK(code_of(1'000'000, result_of(job, 1)) == Code::malformed_message);
  render::RenderJob other = job;
  other.layers = render::layer_rgb;
  CHECK(code_of(1, result_of(other, 1)) == Code::malformed_message);
  CHECK(collector->tasks_merged() == 1);
  CHECK(collector->add(1, result_of(job, 1), TimePoint{}) == Added::merged);
}

TEST_CASE("collector: an image that can not be written is kept and written by finish()") {
  const ScratchFolder folder;
  std::ofstream(folder.path() / "out") << "in the way";
  render::RenderJob job = a_job(50, 10);
  job.frames = {1};
  CollectorOptions options;
  options.directory = folder.path();
  const auto collector = collector_of(job, options);
  const auto added = collector->add(0, result_of(job, 0), TimePoint{});
  REQUIRE_FALSE(added);
  CHECK(added.error().code == Code::unavailable);
  CHECK(collector->has(0));
  CHECK_FALSE(collector->is_complete());
  CHECK_FALSE(collector->finish());
  fs::remove(folder.path() / "out");
  CHECK(collector->finish());
  CHECK(collector->is_complete());
  CHECK(fs::exists(folder.path() / "out/a.0001.png"));
}

TEST_CASE("collector: impossible jobs are refused") {
  const auto refused = [](auto change) {
    render::RenderJob job = a_job(16, 5);
    change(job);
    return !make_collector(job, {}).has_value();
  };
  CHECK_FALSE(refused([](auto&) {}));
  CHECK(refused([](auto& job) { job.outputs[0].file = "a.png"; }));
  CHECK(refused([](auto& job) { job.outputs[0].file = "a.####.jpg"; }));
  CHECK(refused([](auto& job) { job.outputs[0].file = "####.####.png"; }));
  CHECK(
      refused([](auto& job) { job.outputs[0].layers = render::layer_rgb | render::layer_depth; }));
  CHECK(refused([](auto& job) { job.outputs[0].layers = render::layer_albedo; }));
  CHECK(refused([](auto& job) { job.tile_width = 0; }));
  CHECK(refused([](auto& job) { job.frames.clear(); }));
}

TEST_CASE("frame store: no more frames in memory than allowed, and each comes back as it was") {
  FrameStore store(8, 4, render::layer_rgb | render::layer_depth,
                   3 * bytes_of_sums(8, 4, render::layer_rgb | render::layer_depth));
  for (std::uint32_t round = 0; round < 3; ++round)
    for (std::uint32_t frame = 0; frame < 20; ++frame) {
      const auto sums = store.open(frame);
      REQUIRE(sums);
      CHECK((*sums)->rgb[5] == round * (frame + 1));
      CHECK((*sums)->nan_count == round);
      (*sums)->rgb[5] += frame + 1;
      ++(*sums)->nan_count;
      CHECK(store.frames_in_memory() <= 3);
    }
  CHECK(store.frames_on_disk() == 17);
  for (std::uint32_t frame = 0; frame < 20; ++frame) store.close(frame);
  CHECK(store.frames_in_memory() + store.frames_on_disk() == 0);
}
