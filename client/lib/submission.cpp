#include "client/lib/submission.h"

#include <algorithm>
#include <string>

#include "libmsg/base/siphash.h"

namespace framebus::client {
namespace {

constexpr std::size_t entry_overhead_bytes = 5;    // the head of a byte string in msgpack
constexpr std::size_t step_overhead_bytes = 1024;  // numbers, names, requirements
constexpr std::size_t blob_overhead_bytes = 64;
constexpr std::size_t axis_overhead_bytes = 64;
constexpr std::size_t message_overhead_bytes = 64 * limits::KiB;
constexpr Duration wait_usual = seconds(1);
constexpr std::int64_t wait_max_ms = 60'000;  // whatever the broker says

std::size_t params_bytes(const StepSpec& step) {
  std::size_t bytes = 0;
  for (const Bytes& params : step.task_params) bytes += params.size() + entry_overhead_bytes;
  return bytes;
}

}  // namespace

std::size_t encoded_skeleton_bytes_at_most(const JobSpec& job) {
  std::size_t bytes = 1024;
  for (const Label& label : job.labels) bytes += label.key.size() + label.value.size() + 16;
  for (const StepSpec& step : job.steps) {
    bytes += step_overhead_bytes + step.name.size() + step.type.size() + step.params.size();
    bytes += step.depends_on.size() * 16;
    for (const BlobRef& blob : step.inputs) bytes += blob.name.size() + blob_overhead_bytes;
    for (const Label& label : step.requires_.labels)
      bytes += label.key.size() + label.value.size() + 16;
    for (const SweepAxis& axis : step.axes) {
      bytes += axis.key.size() + axis_overhead_bytes;
      for (const Bytes& value : axis.values) bytes += value.size() + entry_overhead_bytes;
    }
  }
  return bytes;
}

std::size_t encoded_bytes_at_most(const JobSpec& job) {
  std::size_t bytes = encoded_skeleton_bytes_at_most(job);
  for (const StepSpec& step : job.steps) bytes += params_bytes(step);
  return bytes;
}

Status check_job_size(const JobSpec& job) {
  constexpr std::size_t bytes_max = limits::wire_message_bytes_max - message_overhead_bytes;
  const std::size_t bytes = encoded_skeleton_bytes_at_most(job);
  if (bytes <= bytes_max) return {};
  return fail(Code::invalid_argument,
              "the job \"" + job.name + "\" takes about " + std::to_string(bytes) +
                  " bytes without the parameters of its tasks; at most " +
                  std::to_string(bytes_max) +
                  " are possible: split it into several jobs, or shorten its lists of values");
}

Submission::Submission(SubmitId id, JobSpec job, SubmissionOptions options)
    : options_(options), id_(id), job_(std::move(job)) {
  if (encoded_bytes_at_most(job_) > options_.whole_bytes_max) cut();
}

// The same cut for the whole life of the submission: part n has the same content in every repeat.
void Submission::cut() {
  for (std::uint32_t step = 0; step < job_.steps.size(); ++step) {
    const std::vector<Bytes>& all = job_.steps[step].task_params;
    Part part{step, 0, 0};
    std::size_t bytes = 0;
    for (std::uint32_t i = 0; i < all.size(); ++i) {
      const std::size_t entry = all[i].size() + entry_overhead_bytes;
      if (part.count > 0 && bytes + entry > options_.part_bytes_max) {
        parts_.push_back(part);
        part = {step, i, 0};
        bytes = 0;
      }
      ++part.count;
      bytes += entry;
    }
    if (part.count > 0) parts_.push_back(part);
  }
}

void Submission::start(SubmissionSteps& out) {
  if (const Status size = check_job_size(job_); !size)
    return finish(framebus::fail(size.error()), out);
  if (parts_.size() > limits::upload_parts_max) {
    return finish(
        framebus::fail(Code::invalid_argument,
                       "the job has " + std::to_string(parts_.size()) + " parts; at most " +
                           std::to_string(limits::upload_parts_max) + " are possible"),
        out);
  }
  open(out);
}

void Submission::ask(Message message, SubmissionSteps& out) {
  waited_for_.insert(next_tag_);
  out.push_back(AskBroker{next_tag_++, std::move(message)});
}

void Submission::open(SubmissionSteps& out) {
  waited_for_.clear();
  if (!is_in_parts()) return ask(Submit{0, id_, job_}, out);
  SubmitOpen opening;
  opening.submit_id = id_;
  // Not a copy of the whole: the parameters may be hundreds of megabytes.
  std::vector<std::vector<Bytes>> kept(job_.steps.size());
  for (std::size_t i = 0; i < kept.size(); ++i) kept[i].swap(job_.steps[i].task_params);
  opening.job = job_;
  for (std::size_t i = 0; i < kept.size(); ++i) kept[i].swap(job_.steps[i].task_params);
  ask(std::move(opening), out);
}

void Submission::on_opened(const SubmitOpenOk& opened, SubmissionSteps& out) {
  const auto count = static_cast<std::uint32_t>(parts_.size());
  if (opened.next_part == 0 || opened.next_part > count + 1) {
    return finish(framebus::fail(Code::malformed_message,
                                 "the broker wants part " + std::to_string(opened.next_part) +
                                     " of an upload of " + std::to_string(count) + " parts"),
                  out);
  }
  next_part_ = opened.next_part;
  parts_done_ = opened.next_part - 1;
  out.push_back(PartsSent{parts_done_, count});
  go_on(out);
}

void Submission::go_on(SubmissionSteps& out) {
  const auto count = static_cast<std::uint32_t>(parts_.size());
  while (next_part_ <= count && waited_for_.size() < options_.parts_outstanding_max) {
    send_part(parts_[next_part_ - 1], next_part_, out);
    ++next_part_;
  }
  if (parts_done_ == count && waited_for_.empty()) commit(out);
}

void Submission::send_part(const Part& part, std::uint32_t number, SubmissionSteps& out) {
  SubmitPart message;
  message.submit_id = id_;
  message.part = number;
  message.step = part.step;
  const auto begin = job_.steps[part.step].task_params.begin() + part.first;
  message.task_params.assign(begin, begin + part.count);
  ask(std::move(message), out);
}

void Submission::commit(SubmissionSteps& out) {
  SipHasher hasher{SipKey{}};
  for (const Part& part : parts_) {
    hasher.add_u64(part.step);
    hasher.add_u64(part.count);
    for (std::uint32_t i = part.first; i < part.first + part.count; ++i) {
      const Bytes& entry = job_.steps[part.step].task_params[i];
      hasher.add_u64(entry.size());
      hasher.add(entry);
    }
  }
  const SipHash hash = hasher.finish();
  SubmitCommit message;
  message.submit_id = id_;
  message.parts = static_cast<std::uint32_t>(parts_.size());
  message.digest.assign(hash.begin(), hash.end());
  ask(std::move(message), out);
}

void Submission::on_answer(std::uint64_t tag, const Result<Message>& answer, SubmissionSteps& out) {
  if (is_done_ || waited_for_.erase(tag) == 0) return;
  if (!answer) return on_error(answer.error(), out);
  waits_ = 0;
  if (const auto* ok = std::get_if<SubmitOk>(&*answer)) return finish(*ok, out);
  if (const auto* missing = std::get_if<InputsMissing>(&*answer)) return on_missing(*missing, out);
  if (const auto* opened = std::get_if<SubmitOpenOk>(&*answer)) return on_opened(*opened, out);
  if (std::holds_alternative<SubmitPartOk>(*answer)) {
    ++parts_done_;
    out.push_back(PartsSent{parts_done_, static_cast<std::uint32_t>(parts_.size())});
    go_on(out);
  }
}

void Submission::on_error(const Error& error, SubmissionSteps& out) {
  // Dropped, or further back than the parts under way: it goes on where SubmitOpen says.
  const bool is_gone =
      is_in_parts() && (error.code == Code::not_found || error.code == Code::failed_precondition);
  if (is_gone && restarts_++ < options_.restarts_max) return open(out);
  // Half an upload is worth waiting for; a job that is refused as a whole is its sender's business.
  if (error.code == Code::resource_exhausted && parts_done_ > 0 && waits_++ < options_.waits_max) {
    waited_for_.clear();
    const std::int64_t hint = std::clamp<std::int64_t>(error.retry_after_ms, 0, wait_max_ms);
    out.push_back(WaitFor{hint > 0 ? milliseconds(hint) : wait_usual});
    return;
  }
  finish(framebus::fail(error), out);
}

void Submission::on_waited(SubmissionSteps& out) {
  if (!is_done_) open(out);
}

void Submission::on_missing(const InputsMissing& missing, SubmissionSteps& out) {
  // The broker drops blobs between rounds only if it is broken; a bound keeps that from looping for
  // ever.
  if (++rounds_ > options_.rounds_max) {
    return finish(
        framebus::fail(Code::internal, "the broker asked " + std::to_string(options_.rounds_max) +
                                           " times for inputs it was sent"),
        out);
  }
  out.push_back(PutInputs{missing.blobs});
}

void Submission::on_put(const Status& put, SubmissionSteps& out) {
  if (is_done_) return;
  if (!put) return finish(framebus::fail(put.error()), out);
  if (is_in_parts()) return commit(out);
  open(out);
}

void Submission::finish(Result<SubmitOk> outcome, SubmissionSteps& out) {
  is_done_ = true;
  waited_for_.clear();
  out.push_back(SubmissionDone{std::move(outcome)});
}

}  // namespace framebus::client
