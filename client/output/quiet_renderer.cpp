// Quiet: only what a shell script would put into a variable.
#include "client/output/renderer.h"
#include "client/output/text.h"
#include "client/output/words.h"

namespace framebus::client {
namespace {

struct Quiet {
  std::string operator()(const JobList& list) const {
    std::string out;
    for (const JobSummary& job : list.jobs) out += to_string(job.id) + "\n";
    return out;
  }
  std::string operator()(const JobDetail& detail) const {
    return std::string(word_of(detail.job.state)) + "\n";
  }
  std::string operator()(const TaskList& list) const {
    std::string out;
    for (const TaskSummary& task : list.tasks) out += to_string(task.task) + "\n";
    return out;
  }
  std::string operator()(const WorkerList& list) const {
    std::string out;
    for (const WorkerSummary& worker : list.workers) out += to_string(worker.info.id) + "\n";
    return out;
  }
  std::string operator()(const StatusReport&) const { return {}; }
  std::string operator()(const Explained&) const { return {}; }
  std::string operator()(const Submitted& submitted) const {
    return to_string(submitted.job) + "\n";
  }
  std::string operator()(const Acted&) const { return {}; }
  std::string operator()(const Fetched& fetched) const {
    std::string out;
    for (const FetchedFile& file : fetched.files) out += file.path + "\n";
    return out;
  }
  std::string operator()(const Validated&) const { return {}; }
  std::string operator()(const TaskOutcomeLine&) const { return {}; }
  std::string operator()(const WatchedEvent&) const { return {}; }
  std::string operator()(const Commanded& commanded) const {
    std::string out;
    for (const CommandAnswer& answer : commanded.answers)
      if (answer.error.code == 0) out += many_lines(text_of(answer.payload)) + "\n";
    return out;
  }
  std::string operator()(const Administered& administered) const {
    return std::string(word_of(administered.worker.state)) + "\n";
  }
  std::string operator()(const LogPiece& piece) const { return piece.shown; }
  std::string operator()(const VersionReport& version) const { return version.version + "\n"; }
};

class QuietRenderer final : public Renderer {
 public:
  std::string render(const Report& report) const override { return std::visit(Quiet{}, report); }
};

}  // namespace

std::unique_ptr<Renderer> make_quiet_renderer() {
  return std::make_unique<QuietRenderer>();
}

std::unique_ptr<Renderer> make_renderer(OutputMode mode, const Terminal& terminal) {
  switch (mode) {
    case OutputMode::json:
      return make_json_renderer();
    case OutputMode::quiet:
      return make_quiet_renderer();
    case OutputMode::table:
      break;
  }
  return make_table_renderer(terminal);
}

}  // namespace framebus::client
