#include "broker/core/uploads.h"

#include <algorithm>

#include "broker/core/apply.h"
#include "broker/core/blob_uses.h"
#include "broker/core/bounds.h"
#include "broker/core/digest.h"
#include "broker/core/task_manager.h"

namespace framebus::broker {
namespace {

SipHash digest_of_parts(const Upload& upload) {
  SipHasher hasher = upload.parts;
  return hasher.finish();
}

void add_to_digest(SipHasher& hasher, const UploadPart& part) {
  hasher.add_u64(part.step);
  hasher.add_u64(part.task_params.size());
  for (const Bytes& params : part.task_params) {
    hasher.add_u64(params.size());
    hasher.add(params);
  }
}

std::uint64_t bytes_of_part(const std::vector<Bytes>& task_params) {
  std::uint64_t bytes = 0;
  for (const Bytes& params : task_params) bytes += sizeof params + params.size();
  return bytes;
}

const std::string& principal_of(const State& state, SessionId session) {
  return state.sessions.at(session).principal;
}

void refuse_upload(Turn& turn, SessionId session, std::uint64_t request, const Error& error) {
  ++turn.state.counters.submits_refused;
  turn.refuse(session, request, error);
}

// Committed before: the job is the answer, whatever this message says of it.
bool answer_committed(Turn& turn, SessionId session, std::uint64_t request, const SubmitId& id) {
  State& state = turn.state;
  const auto seen = state.submits.find(id);
  if (seen == state.submits.end()) return false;
  ++state.counters.submits_repeated;
  turn.send(
      session,
      SubmitOk{request, seen->second.job, seen->second.task_count, true, state.options.ephemeral},
      seen->second.lsn);
  return true;
}

Error not_yours(const SubmitId& id) {
  return {Code::permission_denied,
          "submit id " + to_string(id) + ": this upload belongs to another client", 0};
}

// The upload that a message goes on with; else refuses it.
Upload* find_upload(Turn& turn, SessionId session, std::uint64_t request, const SubmitId& id) {
  State& state = turn.state;
  const auto entry = state.uploads.find(id);
  if (entry == state.uploads.end()) {
    refuse_upload(
        turn, session, request,
        {Code::not_found,
         "submit id " + to_string(id) +
             ": there is no such upload (it may have been dropped); begin with SubmitOpen",
         0});
    return nullptr;
  }
  if (entry->second.owner != principal_of(state, session)) {
    refuse_upload(turn, session, request, not_yours(id));
    return nullptr;
  }
  return &entry->second;
}

// The same SubmitOpen once more.
void answer_open(Turn& turn, SessionId session, const SubmitOpen& message, const Upload& upload) {
  if (upload.owner != principal_of(turn.state, session)) {
    return refuse_upload(turn, session, message.request, not_yours(message.submit_id));
  }
  if (upload.head != digest_of(message.job)) {
    return refuse_upload(turn, session, message.request,
                         {Code::already_exists,
                          "submit id " + to_string(message.submit_id) +
                              " names an open upload with another content; use a new id",
                          0});
  }
  ++turn.state.counters.submits_repeated;
  turn.send(session, SubmitOpenOk{message.request, upload.next_part}, upload.last_lsn);
}

Status check_open(State& state, const SubmitOpen& message) {
  FRAMEBUS_TRY(check_spec(state.refusals, message.job, Completeness::in_parts));
  FRAMEBUS_TRY(check_limits(state, message.job));
  FRAMEBUS_TRY(check_room(state, task_count_of(message.job), bytes_of(message.job)));
  if (state.uploads.size() < limits::uploads_max) return {};
  return fail(refuse_bound(state.refusals, Bound::uploads, limits::uploads_max,
                           state.uploads.size() + 1, "SubmitOpen"));
}

Error wrong(std::string message) {
  return {Code::invalid_argument, std::move(message), 0};
}

Status check_part(State& state, const Upload& upload, const SubmitPart& message) {
  if (message.part != upload.next_part) {
    return fail(Code::failed_precondition, "part: found " + std::to_string(message.part) +
                                               ", expected is " + std::to_string(upload.next_part));
  }
  if (message.part > limits::upload_parts_max) {
    return fail(refuse_bound(state.refusals, Bound::upload_parts, limits::upload_parts_max,
                             message.part, "part"));
  }
  if (message.step >= upload.spec.steps.size()) {
    return fail(wrong("step: found " + std::to_string(message.step) + ", the job has " +
                      std::to_string(upload.spec.steps.size()) + ", counted from 0"));
  }
  const StepSpec& step = upload.spec.steps[message.step];
  const std::uint64_t found = step.task_params.size() + message.task_params.size();
  if (found > step.task_count || !step.axes.empty()) {
    return fail(wrong("task_params: step " + std::to_string(message.step) + " would have " +
                      std::to_string(found) + " entries, allowed are " +
                      std::to_string(step.axes.empty() ? step.task_count : 0)));
  }
  for (const Bytes& params : message.task_params) {
    if (params.size() <= limits::task_spec_bytes_max) continue;
    return fail(refuse_bound(state.refusals, Bound::task_spec_bytes, limits::task_spec_bytes_max,
                             params.size(), "task_params"));
  }
  return check_room(state, 0, bytes_of_part(message.task_params));
}

Status check_commit(State& state, const Upload& upload, const SubmitCommit& message) {
  if (message.parts != upload.next_part - 1) {
    return fail(Code::failed_precondition,
                "parts: found " + std::to_string(message.parts) + ", recorded are " +
                    std::to_string(upload.next_part - 1) + "; send the rest, then commit again");
  }
  const SipHash digest = digest_of_parts(upload);
  if (!std::equal(digest.begin(), digest.end(), message.digest.begin(), message.digest.end())) {
    return fail(wrong("digest: the parts recorded here have " +
                      to_hex(digest.data(), digest.size()) +
                      "; they differ from those that were to be sent"));
  }
  FRAMEBUS_TRY(check_spec(state.refusals, upload.spec));
  FRAMEBUS_TRY(check_limits(state, upload.spec));
  return check_room(state, task_count_of(upload.spec), 0);
}

// What was looked for may be more than the upload names (Intake::inputs_of_commit).
std::vector<BlobRef> named_by(const JobSpec& spec, const std::vector<BlobRef>& missing) {
  std::vector<BlobRef> named;
  for (const BlobRef& blob : missing) {
    const bool is_named = std::any_of(spec.steps.begin(), spec.steps.end(), [&](const auto& step) {
      return std::any_of(step.inputs.begin(), step.inputs.end(),
                         [&](const BlobRef& input) { return input.hash == blob.hash; });
    });
    if (is_named) named.push_back(blob);
  }
  return named;
}

void drop_upload(Turn& turn, const SubmitId& id, const std::string& why) {
  ++turn.state.counters.uploads_dropped;
  turn.note(2, "upload " + to_string(id) + " is dropped: " + why);
  turn.persist(UploadDropped{id});
}

void arm_drop(State& state, TimePoint from) {
  state.timers.arm({from + state.options.upload_kept, TimerKind::drop_uploads, {}, {}, 0, 0});
}

}  // namespace

void on_submit_open(Turn& turn, SessionId session, const SubmitOpen& message) {
  State& state = turn.state;
  const SubmitId& id = message.submit_id;
  if (id.is_none()) {
    return refuse_upload(turn, session, message.request,
                         wrong("submit_id: is absent, 128 random bits are needed"));
  }
  if (answer_committed(turn, session, message.request, id)) return;
  const auto known = state.uploads.find(id);
  if (known != state.uploads.end()) return answer_open(turn, session, message, known->second);
  if (const Status valid = check_open(state, message); !valid) {
    return refuse_upload(turn, session, message.request, valid.error());
  }
  ++state.counters.uploads_opened;
  const std::uint64_t lsn =
      turn.persist(UploadOpened{id, principal_of(state, session), message.job});
  turn.send(session, SubmitOpenOk{message.request, 1}, lsn);
}

void on_submit_part(Turn& turn, SessionId session, const SubmitPart& message) {
  State& state = turn.state;
  Upload* upload = find_upload(turn, session, message.request, message.submit_id);
  if (upload == nullptr) return;
  if (message.part > 0 && message.part < upload->next_part) {
    turn.send(session, SubmitPartOk{message.request, message.part}, upload->last_lsn);
    return;
  }
  if (const Status valid = check_part(state, *upload, message); !valid) {
    return refuse_upload(turn, session, message.request, valid.error());
  }
  const std::uint64_t lsn =
      turn.persist(UploadPart{message.submit_id, message.part, message.step, message.task_params});
  turn.send(session, SubmitPartOk{message.request, message.part}, lsn);
}

void on_submit_commit(Turn& turn, SessionId session, const SubmitCommit& message,
                      const std::vector<BlobRef>& missing) {
  State& state = turn.state;
  if (answer_committed(turn, session, message.request, message.submit_id)) return;
  const Upload* upload = find_upload(turn, session, message.request, message.submit_id);
  if (upload == nullptr) return;
  if (const Status valid = check_commit(state, *upload, message); !valid) {
    return refuse_upload(turn, session, message.request, valid.error());
  }
  if (std::vector<BlobRef> needed = named_by(upload->spec, missing); !needed.empty()) {
    turn.send(session, InputsMissing{message.request, std::move(needed)});
    return;
  }
  const JobId id{state.next_job};
  const auto count = static_cast<std::uint32_t>(task_count_of(upload->spec));
  const std::uint64_t lsn =
      turn.persist(JobAccepted{id, message.submit_id, upload->owner, {}, true});
  ++state.counters.jobs_accepted;
  turn.note(1, "job " + to_string(id) + " '" + state.find_job(id)->spec.name + "' accepted in " +
                   std::to_string(message.parts) + " parts: " + std::to_string(count) + " tasks");
  turn.send(session, SubmitOk{message.request, id, count, false, state.options.ephemeral}, lsn);
}

std::vector<BlobRef> inputs_of_upload(const State& state, const SubmitId& id) {
  std::vector<BlobRef> inputs;
  const auto upload = state.uploads.find(id);
  if (upload == state.uploads.end()) return inputs;
  for (const StepSpec& step : upload->second.spec.steps) {
    inputs.insert(inputs.end(), step.inputs.begin(), step.inputs.end());
  }
  return inputs;
}

void adopt_uploads(State& state, const std::string& principal) {
  for (auto& [id, upload] : state.uploads) {
    if (upload.owner == principal) upload.orphaned_at = {};
  }
}

void orphan_uploads(State& state, const std::string& principal) {
  for (auto& [id, upload] : state.uploads) {
    if (upload.owner != principal) continue;
    upload.orphaned_at = state.now;
    arm_drop(state, state.now);
  }
}

void on_uploads_due(Turn& turn) {
  std::vector<SubmitId> due;
  for (const auto& [id, upload] : turn.state.uploads) {
    const bool is_orphan = upload.orphaned_at != TimePoint{};
    if (is_orphan && upload.orphaned_at + turn.state.options.upload_kept <= turn.now()) {
      due.push_back(id);
    }
  }
  for (const SubmitId& id : due) {
    drop_upload(turn, id,
                "its owner has had no connection for " +
                    std::to_string(to_ms(turn.state.options.upload_kept)) + " ms");
  }
}

void begin_uploads(State& state) {
  for (auto& [id, upload] : state.uploads) {
    upload.orphaned_at = state.now;
    state.open_spec_bytes += upload.bytes;
    arm_drop(state, state.now);
  }
}

void apply_upload(State& state, const UploadOpened& record) {
  Upload& upload = state.uploads[record.submit_id];
  upload.owner = record.owner;
  upload.spec = record.spec;
  upload.head = digest_of(record.spec);
  upload.bytes = bytes_of(record.spec);
  upload.last_lsn = state.lsn;
  use_inputs(state, upload.spec);
  if (state.began) state.open_spec_bytes += upload.bytes;
}

void apply_upload(State& state, const UploadPart& record) {
  Upload& upload = state.uploads.at(record.submit_id);
  FRAMEBUS_CHECK(record.part == upload.next_part, "parts of an upload come in order");
  ++upload.next_part;
  add_to_digest(upload.parts, record);
  std::vector<Bytes>& params = upload.spec.steps.at(record.step).task_params;
  params.insert(params.end(), record.task_params.begin(), record.task_params.end());
  const std::uint64_t bytes = bytes_of_part(record.task_params);
  upload.bytes += bytes;
  upload.last_lsn = state.lsn;
  if (state.began) state.open_spec_bytes += bytes;
}

void apply_upload(State& state, const UploadDropped& record) {
  const auto entry = state.uploads.find(record.submit_id);
  if (entry == state.uploads.end()) return;  // its records are compacted away
  release_inputs(state, entry->second.spec);
  if (state.began) state.open_spec_bytes -= entry->second.bytes;
  state.uploads.erase(entry);
}

}  // namespace framebus::broker
