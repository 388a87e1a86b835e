#include "worker/shell/child_main.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "libmsg/base/limits.h"
#include "libmsg/blob/posix_file.h"
#include "worker/executors/registry.h"
#include "worker/shell/child_protocol.h"
#include "worker/shell/pacer.h"
#include "worker/shell/prepared_store.h"
#include "worker/shell/spool.h"
#include "worker/shell/task_run.h"

namespace framebus::worker {
namespace {

constexpr int exit_usage = 64;
constexpr int exit_worker_gone = 0;
constexpr int exit_nonsense = 70;
constexpr std::size_t log_line_bytes_max = 2 * limits::KiB;
constexpr std::size_t read_bytes = 64 * limits::KiB;

// The connection and what has come by it.
class Worker {
 public:
  explicit Worker(int fd) : fd_(fd) {}

  // Any thread. Blocks while the worker is busy. The process ends when the worker is gone.
  void send(const ChildMessage& message) {
    const Bytes frame = encode_child(message);
    const std::lock_guard lock(send_mutex_);
    for (std::size_t sent = 0; sent < frame.size();) {
      const ssize_t count = ::send(fd_, frame.data() + sent, frame.size() - sent, MSG_NOSIGNAL);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) ::_exit(exit_worker_gone);
      sent += static_cast<std::size_t>(count);
    }
  }

  // The reading thread's life.
  [[noreturn]] void read_on() {
    ChildFrames frames;
    Bytes bytes(read_bytes);
    for (;;) {
      const ssize_t count = ::recv(fd_, bytes.data(), bytes.size(), 0);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) ::_exit(exit_worker_gone);
      frames.append(BytesView(bytes).first(static_cast<std::size_t>(count)));
      for (;;) {
        auto message = frames.next();
        if (!message) ::_exit(exit_nonsense);
        if (!*message) break;
        take(std::move(**message));
      }
    }
  }

  ChildRun next_run() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !runs_.empty(); });
    ChildRun run = std::move(runs_.front());
    runs_.pop_front();
    return run;
  }
  bool is_cancelled() const { return cancelled_.load(std::memory_order_relaxed); }
  const PreparedStore& prepared() const { return prepared_; }
  SpoolBudget& spool() { return spool_; }

  std::uint64_t new_request() { return ++last_request_; }
  // Sends and waits for the answer, which always comes or the process ends.
  ChildBlob ask(std::uint64_t request, const ChildMessage& question) {
    send(question);
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return answers_.contains(request); });
    ChildBlob answer = std::move(answers_.at(request));
    answers_.erase(request);
    return answer;
  }

 private:
  void take(ChildMessage message) {
    {
      const std::lock_guard lock(mutex_);
      if (auto* run = std::get_if<ChildRun>(&message)) {
        cancelled_ = false;
        runs_.push_back(std::move(*run));
      }
      if (std::holds_alternative<ChildCancel>(message)) cancelled_ = true;
      if (auto* blob = std::get_if<ChildBlob>(&message)) answers_[blob->request] = std::move(*blob);
      if (auto* prepared = std::get_if<ChildPrepared>(&message))
        prepared_.set(prepared->name, 1, std::move(prepared->payload));
    }
    changed_.notify_all();
  }

  const int fd_;
  std::mutex send_mutex_;
  std::mutex mutex_;  // guards the queues
  std::condition_variable changed_;
  std::deque<ChildRun> runs_;
  std::map<std::uint64_t, ChildBlob> answers_;
  std::atomic<std::uint64_t> last_request_{0};
  std::atomic<bool> cancelled_{false};
  PreparedStore prepared_;
  SpoolBudget spool_;
};

class ChildContext final : public TaskContext {
 public:
  ChildContext(Worker& worker, const ChildRun& run)
      : worker_(worker), run_(run), cache_directory_(run.cache_directory) {}

  bool cancelled() const override { return worker_.is_cancelled(); }
  void progress(std::uint32_t permille, std::string_view status) override {
    if (pacer_.is_due())
      worker_.send(ChildProgress{permille, std::string(status.substr(0, limits::name_bytes_max))});
  }
  void log(std::string_view line) override {
    worker_.send(ChildLog{std::string(line.substr(0, log_line_bytes_max))});
  }
  Result<std::filesystem::path> input(const BlobRef& blob) override {
    const std::uint64_t request = worker_.new_request();
    const ChildBlob answer = worker_.ask(request, ChildWant{request, blob});
    if (answer.error.code != 0) return fail(error_of(answer));
    return std::filesystem::path(answer.path);
  }
  Result<BlobRef> put(BytesView bytes, std::string_view name) override {
    const std::uint64_t request = worker_.new_request();
    const std::string file = std::to_string(::getpid()) + "-" + std::to_string(request);
    const std::filesystem::path path = std::filesystem::path(run_.spool_directory) / file;
    FRAMEBUS_ASSIGN(const SpoolBudget::Hold held,
                    worker_.spool().hold(bytes.size(), run_.spool_bytes_max));
    FRAMEBUS_TRY(write(path, bytes));
    const ChildBlob answer = worker_.ask(request, ChildPut{request, file, std::string(name)});
    if (answer.error.code != 0) return fail(error_of(answer));
    return answer.blob;
  }
  unsigned threads() const override { return std::max(1u, run_.threads); }
  const std::filesystem::path& cache_directory() const override { return cache_directory_; }
  std::optional<Bytes> prepared(std::string_view name) const override {
    return worker_.prepared().get(name);
  }

 private:
  static Error error_of(const ChildBlob& answer) {
    return {static_cast<Code>(answer.error.code), answer.error.message,
            answer.error.retry_after_ms};
  }
  // The worker removes the file, whatever comes of it; here only what it never hears of.
  static Status write(const std::filesystem::path& path, BytesView bytes) {
    FRAMEBUS_ASSIGN(const FileDescriptor file, open_file(path, O_WRONLY | O_CREAT | O_EXCL));
    if (Status written = write_at(file.get(), 0, bytes, path); !written) {
      ::unlink(path.c_str());
      return written;
    }
    return {};
  }

  Worker& worker_;
  const ChildRun& run_;
  const std::filesystem::path cache_directory_;
  Pacer pacer_{progress_spacing};
};

// True when the task has begun processes that still live: here, or escaped to the keeper. Costs two
// system calls for a task that began none.
bool leaves_processes(pid_t keeper) {
  siginfo_t ignored;
  if (::waitid(P_ALL, 0, &ignored, WEXITED | WNOHANG | WNOWAIT) == 0) return true;
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d/task/%d/children", keeper, keeper);
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;  // a kernel without this list: the next end of this process cleans up
  char text[64];
  const ssize_t length = ::read(fd, text, sizeof text);
  ::close(fd);
  return length > 0 && std::count(text, text + length, ' ') > 1;
}

}  // namespace

int run_child(int talk_fd, const char* role, pid_t keeper) {
  // Out of the way of whatever a task closes or writes to by number, and not for its children.
  const int fd = ::fcntl(talk_fd, F_DUPFD_CLOEXEC, 64);
  ::close(talk_fd);
  const Executors executors = make_executors_of(role);
  if (executors.empty() || fd < 0) return exit_usage;
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // so that a log shows lines as they are printed
  Worker worker(fd);
  std::thread([&worker] { worker.read_on(); }).detach();
  worker.send(ChildHello{static_cast<std::uint32_t>(::getpid())});
  for (;;) {
    const ChildRun run = worker.next_run();
    ChildContext context(worker, run);
    ExecutorFinished ended = run_task(executors, run.attempt, run.step, context);
    std::fflush(stdout);
    worker.send(ChildFinished{ended.outcome, std::move(ended.result), std::move(ended.blobs),
                              std::move(ended.error), ended.permanent, leaves_processes(keeper)});
  }
}

}  // namespace framebus::worker
