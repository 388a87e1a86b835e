// What tasks return, put where people want it: images of render steps, files or lines of all
// others.
//
// Large results are fetched a few at a time while the job goes on. A broker that is away is waited
// for, as long as the caller likes; one that is there and still can not serve a result is not.
// Thread rule: one thread.
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "client/lib/primary.h"
#include "client/output/report.h"
#include "client/render/collector.h"

namespace framebus::client {

struct ResultsOptions {
  std::filesystem::path directory;  // where relative paths start from
  OutputRule rule =
      OutputRule::confined;  // as_written: a job file of this user, whose paths are obeyed
  bool save_files = false;   // results of other steps become files in `directory` too
  bool with_preview = true;  // a picture of the first unfinished frame, kept fresh
};

class Results {
 public:
  // invalid_argument when a render step's plan can not be read (a job of a newer client, say).
  static Result<std::unique_ptr<Results>> make(Primary& primary, JobId job, const JobSpec& spec,
                                               ResultsOptions options);

  // Called about ten times a second by whatever waits; its error ends the waiting.
  using OnTurn = std::function<Status()>;

  // A task that has succeeded; twice is once. Starts fetching what it returned; waits when too much
  // is under way.
  Status add(const TaskSummary& task, const OnTurn& on_turn);
  // Takes in what has arrived.
  Status pump(TimePoint now);
  // Waits for everything.
  Status finish(const OnTurn& on_turn);

  // What people should hear since the last call: "wrote out/helmet.0001.png".
  std::vector<std::string> take_news();
  Fetched report(bool is_complete) const;

 private:
  struct Step {
    std::uint32_t first_task = 0, task_count = 0;
    StepSpec own;                          // what the tasks' own parameters are made from
    std::unique_ptr<Collector> collector;  // render steps
    std::filesystem::path preview;
    bool has_told_preview = false;
    std::size_t told_frames = 0;
  };
  // A fetch under way, or, while the future is not valid, one that has to be begun again.
  struct Pending {
    Step* step;
    std::uint32_t index;  // in its step
    BlobRef blob;
    Future<Bytes> bytes;
  };
  struct PendingFile {
    std::uint32_t task;
    BlobRef blob;
    std::filesystem::path destination;
    Future<std::filesystem::path> path;
  };

  Results(Primary& primary, JobId job, ResultsOptions options);
  Step* step_of(std::uint32_t task);
  Status merge(Step& step, std::uint32_t index, BytesView bytes, TimePoint now);
  Status save(const TaskSummary& task, const OnTurn& on_turn);
  FetchedFile result_file(std::string path, std::uint64_t size_bytes, std::uint32_t task);
  Status take_first(TimePoint now);
  Status take_first_file(TimePoint now);
  Status wait_a_turn(const OnTurn& on_turn);
  Status postpone(const Error& error, TimePoint now);
  void tell_frames(Step& step);

  Primary& primary_;
  JobId job_;
  ResultsOptions options_;
  std::vector<Step> steps_;
  std::uint32_t task_count_ = 0, tasks_done_ = 0;
  std::vector<bool> is_done_;
  std::deque<Pending> pending_;
  std::deque<PendingFile> pending_files_;
  TimePoint not_before_{};  // of the next attempt, after one that failed
  int failures_ = 0;        // in a row, of a broker that was there
  std::vector<FetchedFile> files_;
  std::vector<std::string> news_;
};

// The file a task's result is saved in: "task-17.json" for JSON, else "task-17.bin".
std::string result_file_name(std::uint32_t task, BytesView result);

// A blob's name as a path below a folder: no "..", no absolute part, no odd characters; never
// empty.
std::filesystem::path safe_relative(const std::string& name);

}  // namespace framebus::client
