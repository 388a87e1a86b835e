// Names of output files.
#include <doctest/doctest.h>

#include "client/render/collector.h"

using namespace framebus;
using namespace framebus::client;

TEST_CASE("output names: #### and %04d are the frame number") {
  CHECK(fill_pattern("out/helmet.####.exr", 7) == "out/helmet.0007.exr");
  CHECK(fill_pattern("a%04d.png", 123456) == "a123456.png");
  CHECK(fill_pattern("a%d.png", 5) == "a5.png");
  CHECK(fill_pattern("a.####.png", -5) == "a.-0005.png");
  CHECK(fill_pattern("a.png", 5) == "a.png");
  CHECK(check_pattern("a.##.png") == true);
  CHECK(check_pattern("a.png") == false);
  for (const char* bad :
       {"a##b##.png", "%s.png", "100%.png", "%4d.png", "%0999999999999d.png", "%04d-#.png"}) {
    CAPTURE(bad);
    CHECK_FALSE(check_pattern(bad));
  }
}

TEST_CASE("output paths: a foreign job can not leave the folder of the fetch") {
  const auto path = [](const char* file, OutputRule rule) {
    render::OutputSettings output;
    output.file = file;
    return output_path(output, 3, "/home/ann/fetched", rule).string();
  };
  CHECK(path("out/a.##.png", OutputRule::confined) == "/home/ann/fetched/out/a.03.png");
  CHECK(path("/etc/a.png", OutputRule::confined) == "/home/ann/fetched/a.png");
  CHECK(path("../../a.png", OutputRule::confined) == "/home/ann/fetched/a.png");
  CHECK(path("out/../../../a.png", OutputRule::confined) == "/home/ann/fetched/a.png");
  CHECK(path("../a.png", OutputRule::as_written) == "/home/ann/a.png");
  CHECK(path("/mnt/a.png", OutputRule::as_written) == "/mnt/a.png");
}

TEST_CASE("preview path: beside the first output, without the frame number") {
  render::RenderJob job;
  CHECK(preview_path(job, "/d", OutputRule::confined).empty());
  job.outputs.emplace_back();
  job.outputs[0].file = "out/helmet.####.exr";
  CHECK(preview_path(job, "/d", OutputRule::confined) == "/d/out/helmet.preview.png");
  job.outputs[0].file = "%04d.png";
  CHECK(preview_path(job, "/d", OutputRule::confined) == "/d/frame.preview.png");
}
