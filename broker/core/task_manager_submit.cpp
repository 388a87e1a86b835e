// Submits: idempotent by submit id, bounded, refused with the bound, the value found and when to
// come back (row 1).
#include <algorithm>

#include "broker/core/archive.h"
#include "broker/core/digest.h"
#include "broker/core/task_manager.h"

namespace framebus::broker {
namespace {

constexpr std::int64_t full_retry_ms = 5'000;

}  // namespace

std::uint64_t task_count_of(const JobSpec& spec) {
  std::uint64_t count = 0;
  for (const StepSpec& step : spec.steps) count += step.task_count;
  return count;
}

Status check_limits(const State& state, const JobSpec& spec) {
  for (std::size_t index = 0; index < spec.steps.size(); ++index) {
    const std::string at = "job.steps[" + std::to_string(index) + "].limits: ";
    std::vector<std::string> seen;
    for (const NamedLimit& wanted : spec.steps[index].limits) {
      const auto& all = state.options.named_limits;
      const auto has = std::find_if(
          all.begin(), all.end(), [&](const NamedLimit& each) { return each.name == wanted.name; });
      if (has == all.end()) {
        std::string known;
        for (const NamedLimit& each : all) known += (known.empty() ? "" : ", ") + each.name;
        return fail(Code::invalid_argument, at + "'" + wanted.name +
                                                "' is not configured in the broker; configured: " +
                                                (known.empty() ? "none" : known));
      }
      if (wanted.amount == 0 || wanted.amount > has->amount) {
        return fail(Code::invalid_argument,
                    at + "'" + wanted.name + "' wants " + std::to_string(wanted.amount) +
                        ", allowed are 1 to " + std::to_string(has->amount));
      }
      if (std::find(seen.begin(), seen.end(), wanted.name) != seen.end()) {
        return fail(Code::invalid_argument, at + "names '" + wanted.name + "' twice");
      }
      seen.push_back(wanted.name);
    }
  }
  return {};
}

Status check_store(State& state, std::string_view what) {
  if (!state.store_full) return {};
  ++state.counters.refused_store_full;
  return fail(Code::resource_exhausted,
              "the broker's store is short of space (" + state.store_detail +
                  "); results are still taken, " + std::string(what) + " is not",
              full_retry_ms);
}

Status check_room(State& state, std::uint64_t more_tasks, std::uint64_t more_bytes,
                  std::uint64_t more_outcome_bytes, std::string_view what) {
  const std::string adds = std::string(what) + " adds ";
  const std::uint64_t tasks = state.open_tasks + more_tasks;
  if (tasks > state.options.queued_tasks_max) {
    return fail(refuse_bound(state.refusals, Bound::queued_tasks, state.options.queued_tasks_max,
                             tasks, adds + std::to_string(more_tasks)));
  }
  const std::uint64_t bytes = state.open_spec_bytes + more_bytes;
  if (bytes > state.options.queued_spec_bytes_max) {
    return fail(refuse_bound(state.refusals, Bound::queued_spec_bytes,
                             state.options.queued_spec_bytes_max, bytes,
                             adds + std::to_string(more_bytes)));
  }
  // Results are never refused, so that what they keep may pass the bound: then by new work it does
  // not grow.
  const std::uint64_t outcomes = state.open_outcome_bytes + more_outcome_bytes;
  if (outcomes > state.options.outcome_bytes_max) {
    return fail(refuse_bound(state.refusals, Bound::outcome_bytes, state.options.outcome_bytes_max,
                             outcomes, "open jobs have to end first"));
  }
  FRAMEBUS_TRY(check_store(state, what));
  return check_archive_keeps_up(state);
}

namespace {

void refuse_submit(Turn& turn, SessionId session, const Submit& submit, const Error& error) {
  ++turn.state.counters.submits_refused;
  turn.refuse(session, submit.request, error.code, error.message, error.retry_after_ms);
}

// The same submit id once more.
void answer_repeat(Turn& turn, SessionId session, const Submit& submit, const SubmitSeen& seen) {
  if (digest_of(submit.job) != seen.digest) {
    return refuse_submit(
        turn, session, submit,
        {Code::already_exists,
         "submit id " + to_string(submit.submit_id) + " was used for job " + to_string(seen.job) +
             " with another content; use a new id for a new job",
         0});
  }
  ++turn.state.counters.submits_repeated;
  turn.send(session,
            SubmitOk{submit.request, seen.job, seen.task_count, true, turn.state.options.ephemeral},
            seen.lsn);
}

}  // namespace

void on_submit(Turn& turn, SessionId session, const Submit& submit,
               const std::vector<BlobRef>& missing) {
  State& state = turn.state;
  if (submit.submit_id.is_none()) {
    return refuse_submit(
        turn, session, submit,
        {Code::invalid_argument, "submit_id: is absent, 128 random bits are needed", 0});
  }
  const auto seen = state.submits.find(submit.submit_id);
  if (seen != state.submits.end()) return answer_repeat(turn, session, submit, seen->second);
  if (state.uploads.contains(submit.submit_id)) {
    return refuse_submit(turn, session, submit,
                         {Code::already_exists,
                          "submit id " + to_string(submit.submit_id) +
                              " names an upload that is open; commit it, or use a new id",
                          0});
  }
  Status valid = check_spec(state.refusals, submit.job);
  if (valid) valid = check_limits(state, submit.job);
  if (valid) valid = check_room(state, task_count_of(submit.job), bytes_of(submit.job));
  if (!valid) return refuse_submit(turn, session, submit, valid.error());
  if (!missing.empty()) {
    turn.send(session, InputsMissing{submit.request, missing});
    return;
  }
  const JobId id{state.next_job};
  const auto count = static_cast<std::uint32_t>(task_count_of(submit.job));
  const std::uint64_t lsn = turn.persist(
      JobAccepted{id, submit.submit_id, state.sessions.at(session).principal, submit.job, false});
  ++state.counters.jobs_accepted;
  turn.note(1, "job " + to_string(id) + " '" + submit.job.name +
                   "' accepted: " + std::to_string(count) + " tasks");
  turn.send(session, SubmitOk{submit.request, id, count, false, state.options.ephemeral}, lsn);
}

}  // namespace framebus::broker
