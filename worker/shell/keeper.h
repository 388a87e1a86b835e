// The two processes behind `framebus-worker executor`: a keeper, and the executor that it forks.
//
//   worker --fork, exec--> keeper (own session, subreaper) --fork--> executor --may fork-->
//   anything
//
// The keeper runs no task, so nothing a task does can crash it. Whatever escapes from the executor
// (two forks, a session of its own) becomes the keeper's child and can not be lost. It ends the
// whole tree when the worker says so, when the worker is gone (its connection closes, however the
// worker died) and when the executor has ended; then it tells how that was. Were the keeper itself
// killed, the executor is ended by the kernel (PR_SET_PDEATHSIG) and the rest becomes the worker's.
// Thread rule: keeper single-threaded; see child_main.h for the executor.
#pragma once

namespace framebus::worker {

// Descriptors that the worker hands over: the executor's connection, and the keeper's.
inline constexpr int executor_talk_fd = 3;
inline constexpr int keeper_control_fd = 4;

// main() of the hidden subcommand, argv[0] "executor", argv[1] the role. Returns the exit code;
// 64 when it was not started by a worker.
int run_keeper(int argc, char** argv);

}  // namespace framebus::worker
