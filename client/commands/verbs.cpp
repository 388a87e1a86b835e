#include "client/commands/verbs.h"

namespace framebus::client {

std::span<const Verb> all_verbs() {
  static constexpr Verb verbs[] = {
      {"local", "run a job with a broker and workers started inside this command", run_local},
      {"submit", "hand a job to the broker", run_submit},
      {"jobs", "list jobs, newest first", run_jobs},
      {"job", "one job: state, counts, steps, what went wrong", run_job},
      {"tasks", "the tasks of a job", run_tasks},
      {"wait", "block until a job has ended, with progress", run_wait},
      {"watch", "follow what happens to a job, line by line", run_watch},
      {"logs", "what tasks have written, also after their worker is gone", run_logs},
      {"fetch", "results and images of a job into files", run_fetch},
      {"cancel", "stop jobs or tasks for good", run_cancel},
      {"pause", "start nothing more of a job; what runs goes on", run_pause},
      {"resume", "undo pause", run_resume},
      {"retry", "run failed or cancelled tasks again", run_retry},
      {"workers", "the connected workers", run_workers},
      {"worker", "drain, resume, restart or remove a worker", run_worker},
      {"broadcast", "ask workers to do something now", run_broadcast},
      {"status", "the broker: load, tasks, counters", run_status},
      {"validate", "check a job file without sending anything", run_validate},
      {"explain", "why a task is not running: one line for each worker", run_explain},
      {"version", "version of this program and its protocol", run_version},
  };
  return verbs;
}

}  // namespace framebus::client
