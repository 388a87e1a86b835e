#include "client/lib/submit_flow.h"

#include <map>
#include <mutex>
#include <random>

#include "client/lib/submission.h"

namespace framebus::client {
namespace {

struct Flow {
  Flow(std::shared_ptr<PrimaryImpl> to, SubmitId id, JobSpec job)
      : impl(std::move(to)), submission(id, std::move(job)) {}

  std::shared_ptr<PrimaryImpl> impl;
  std::map<BlobHash, InputSource> files;
  SubmitOptions options;
  std::function<void(Result<Accepted>)> sink;
  Upload upload;      // told to on_upload
  Accepted accepted;  // files_sent and bytes_sent grow on the transfer thread
  // Answers come on the I/O thread, the end of a transfer on its own: guarded by mutex.
  std::mutex mutex;
  Submission submission;

  void tell() {
    if (!options.on_upload) return;
    impl->callbacks().post([told = options.on_upload, upload = upload] { told(upload); });
  }
};
using FlowPtr = std::shared_ptr<Flow>;  // shared by the closures of one submission

template <class F>
void advance(const FlowPtr& flow, F&& f);

Status put_missing(const FlowPtr& flow, BlobClient& client, const std::vector<BlobRef>& missing) {
  Upload& upload = flow->upload;
  upload.files = static_cast<std::uint32_t>(missing.size());
  upload.files_done = 0;
  upload.bytes = upload.bytes_done = 0;
  for (const BlobRef& blob : missing) upload.bytes += blob.size;
  flow->tell();
  for (const BlobRef& blob : missing) {
    const auto file = flow->files.find(blob.hash);
    if (file == flow->files.end()) {
      return fail(Code::not_found, "the broker does not have the input \"" + blob.name + "\" (" +
                                       to_string(blob.hash) + ") and no file for it was given");
    }
    const std::atomic<bool>* cancelled = flow->impl->transfers().cancelled();
    const InputSource& input = file->second;
    const Result<BlobRef> put = input.bytes.empty() && !input.path.empty()
                                    ? client.put_file(input.path, cancelled)
                                    : client.put_bytes(input.bytes, cancelled);
    if (!put) return fail(put.error().context("send input \"" + blob.name + "\""));
    if (put->hash != blob.hash) {
      return fail(Code::failed_precondition,
                  "the input " + input.path.string() +
                      " has changed since the job was planned; submit it again");
    }
    ++upload.files_done;
    upload.bytes_done += blob.size;
    flow->accepted.files_sent += 1;
    flow->accepted.bytes_sent += blob.size;
    flow->tell();
  }
  return {};
}

void carry_out(const FlowPtr& flow, AskBroker& step) {
  flow->impl->request(std::move(step.message), flow->options.deadline,
                      [flow, tag = step.tag](Result<Message> answer) {
                        advance(flow, [&](Submission& submission, SubmissionSteps& out) {
                          submission.on_answer(tag, answer, out);
                        });
                      });
}

void carry_out(const FlowPtr& flow, PutInputs& step) {
  flow->impl->transfers().post(
      [flow, missing = std::move(step.blobs)](Result<BlobClient*> client) {
        const Status put = client ? put_missing(flow, **client, missing) : fail(client.error());
        advance(flow,
                [&](Submission& submission, SubmissionSteps& out) { submission.on_put(put, out); });
      },
      flow->impl->deadline_or_default(flow->options.deadline));
}

void carry_out(const FlowPtr& flow, WaitFor& step) {
  flow->impl->after(step.duration, [flow] {
    advance(flow, [](Submission& submission, SubmissionSteps& out) { submission.on_waited(out); });
  });
}

void carry_out(const FlowPtr& flow, PartsSent& step) {
  flow->upload.parts_done = step.done;
  flow->upload.parts = step.all;
  flow->tell();
}

void carry_out(const FlowPtr& flow, SubmissionDone& step) {
  auto sink = std::move(flow->sink);  // dropped first: the flow is held by closures of the Impl
  if (!step.outcome) return sink(fail(step.outcome.error()));
  Accepted& accepted = flow->accepted;
  accepted.job = step.outcome->job;
  accepted.task_count = step.outcome->task_count;
  accepted.known = step.outcome->known;
  accepted.ephemeral = step.outcome->ephemeral;
  sink(accepted);
}

template <class F>
void advance(const FlowPtr& flow, F&& f) {
  SubmissionSteps steps;
  {
    const std::lock_guard lock(flow->mutex);
    f(flow->submission, steps);
  }
  for (SubmissionStep& step : steps)
    std::visit([&flow](auto& each) { carry_out(flow, each); }, step);
}

}  // namespace

SubmitId random_submit_id() {
  std::random_device device;
  SubmitId id;
  for (std::uint8_t& byte : id.bytes) byte = static_cast<std::uint8_t>(device());
  return id;
}

void start_submit(PrimaryImpl& impl, JobSpec job, std::vector<InputSource> files,
                  SubmitOptions options, std::function<void(Result<Accepted>)> sink) {
  const SubmitId id = options.id.is_none() ? random_submit_id() : options.id;
  const auto flow = std::make_shared<Flow>(impl.shared_from_this(), id, std::move(job));
  flow->options = std::move(options);
  flow->sink = std::move(sink);
  for (InputSource& file : files) {
    const BlobHash hash = file.blob.hash;
    flow->files.emplace(hash, std::move(file));
  }
  advance(flow, [](Submission& submission, SubmissionSteps& out) { submission.start(out); });
}

}  // namespace framebus::client
