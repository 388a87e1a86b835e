#include "tests/sim/saboteur.h"

#include <algorithm>

#include "broker/core/token.h"
#include "libmsg/base/siphash.h"

namespace framebus::sim {
namespace {

template <class T>
T* as(Message& message) {
  return std::get_if<T>(&message);
}

SipHash digest_of(const SubmitPart& part) {
  SipHasher hasher(SipKey{});
  hasher.add_u64(part.step);
  hasher.add_u64(part.task_params.size());
  for (const Bytes& params : part.task_params) {
    hasher.add_u64(params.size());
    hasher.add(params);
  }
  return hasher.finish();
}

}  // namespace

int Saboteur::replays(broker::Record& record) {
  if (bug_ == Bug::forgotten_cancel) {
    const auto* acted = std::get_if<broker::JobActed>(&record);
    if (acted != nullptr && acted->deed == broker::Deed::cancel) return 0;
  }
  if (bug_ == Bug::reset_counters)
    if (auto* ended = std::get_if<broker::AttemptEnded>(&record))
      ended->blame = broker::Blame::none;
  if (bug_ == Bug::dropped_in_compaction && std::holds_alternative<broker::TaskEnded>(record))
    return random_.happens(30) ? 0 : 1;
  if (bug_ == Bug::lost_upload_part && std::holds_alternative<broker::UploadPart>(record))
    return random_.happens(300) ? 0 : 1;
  if (bug_ == Bug::forgotten_grants && std::holds_alternative<broker::TaskGranted>(record))
    return random_.happens(30) ? 0 : 1;
  if (bug_ == Bug::repeated_in_replay && std::holds_alternative<broker::AttemptEnded>(record))
    return random_.happens(100) ? 2 : 1;
  return 1;
}

bool Saboteur::receive(Message& message, const WorkerId& worker, const Bytes& key) {
  if (bug_ == Bug::dropped_results && as<Results>(message) && random_.happens(50)) return false;
  if (auto* results = as<Results>(message)) {
    results_[worker] += static_cast<std::uint32_t>(results->results.size());
    if (bug_ == Bug::swapped_results && results->results.size() > 1)
      std::swap(results->results.front().result, results->results.back().result);
  }
  if (auto* beat = as<Heartbeat>(message)) {
    receive_beat(*beat, worker);
    if (bug_ == Bug::unchecked_mac)
      for (AttemptStatus& status : beat->attempts)
        status.token = broker::make_token(broker::token_key(key), status.task, status.token.epoch,
                                          status.token.grant, worker);
  }
  if (auto* part = as<SubmitPart>(message)) receive_part(*part);
  if (auto* watch = as<Watch>(message))
    if (bug_ == Bug::cursor_off_by_one && watch->from.lsn > 0) ++watch->from.lsn;
  if (bug_ == Bug::mixed_logs)
    if (auto* log = as<Log>(message))
      if (log->chunks.size() > 1) std::swap(log->chunks.front().bytes, log->chunks.back().bytes);
  return true;
}

void Saboteur::receive_beat(Heartbeat& beat, const WorkerId& worker) {
  if (bug_ == Bug::credit_leak) beat.credit -= std::min(beat.credit, results_[worker] / 4);
}

void Saboteur::receive_part(SubmitPart& part) {
  if (bug_ != Bug::doubled_part) return;
  std::set<std::uint32_t>& seen = parts_[part.submit_id];
  if (!seen.insert(part.part).second) part.part = *seen.rbegin() + 1;
}

std::optional<Message> Saboteur::echo(const Message& message) {
  if (bug_ != Bug::early_upload) return std::nullopt;
  const auto* part = std::get_if<SubmitPart>(&message);
  if (part == nullptr || part->part != 1) return std::nullopt;
  const SipHash digest = digest_of(*part);
  return SubmitCommit{part->request, part->submit_id, 1, Bytes(digest.begin(), digest.end())};
}

void Saboteur::act(broker::Action& action) {
  if (auto* piece = std::get_if<broker::Archive>(&action); piece && bug_ == Bug::early_archive)
    piece->after_lsn = 0;
  auto* send = std::get_if<broker::Send>(&action);
  if (send == nullptr) return;
  const bool is_abort = std::holds_alternative<Abort>(send->message);
  const bool is_results_ok = std::holds_alternative<ResultsOk>(send->message);
  if (bug_ == Bug::early_replies || (bug_ == Bug::overtaking_aborts && is_abort) ||
      (bug_ == Bug::early_results_ok && is_results_ok) ||
      (bug_ == Bug::early_rejections && std::holds_alternative<ResultRejected>(send->message)))
    send->after_lsn = 0;
  const auto* told = std::get_if<Events>(&send->message);
  if (bug_ == Bug::overtaking_events && told != nullptr &&
      std::all_of(told->events.begin(), told->events.end(),
                  [](const Event& event) { return event.kind == EventKind::progress; }))
    send->after_lsn = 0;
}

int Saboteur::sends(Message& message) {
  if (bug_ == Bug::dropped_results_ok && as<ResultsOk>(message)) return 0;
  if (bug_ == Bug::dropped_events && as<Events>(message) && random_.happens(30)) return 0;
  if (bug_ == Bug::repeated_events && as<Events>(message) && random_.happens(30)) return 2;
  if (bug_ == Bug::command_answered_twice && as<CommandDone>(message)) return 2;
  if (bug_ == Bug::missing_answer)
    if (auto* done = as<CommandDone>(message); done && done->last && !done->answers.empty())
      done->answers.pop_back();
  if (bug_ == Bug::command_unanswered && as<CommandDone>(message) && random_.happens(200)) return 0;
  return 1;
}

}  // namespace framebus::sim
