// A Rig with an archive made of a list: what the broker hands over is committed and brought back by
// the test, so nothing here touches SQLite or a disk. One worker, which beats while time passes, and
// one primary. Thread rule: one test.
#pragma once

#include "broker/core/job_image.h"
#include "tests/broker/rig.h"

namespace framebus::broker::test {

inline Options archiving() {
  Options options;
  options.ephemeral = false;
  options.archive = true;
  options.archive_after = seconds(30);
  options.finished_jobs_kept = seconds(100);
  options.archived_job_kept = seconds(300);
  return options;
}

// An archive made of a list, and a broker that uses it.
struct Library : Rig {
  SessionId ann, one;
  std::vector<JobImage> pieces;

  explicit Library(Options options = archiving()) : Rig(options), ann(primary()), one(worker(1)) {}
  Library(const Library& before, Duration down)
      : Rig(before, down), ann(primary()), one(worker(1)), pieces(before.pieces) {}

  // Beats so that the worker stays.
  void pass(Duration time) {
    now += time;
    receive(one, beat({}));
    take();
    step(Tick{});
  }
  // The pieces handed over in the last step, committed one after the other; what else was done.
  Actions commit_all(Actions actions) {
    Actions rest;
    while (!actions.empty()) {
      const auto* out = std::get_if<Archive>(&actions.front());
      if (out == nullptr) {
        rest.push_back(std::move(actions.front()));
        actions.erase(actions.begin());
        continue;
      }
      pieces.push_back(out->piece);
      step(Archived{out->piece.job, out->piece.first_task, ""});
      actions.erase(actions.begin());
      for (Action& each : take()) actions.push_back(std::move(each));
    }
    return rest;
  }
  // The first job, cancelled, archived and forgotten.
  void archive_one(JobBuilder builder) {
    submit(ann, builder);
    act(ann, JobAction::cancel, JobId{1});
    take();
    for (const AttemptId& each : granted) {
      receive(one, Aborted{{each}});
      take();
    }
    pass(seconds(30));
    commit_all(take());
    pass(seconds(100));
    commit_all(take());
    REQUIRE(core.state().jobs.empty());
  }
  void ask(std::uint64_t request, QueryKind kind = QueryKind::job) {
    receive(ann, Query{request, kind, {JobId{1}, 0}, 0, 0});
  }
};

}  // namespace framebus::broker::test
