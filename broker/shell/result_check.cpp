// See result_check.h.
#include "broker/shell/result_check.h"

#include <utility>

#include "libmsg/base/log.h"
#include "libmsg/schema/wire_error.h"

namespace framebus::broker {
namespace {

// Near enough: what a worker counts for one, too.
std::size_t bytes_of(const TaskResult& result) {
  return 256 + result.result.size() + result.log_tail.size() + result.error.message.size() +
         result.blobs.size() * 128;
}

}  // namespace

void ResultCheck::fail_for(TaskResult& result, const BlobRef& blob, const std::string& what) {
  ++counters_.without_blob;
  log_warning("intake", "a result names a blob that can not be had; the attempt counts as failed",
              {{"task", to_string(result.task)}, {"blob", to_string(blob.hash)}, {"why", what}});
  result.outcome = Outcome::error;
  result.error =
      to_wire({Code::unavailable,
               "result blob " + to_string(blob.hash) + " (\"" + blob.name + "\") " + what, 0});
  result.permanent = false;
  result.result.clear();
  result.blobs.clear();
}

// A record that names a blob is made only when the blob is stored.
ResultCheck::Finding ResultCheck::look(TaskResult& result, bool is_last_time) {
  for (const BlobRef& blob : result.blobs) {
    const auto is_there = blobs_.has(blob.hash);
    if (is_there && *is_there) continue;
    if (!is_there && !is_last_time) return Finding::not_known;
    const BlobRef named = blob;  // the result's own are gone in a moment
    fail_for(result, named,
             is_there ? "is not stored at the broker"
                      : "can not be read at the broker: " + is_there.error().message);
    break;
  }
  return Finding::told;
}

Status ResultCheck::check(SessionId session, Results& results, TimePoint now) {
  std::vector<TaskResult> told;
  std::vector<Kept> unknown;
  std::size_t bytes = kept_bytes_;
  for (TaskResult& result : results.results) {
    if (look(result, false) == Finding::told) {
      told.push_back(std::move(result));
      continue;
    }
    const std::size_t own = bytes_of(result);
    bytes += own;
    unknown.push_back({session, std::move(result), own, now + patience});
  }
  results.results = std::move(told);
  if (unknown.empty()) return {};
  if (const std::size_t count = kept_.size() + unknown.size(); count > kept_max)
    return fail(refuse_bound(refusals_, Bound::result_lookups, kept_max, count));
  if (bytes > kept_bytes_max)
    return fail(refuse_bound(refusals_, Bound::result_lookup_bytes, kept_bytes_max, bytes));
  if (kept_.empty()) next_ask_ = now + ask_again;
  counters_.put_off += unknown.size();
  kept_bytes_ = bytes;
  for (Kept& each : unknown) kept_.push_back(std::move(each));
  return {};
}

std::vector<ResultCheck::Known> ResultCheck::ask(TimePoint now) {
  next_ask_ = now + ask_again;
  std::vector<Known> known;
  forget_unless([&](Kept& each) {
    if (look(each.result, now >= each.until) == Finding::not_known) return true;
    const bool is_same = !known.empty() && known.back().session == each.session &&
                         known.back().results.results.size() < limits::results_per_message_max;
    if (!is_same) known.push_back({each.session, {}});
    known.back().results.results.push_back(std::move(each.result));
    return false;
  });
  return known;
}

}  // namespace framebus::broker
