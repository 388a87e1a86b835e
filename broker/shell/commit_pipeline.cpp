// See commit_pipeline.h.
#include "broker/shell/commit_pipeline.h"

#include "libmsg/base/check.h"

namespace framebus::broker {
namespace {

// The record after which an action may be carried out; `made_lsn`: the last one made before it.
std::uint64_t after_lsn_of(const Action& action, std::uint64_t made_lsn) {
  if (const auto* send = std::get_if<Send>(&action)) return send->after_lsn;
  if (const auto* archive = std::get_if<Archive>(&action)) return archive->after_lsn;
  // Behind every message that was sent before.
  if (std::holds_alternative<CloseSession>(action)) return made_lsn;
  // Tell that an attempt is over, or destroy what a job that comes back would need.
  if (std::holds_alternative<LogEnded>(action)) return made_lsn;
  if (const auto* read = std::get_if<ReadLog>(&action)) return read->open ? 0 : made_lsn;
  if (std::holds_alternative<DropLogs>(action)) return made_lsn;
  if (std::holds_alternative<DropBlobs>(action)) return made_lsn;
  return 0;
}

}  // namespace

CommitPipeline::CommitPipeline(Store& store)
    : store_(store), made_lsn_(store.last_lsn()), durable_lsn_(made_lsn_) {}

Status CommitPipeline::append(TimePoint at, Actions&& actions) {
  Batch batch{at, made_lsn_, {}};
  for (Action& action : actions) {
    if (auto* persist = std::get_if<Persist>(&action)) {
      FRAMEBUS_CHECK(persist->lsn == batch.last_lsn + 1,
                     "the core's and the store's numbers have parted");
      batch.last_lsn = persist->lsn;
      batch.records.push_back(std::move(persist->record));
      continue;
    }
    const std::uint64_t after_lsn = after_lsn_of(action, batch.last_lsn);
    FRAMEBUS_CHECK(after_lsn <= batch.last_lsn, "an action waits for a record that was never made");
    waiting_.push_back({after_lsn, std::move(action)});
    ++counters_.taken;
  }
  actions.clear();
  if (batch.records.empty()) return {};
  made_lsn_ = batch.last_lsn;
  bool taken = false;
  if (turned_away_.empty()) FRAMEBUS_TRY(offer(batch, taken));
  if (!taken) {
    ++counters_.turned_away;
    turned_away_.push_back(std::move(batch));
  }
  return {};
}

Status CommitPipeline::offer(Batch& batch, bool& taken) {
  const Status appended = store_.append(batch.at, std::move(batch.records));
  taken = appended.has_value();
  if (!taken && appended.error().code == Code::resource_exhausted) return {};
  if (!taken)
    return fail(appended.error().context("append records up to " + std::to_string(batch.last_lsn)));
  FRAMEBUS_CHECK(store_.last_lsn() == batch.last_lsn, "the store counts its records differently");
  ++counters_.batches;
  return {};
}

Status CommitPipeline::offer_again() {
  while (!turned_away_.empty()) {
    bool taken = false;
    FRAMEBUS_TRY(offer(turned_away_.front(), taken));
    if (!taken) return {};
    turned_away_.pop_front();
  }
  return {};
}

Result<std::optional<Synced>> CommitPipeline::poll() {
  FRAMEBUS_TRY(offer_again());
  const auto durable = store_.durable();
  if (!durable)
    return fail(durable.error().context("sync records up to " + std::to_string(made_lsn_)));
  FRAMEBUS_CHECK(*durable <= made_lsn_ && *durable >= durable_lsn_,
                 "the store forgets what was durable, or invents records");
  if (*durable == durable_lsn_) return std::optional<Synced>();
  durable_lsn_ = *durable;
  known_to_wait_ = 0;
  return std::optional<Synced>(Synced{durable_lsn_});
}

Status CommitPipeline::finish() {
  do {
    if (const Status synced = store_.sync(); !synced)
      return fail(synced.error().context("sync records up to " + std::to_string(made_lsn_)));
    FRAMEBUS_TRY(poll());
  } while (durable_lsn_ < made_lsn_);
  return {};
}

void CommitPipeline::release(const std::function<void(Action&&)>& carry_out) {
  std::size_t kept = known_to_wait_;
  for (std::size_t next = known_to_wait_; next < waiting_.size(); ++next) {
    if (waiting_[next].after_lsn <= durable_lsn_) {
      ++counters_.released;
      carry_out(std::move(waiting_[next].action));
    } else {
      if (kept != next) waiting_[kept] = std::move(waiting_[next]);
      ++kept;
    }
  }
  waiting_.resize(kept);
  known_to_wait_ = kept;
}

}  // namespace framebus::broker
