// See commit_pipeline.h.
#include "broker/shell/commit_pipeline.h"

#include "libmsg/base/check.h"

namespace framebus::broker {

CommitPipeline::CommitPipeline(Store& store)
    : store_(store), appended_lsn_(store.last_lsn()), durable_lsn_(appended_lsn_) {}

Status CommitPipeline::append(TimePoint now, Actions&& actions) {
  std::vector<Record> records;
  std::uint64_t last_lsn = appended_lsn_;
  for (Action& action : actions) {
    if (auto* persist = std::get_if<Persist>(&action)) {
      FRAMEBUS_CHECK(persist->lsn == last_lsn + 1,
                     "the core's and the store's numbers have parted");
      last_lsn = persist->lsn;
      records.push_back(std::move(persist->record));
      continue;
    }
    std::uint64_t after_lsn = 0;
    if (const auto* send = std::get_if<Send>(&action)) {
      FRAMEBUS_CHECK(send->after_lsn <= last_lsn,
                     "a message waits for a record that was never made");
      after_lsn = send->after_lsn;
    } else if (std::holds_alternative<CloseSession>(action)) {
      after_lsn = last_lsn;  // behind every message that was sent before
    }
    waiting_.push_back({after_lsn, std::move(action)});
  }
  actions.clear();
  if (records.empty()) return {};
  if (const Status appended = store_.append(now, std::move(records)); !appended)
    return fail(appended.error().context("append records up to " + std::to_string(last_lsn)));
  FRAMEBUS_CHECK(store_.last_lsn() == last_lsn, "the store counts its records differently");
  appended_lsn_ = last_lsn;
  return {};
}

Status CommitPipeline::sync() {
  if (durable_lsn_ == appended_lsn_) return {};
  auto durable = store_.durable();
  if (!durable)
    return fail(durable.error().context("sync records up to " + std::to_string(appended_lsn_)));
  durable_lsn_ = *durable;
  return {};
}

void CommitPipeline::release(const std::function<void(Action&&)>& carry_out) {
  std::deque<Waiting> still_waiting;
  for (Waiting& each : waiting_) {
    if (each.after_lsn <= durable_lsn_) {
      carry_out(std::move(each.action));
    } else {
      still_waiting.push_back(std::move(each));
    }
  }
  waiting_.swap(still_waiting);
}

}  // namespace framebus::broker
