// The verbs of `framebus`: the only list of them. Each is one function in a file of its own family.
#pragma once

#include <span>
#include <string_view>

namespace framebus::client {

class Cli;

struct Verb {
  std::string_view name;
  std::string_view summary;
  int (*run)(Cli&);  // returns the exit code
};

std::span<const Verb> all_verbs();

int run_local(Cli& cli);
int run_submit(Cli& cli);
int run_jobs(Cli& cli);
int run_job(Cli& cli);
int run_tasks(Cli& cli);
int run_wait(Cli& cli);
int run_watch(Cli& cli);
int run_logs(Cli& cli);
int run_fetch(Cli& cli);
int run_cancel(Cli& cli);
int run_pause(Cli& cli);
int run_resume(Cli& cli);
int run_retry(Cli& cli);
int run_workers(Cli& cli);
int run_worker(Cli& cli);
int run_broadcast(Cli& cli);
int run_status(Cli& cli);
int run_validate(Cli& cli);
int run_explain(Cli& cli);
int run_version(Cli& cli);

}  // namespace framebus::client
