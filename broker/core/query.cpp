#include "broker/core/query.h"

#include <algorithm>

#include "broker/core/archive.h"
#include "broker/core/filter.h"
#include "broker/core/job_image.h"
#include "broker/core/lease.h"
#include "broker/core/scheduler.h"
#include "broker/core/sticky.h"
#include "broker/core/summary.h"

namespace framebus::broker {
namespace {

// Pages are small, so that whoever asks for long lists holds up nobody: about a millisecond each.
constexpr std::size_t page_bytes_max = 256 * limits::KiB;
constexpr std::size_t spec_bytes_max = 4 * limits::MiB;

std::size_t weight(const TaskSummary& task) {
  std::size_t bytes = 96 + task.result.size() + task.log_tail.size() + task.error.message.size() +
                      task.status.size() + task.blobs.size() * 80;
  for (const AttemptSummary& attempt : task.attempts) bytes += 128 + attempt.error.message.size();
  for (const ErrorSummary& each : task.errors) {
    bytes += 32 + each.error.message.size() + each.log_tail.size();
  }
  for (const BlobRef& blob : task.blobs) bytes += blob.name.size();
  return bytes;
}
std::size_t weight(const JobSummary& job) {
  std::size_t bytes = 256 + job.name.size() + job.owner.size() + job.first_error.message.size();
  for (const StepSummary& step : job.steps) bytes += 32 + step.name.size() + step.type.size();
  return bytes;
}
std::size_t weight(const WorkerSummary& worker) {
  const WorkerInfo& info = worker.info;
  std::size_t bytes = 512 + info.host.size() + info.address.size() + worker.reason.size();
  for (const DeviceInfo& device : info.devices) {
    bytes += 96 + device.kind.size() + device.uuid.size() + device.pci_id.size() +
             device.name.size() + device.driver.size();
  }
  for (const std::string& command : info.commands) bytes += 8 + command.size();
  for (const Label& label : info.labels) bytes += 16 + label.key.size() + label.value.size();
  for (const std::string& type : worker.info.task_types) bytes += 8 + type.size();
  return bytes;
}
std::size_t weight(const Explanation& line) {
  return 64 + line.worker_name.size() + line.detail.size();
}

// Fills one page from `total` elements; `make(i)` gives the i-th.
template <class Element, class Make>
void fill_page(const Query& message, QueryReply& reply, std::vector<Element>& list,
               std::uint32_t total, Make&& make) {
  reply.total = total;
  const std::uint32_t wanted = message.limit == 0 ? total : message.limit;
  std::size_t bytes = 0;
  std::uint32_t at = message.offset;
  for (; at < total && list.size() < wanted; ++at) {
    Element element = make(at);
    bytes += weight(element);
    if (bytes > page_bytes_max && !list.empty()) break;
    list.push_back(std::move(element));
  }
  reply.next_offset = at < total ? at : 0;
}

void fill_jobs(const State& state, const Query& message, QueryReply& reply) {
  auto next = state.jobs.rbegin();  // newest first, without what was read back from the archive
  std::uint32_t at = 0;
  const auto total = static_cast<std::uint32_t>(state.jobs.size()) - state.archive.copies;
  fill_page(message, reply, reply.jobs, total, [&](std::uint32_t wanted) {
    while (next->second.from_archive) ++next;
    for (; at < wanted; ++at) {
      do ++next;
      while (next->second.from_archive);
    }
    return summarize_job(state, next->second);
  });
}

// Workers in the order of their ids, one element each.
template <class Element, class Make>
void fill_workers(const State& state, const Query& message, QueryReply& reply,
                  std::vector<Element>& list, Make&& make) {
  auto next = state.workers.begin();
  std::uint32_t at = 0;
  fill_page(message, reply, list, static_cast<std::uint32_t>(state.workers.size()),
            [&](std::uint32_t wanted) {
              for (; at < wanted; ++at) ++next;
              return make(next->second);
            });
}

Result<const Job*> job_of(const State& state, const Query& message, bool with_task) {
  const Job* job = state.find_job(message.task.job);
  if (job == nullptr) {
    return fail(Code::not_found,
                "job " + to_string(message.task.job) + ": there is no such job here");
  }
  if (with_task && message.task.index >= job->tasks.size()) {
    return fail(Code::not_found, "task " + to_string(message.task) + ": the job has " +
                                     std::to_string(job->tasks.size()) + " tasks, counted from 0");
  }
  return job;
}

Status fill_of_job(const State& state, const Query& message, QueryReply& reply) {
  FRAMEBUS_ASSIGN(const Job* job, job_of(state, message, message.kind == QueryKind::explain));
  switch (message.kind) {
    case QueryKind::job:
      reply.total = 1;
      reply.jobs.push_back(summarize_job(state, *job));
      break;
    case QueryKind::tasks:
      fill_page(message, reply, reply.tasks, static_cast<std::uint32_t>(job->tasks.size()),
                [&](std::uint32_t index) {
                  return summarize_task(state, *job, index, message.limit == 1 ? Detail::whole
                                                                               : Detail::result);
                });
      break;
    case QueryKind::spec:
      reply.total = 1;
      // A job that came in parts may not fit one message: then without what its tasks differ in.
      reply.spec = job->spec_bytes > spec_bytes_max ? spec_head(job->spec) : job->spec;
      break;
    default:
      reply.tasks.push_back(summarize_task(state, *job, message.task.index, Detail::whole));
      fill_workers(state, message, reply, reply.explanations, [&](const Worker& worker) {
        return explain(state, *job, message.task.index, worker);
      });
  }
  return {};
}

Status fill(const State& state, const Query& message, QueryReply& reply) {
  switch (message.kind) {
    case QueryKind::status:
      reply.total = 1;
      reply.status = summarize_broker(state);
      return {};
    case QueryKind::jobs:
      fill_jobs(state, message, reply);
      return {};
    case QueryKind::workers:
      fill_workers(state, message, reply, reply.workers,
                   [&](const Worker& worker) { return summarize_worker(state, worker); });
      return {};
    case QueryKind::job:
    case QueryKind::tasks:
    case QueryKind::explain:
    case QueryKind::spec:
      return fill_of_job(state, message, reply);
    default:
      return fail(
          Code::invalid_argument,
          "kind: found " + std::to_string(static_cast<int>(message.kind)) + ", allowed are 1 to 8");
  }
}

}  // namespace

Explanation explain(const State& state, const Job& job, std::uint32_t index, const Worker& worker) {
  const StepSpec& spec = job.spec.steps[job.step_of(index)];
  Explanation out;
  out.worker = worker.info.id;
  out.worker_name = worker.name;
  const auto because = [&](std::string_view filter, std::string detail) {
    out.filter = filter;
    out.detail = std::move(detail);
    return out;
  };
  if (const auto failure = first_failure(worker.info, spec.type, spec.requires_)) {
    return because(failure->filter, failure->detail);
  }
  if (!worker.is_connected()) return because("connection", "not connected");
  if (worker.state == SessionState::suspect) return because("suspect", "no heartbeat for a while");
  if (worker.state == SessionState::draining) {
    return because("draining", why_draining(worker));
  }
  if (worker.loading > 0) return because("loading", why_loading(worker));
  if (is_excluded(job, spec.type, worker.info.id)) {
    return because("excluded", "failed " + std::to_string(exclude_after) + " times or more at '" +
                                   spec.type + "' of this job");
  }
  const bool is_queued = job.tasks[index].state == TaskState::queued;
  const bool is_free = worker.has_idle_slot() && worker.alone == 0;
  if (is_queued && runs_alone(job.detail_of(index)) && !is_free) {
    return because("credit", "it waits for an idle slot: its workers were lost before it started");
  }
  if (worker.free_credit() == 0) {
    const std::string held = "busy: holds " +
                             std::to_string(worker.in_flight() + worker.strangers) + " of the " +
                             std::to_string(worker.credit) + " tasks it takes";
    return because("credit", worker.reason.empty() ? held : held + ": " + worker.reason);
  }
  out.eligible = true;
  if (job.tasks[index].state != TaskState::queued) {
    out.detail = "the task is " + std::string(word(job.tasks[index].state));
  } else if (job.spec.max_parallel > 0 && job.in_flight >= job.spec.max_parallel) {
    out.detail =
        "the job's max_parallel of " + std::to_string(job.spec.max_parallel) + " is reached";
  } else {
    out.detail = "may be granted; others go first";
  }
  for (const auto& [limit, amount] : job.steps[job.step_of(index)].limits) {
    const Limit& named = state.limits[limit];
    if (named.used + amount <= named.amount) continue;
    out.detail = "the limit '" + named.name + "' is used up: " + std::to_string(named.used) +
                 " of " + std::to_string(named.amount);
  }
  return out;
}

void on_query(Turn& turn, SessionId session, const Query& message) {
  if (message.kind == QueryKind::archive) return on_list_archived(turn, session, message);
  QueryReply reply;
  reply.request = message.request;
  if (const Status filled = fill(turn.state, message, reply); !filled) {
    return turn.refuse(session, message.request, filled.error().code, filled.error().message);
  }
  // What is told may rest on any record so far.
  turn.send(session, std::move(reply), turn.state.lsn);
}

}  // namespace framebus::broker
