// The same job gives the same picture to the last bit: in one process, on one, two and four
// workers, and however it is cut into tiles and sample ranges.
#include <doctest/doctest.h>

#include <set>
#include <sstream>

#include "tests/system/render/scenes.h"

namespace framebus::test {
namespace {

struct Rendered {
  std::string sums, png, exr;
  auto operator<=>(const Rendered&) const = default;
};

Rendered rendered(Farm& farm, const std::string& name, const Json& fetched) {
  return {frame_hash(fetched), bytes_of_file(farm.path(name) / "out/picture.png"),
          bytes_of_file(farm.path(name) / "out/picture.exr")};
}

// Of the JSON lines that `framebus local` prints, the one that tells the files and frames.
Json fetched_line(const std::string& output) {
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    if (Json value = Json::parse(line); value.contains("frames")) return value;
  }
  FAIL("no line tells the frames: " << output);
  return {};
}

Rendered render_locally(Farm& farm, const std::string& name, const RenderText& text) {
  std::filesystem::create_directory(farm.path(name));
  const auto file = farm.write_file(name + "/job.json", render_job(text));
  const CliResult result = farm.cli({"local", file.string(), "--json"}, seconds(200));
  REQUIRE_MESSAGE(result.exit_code == 0, result.errors);
  return rendered(farm, name, fetched_line(result.output));
}

Rendered render_on(Farm& farm, const std::string& name, const RenderText& text) {
  const std::string job = farm.submit(render_job(text));
  farm.wait_for_state(job, "succeeded", seconds(200));
  std::filesystem::create_directory(farm.path(name));
  return rendered(farm, name, farm.json({"fetch", job, "-o", farm.path(name).string()}));
}

// Workers are added to one farm: 1, 2, then 4; each farm gets all `splits`.
void check_all_equal(const RenderText& picture, const std::vector<RenderText>& splits) {
  Farm farm;
  std::set<Rendered> pictures;
  pictures.insert(render_locally(farm, "local", picture));
  std::size_t workers = 0;
  for (const std::size_t wanted : {1u, 2u, 4u}) {
    while (workers < wanted) {
      farm.worker({"--threads", "1"});
      ++workers;
    }
    farm.wait_for_workers(workers);
    for (std::size_t i = 0; i < splits.size(); ++i) {
      pictures.insert(
          render_on(farm, std::to_string(wanted) + "workers" + std::to_string(i), splits[i]));
      CHECK_MESSAGE(pictures.size() == 1,
                    "split " << i << " on " << wanted << " workers gave another picture");
    }
  }
  MESSAGE("one hash for local and 1, 2, 4 workers x " << splits.size()
                                                      << " splits: " << pictures.begin()->sums);
}

std::vector<RenderText> three_splits(const RenderText& picture) {
  RenderText wide = picture, small = picture, uneven = picture;
  wide.tile_width = picture.width, wide.tile_height = 16, wide.spp_per_task = picture.spp;
  small.tile_width = small.tile_height = 64, small.spp_per_task = std::max(1, picture.spp / 4);
  uneven.tile_width = 100, uneven.tile_height = 77, uneven.spp_per_task = picture.spp / 2 + 3;
  return {wide, small, uneven};
}

}  // namespace

TEST_CASE("render: the gallery has one hash, locally and on 1, 2 and 4 workers, in three splits") {
  Farm maker;
  RenderText picture;
  picture.scene = gallery_scene(maker);
  picture.width = 192, picture.height = 108, picture.spp = 4;
  check_all_equal(picture, three_splits(picture));
}

TEST_CASE(
    "render: FlightHelmet at 512x512, 64 spp, has one hash on every farm and in every split") {
  const auto scenes = trial_scenes();
  if (!scenes) return;
  RenderText picture;
  picture.scene = *scenes / "FlightHelmet/FlightHelmet.gltf";
  picture.environment = *scenes / "env/spiaggia_di_mondello_1k.hdr";
  picture.width = picture.height = 512;
  picture.spp = 64;
  check_all_equal(picture, three_splits(picture));
}

}  // namespace framebus::test
