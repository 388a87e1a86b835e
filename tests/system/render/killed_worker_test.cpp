// A worker killed in the middle of a frame: the job completes by itself, with the same picture.
#include <doctest/doctest.h>
#include <signal.h>

#include "libmsg/transport/transport.h"
#include "tests/sanitized.h"
#include "tests/system/render/scenes.h"

namespace framebus::test {
namespace {

// Tasks whose last attempt but one was lost and which have been granted again.
std::size_t granted_again(const Json& tasks) {
  std::size_t count = 0;
  for (const Json& task : tasks) {
    const Json& attempts = task.at("attempts");
    for (std::size_t i = 0; i + 1 < attempts.size(); ++i) {
      if (attempts[i].at("end") != "worker_lost") continue;
      ++count;
      break;
    }
  }
  return count;
}

std::size_t lost(const Json& tasks) {
  std::size_t count = 0;
  for (const Json& task : tasks) {
    for (const Json& attempt : task.at("attempts")) count += attempt.at("end") == "worker_lost";
  }
  return count;
}

}  // namespace

TEST_CASE(
    "render: a worker killed in mid-frame: its tasks are granted again within a second, and the "
    "hash is the same") {
  Farm farm;
  RenderText picture;
  picture.scene = gallery_scene(farm);
  picture.width = 320, picture.height = 180, picture.spp = 16;
  picture.tile_width = picture.tile_height = 64, picture.spp_per_task = 8;

  // The survivor has room for everything, so that a grant never waits for one of its tasks to end.
  farm.worker({"--threads", "1", "--prefetch", "40"});
  farm.wait_for_workers(1);
  const std::string calm = farm.submit(render_job(picture));
  farm.wait_for_state(calm, "succeeded", seconds(120));
  const std::string expected = frame_hash(farm.json({"fetch", calm, "-o", farm.path("calm")}));

  ChildProcess& doomed = farm.worker({"--threads", "1"});
  farm.wait_for_workers(2);
  const std::string job = farm.submit(render_job(picture), {"--set", "strategy=roundrobin"});
  // In mid-frame: something is done, and the doomed worker is at work.
  const std::string doomed_name = std::to_string(doomed.pid());
  farm.wait_for({"tasks", job}, [&](const Json& reply) {
    std::size_t done = 0, held = 0;
    for (const Json& task : reply.at("tasks")) {
      done += task.at("state") == "succeeded";
      held += task.at("state") == "running" &&
              std::string(task.at("attempts").back().at("worker")).find(doomed_name) !=
                  std::string::npos;
    }
    return done > 0 && held > 0;
  });
  const TimePoint killed = now_monotonic();
  doomed.signal(SIGKILL);
  farm.wait_for(
      {"tasks", job},
      [](const Json& reply) {
        const std::size_t lost_count = lost(reply.at("tasks"));
        return lost_count > 0 && granted_again(reply.at("tasks")) == lost_count;
      },
      seconds(5));
  const std::int64_t again_after_ms = to_ms(now_monotonic() - killed);
  MESSAGE("tasks of the killed worker granted again after at most " << again_after_ms << " ms");
  CHECK(again_after_ms < 1000 * testing::patience);

  farm.wait_for_state(job, "succeeded", seconds(120));
  CHECK(frame_hash(farm.json({"fetch", job, "-o", farm.path("killed")})) == expected);
}

}  // namespace framebus::test
