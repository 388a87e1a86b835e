// See carrier.h.
#include "broker/shell/carrier.h"

#include <algorithm>
#include <iterator>

#include "broker/core/state.h"
#include "libmsg/base/check.h"
#include "libmsg/base/log.h"
#include "libmsg/schema/wire_error.h"

namespace framebus::broker {
namespace {

constexpr const char* no_archive = "this broker keeps no archive (archive, ephemeral)";

}  // namespace

Carrier::Carrier(Delivery& delivery, LogKeeper& logs, Archivist* archivist,
                 BlobCollector* collector, const StatusCounters& counters, const Core& core)
    : delivery_(delivery),
      logs_(logs),
      archivist_(archivist),
      collector_(collector),
      counters_(counters),
      core_(core) {}

void Carrier::carry_out(Action&& action) {
  std::visit([this](auto&& each) { run(std::move(each)); }, std::move(action));
}

void Carrier::run(Persist&&) {
  FRAMEBUS_CHECK(false, "records go to the store, not to the carrier");
}

void Carrier::run(Send&& action) {
  // The core knows nothing of sockets and disks; their counters join its own here.
  if (auto* reply = std::get_if<QueryReply>(&action.message);
      reply && !reply->status.version.empty())
    counters_.add_to(reply->status);
  delivery_.send(action.session, action.message);
}

void Carrier::run(CloseSession&& action) {
  delivery_.close(action.session, action.reason);
  session_gone(action.session);
}

void Carrier::run(Note&& action) {
  constexpr LogLevel levels[] = {LogLevel::debug, LogLevel::info, LogLevel::warning,
                                 LogLevel::error};
  write_log(levels[static_cast<std::size_t>(std::clamp(action.level, 0, 3))], "core", action.text);
}

void Carrier::run(Archive&& action) {
  if (archivist_) return archivist_->put(std::move(action));
  answers_.push_back(Archived{action.piece.job, action.piece.first_task, no_archive});
}

void Carrier::run(LoadArchived&& action) {
  if (archivist_) return archivist_->load(action);
  answers_.push_back(ArchiveLoaded{action.job, {}, no_archive});
}

void Carrier::run(ListArchived&& action) {
  if (archivist_) return archivist_->list(action);
  delivery_.send(action.session,
                 error_reply(action.query.request, {Code::failed_precondition, no_archive, 0}));
}

void Carrier::run(DropBlobs&& action) {
  if (collector_) collector_->drop(std::move(action));
}

// A job that came back by a retry is archived anew after its next end: its logs stay. A copy in
// memory may still become one; when it is gone, so is the job.
void Carrier::drop_logs_of(const std::vector<JobId>& removed) {
  last_copies_.insert(last_copies_.end(), removed.begin(), removed.end());
  std::erase_if(last_copies_, [this](JobId id) {
    const Job* const job = core_.state().find_job(id);
    if (job != nullptr && job->archived) return false;  // that version was all there is of it
    if (job == nullptr) logs_.drop(id);
    return true;
  });
}

void Carrier::take(TimePoint now, std::vector<Event>& events) {
  std::move(answers_.begin(), answers_.end(), std::back_inserter(events));
  answers_.clear();
  for (auto& [session, message] : logs_.take()) delivery_.send(session, message);
  if (archivist_) {
    ArchivistResults results = archivist_->take();
    std::move(results.events.begin(), results.events.end(), std::back_inserter(events));
    for (auto& [session, message] : results.replies) delivery_.send(session, message);
    drop_logs_of(results.removed);
  }
  if (collector_) {
    collector_->tick(now);
    if (auto offered = collector_->take()) events.push_back(std::move(*offered));
  }
}

}  // namespace framebus::broker
