#include "bench/bus/roundtrip.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <random>

namespace framebus::bench {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto give_up_after = std::chrono::seconds(120);

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

Bytes random_bytes(std::mt19937_64& random, std::uint32_t size) {
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

JobSpec echo_job(const std::vector<Bytes>& payloads) {
  StepSpec step;
  step.name = "echo";
  step.type = "echo";
  step.task_count = static_cast<std::uint32_t>(payloads.size());
  step.task_params = payloads;
  JobSpec job;
  job.name = "roundtrip";
  job.steps.push_back(std::move(step));
  return job;
}

bool has_ended(JobState state) {
  return state == JobState::succeeded || state == JobState::failed || state == JobState::cancelled;
}

// Jobs of one task, at most `window` outstanding; each is timed from the call to the event that it
// ended.
class SingleJobs {
 public:
  SingleJobs(client::Primary& primary, const RoundtripOptions& options, std::uint32_t window,
             std::uint64_t seed)
      : primary_(primary), options_(options), window_(window), random_(seed) {}

  Result<Figures> run() {
    watch_ = primary_.watch({}, [this](const Event& event) { on_event(event); });
    const auto started = Clock::now();
    for (std::uint32_t i = 0; i < options_.singles; ++i) {
      if (!wait_until([this] { return outstanding_ < window_; })) return give_up();
      submit_one(i);
    }
    if (!wait_until([this] { return outstanding_ == 0; })) return give_up();
    const double took = seconds_between(started, Clock::now());
    primary_.unwatch(watch_);
    FRAMEBUS_TRY(verify());
    return figures(took);
  }

 private:
  struct Single {
    Bytes payload;
    Clock::time_point submitted{}, ended{};
    JobId job;
  };

  void submit_one(std::uint32_t index) {
    {
      std::lock_guard lock(mutex_);
      singles_.push_back({random_bytes(random_, options_.payload), Clock::now(), {}, {}});
      ++outstanding_;
    }
    primary_.submit(echo_job({singles_[index].payload}), {}, {},
                    [this, index](Result<client::Accepted> accepted) {
                      std::lock_guard lock(mutex_);
                      if (!accepted) {
                        error_ = accepted.error();
                      } else {
                        singles_[index].job = accepted->job;
                        by_job_[accepted->job] = index;
                        // The event may have overtaken the answer.
                        if (const auto early = early_.find(accepted->job); early != early_.end())
                          finish(index, early->second);
                      }
                      changed_.notify_all();
                    });
  }

  void on_event(const Event& event) {
    if (event.kind != EventKind::job || !has_ended(event.job.state)) return;
    const auto now = Clock::now();
    std::lock_guard lock(mutex_);
    const auto found = by_job_.find(event.job.id);
    if (found == by_job_.end()) {
      early_[event.job.id] = now;
    } else {
      finish(found->second, now);
    }
    changed_.notify_all();
  }

  void finish(std::uint32_t index, Clock::time_point now) {
    if (singles_[index].ended != Clock::time_point{}) return;
    singles_[index].ended = now;
    --outstanding_;
  }

  template <class Condition>
  bool wait_until(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, give_up_after, [&] {
      return error_.code != Code::ok || condition();
    }) && error_.code == Code::ok;
  }

  tl::unexpected<Error> give_up() {
    primary_.unwatch(watch_);
    std::lock_guard lock(mutex_);
    if (error_.code != Code::ok) return fail(error_);
    return fail(Code::deadline_exceeded,
                std::to_string(outstanding_) + " tasks were still outstanding after 120 s");
  }

  Status verify() {
    for (const Single& single : singles_) {
      Query query;
      query.kind = QueryKind::tasks;
      query.task.job = single.job;
      auto reply = primary_.query(query).get();
      if (!reply) return fail(reply.error().context("verify job " + to_string(single.job)));
      if (reply->tasks.size() != 1 || reply->tasks[0].result != single.payload) {
        return fail(Code::data_loss,
                    "job " + to_string(single.job) + " returned other bytes than it was given");
      }
    }
    return {};
  }

  Figures figures(double took) {
    std::vector<double> latencies;
    for (const Single& single : singles_)
      latencies.push_back(seconds_between(single.submitted, single.ended) * 1e6);
    return figures_of(latencies, took);
  }

  client::Primary& primary_;
  const RoundtripOptions& options_;
  const std::uint32_t window_;
  std::mt19937_64 random_;
  std::uint64_t watch_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Single> singles_;
  std::map<JobId, std::uint32_t> by_job_;
  std::map<JobId, Clock::time_point> early_;
  std::uint32_t outstanding_ = 0;
  Error error_{Code::ok, "", 0};
};

// One job of many tasks, watched with results; each result is compared as it arrives.
Result<Figures> measure_batched(client::Primary& primary, const RoundtripOptions& options,
                                std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Bytes> payloads;
  for (std::uint32_t i = 0; i < options.tasks; ++i)
    payloads.push_back(random_bytes(random, options.payload));

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<bool> seen(options.tasks, false);
  std::uint32_t done = 0, wrong = 0;

  JobSpec job = echo_job(payloads);
  const auto started = Clock::now();
  auto accepted = primary.submit(std::move(job), {}).get();
  if (!accepted) return fail(accepted.error());
  const auto watch =
      primary.watch({.job = accepted->job, .results = true}, [&](const Event& event) {
        if (event.kind != EventKind::task || event.task.state != TaskState::succeeded) return;
        std::lock_guard lock(mutex);
        const auto index = event.task.task.index;
        if (index >= seen.size() || seen[index]) return;
        seen[index] = true;
        if (event.task.result != payloads[index]) ++wrong;
        if (++done == seen.size()) changed.notify_all();
      });
  bool in_time = false;
  {
    std::unique_lock lock(mutex);
    in_time = changed.wait_for(lock, give_up_after, [&] { return done == seen.size(); });
  }
  const double took = seconds_between(started, Clock::now());
  primary.unwatch(watch);
  (void)primary.status().get();  // an answer behind the unwatch: no event callback runs after it
  std::lock_guard lock(mutex);
  if (!in_time)
    return fail(Code::deadline_exceeded, "only " + std::to_string(done) + " of " +
                                             std::to_string(options.tasks) +
                                             " results after 120 s");
  if (wrong > 0)
    return fail(Code::data_loss,
                std::to_string(wrong) + " results had other bytes than they were given");
  return Figures{static_cast<double>(options.tasks) / took, 0, 0, 0};
}

}  // namespace

Result<RoundtripFigures> measure_roundtrip(client::Primary& primary,
                                           const RoundtripOptions& options, std::uint64_t seed) {
  RoundtripFigures figures;
  FRAMEBUS_ASSIGN(figures.one_at_a_time, SingleJobs(primary, options, 1, seed).run());
  FRAMEBUS_ASSIGN(figures.windowed, SingleJobs(primary, options, options.window, seed + 1).run());
  FRAMEBUS_ASSIGN(figures.batched, measure_batched(primary, options, seed + 2));
  return figures;
}

}  // namespace framebus::bench
