#include "client/lib/submit_flow.h"

#include <map>
#include <random>

namespace framebus::client {
namespace {

// The broker may drop blobs between rounds only if it is broken; a bound keeps that from looping
// for ever.
constexpr unsigned rounds_max = 3;

struct Flow {
  std::shared_ptr<PrimaryImpl> impl;
  Submit submit;
  std::map<BlobHash, InputSource> files;
  SubmitOptions options;
  std::function<void(Result<Accepted>)> sink;
  Accepted accepted;
  unsigned rounds = 0;

  void finish(Result<Accepted> outcome) {
    // Dropped first: the flow is held by closures that the Impl holds.
    auto to = std::move(sink);
    to(std::move(outcome));
  }
};
using FlowPtr = std::shared_ptr<Flow>;  // shared by the closures of one submission, one at a time

void send(const FlowPtr& flow);

Status put_missing(const FlowPtr& flow, BlobClient& client, const std::vector<BlobRef>& missing) {
  Upload upload;
  upload.files = static_cast<std::uint32_t>(missing.size());
  for (const BlobRef& blob : missing) upload.bytes += blob.size;
  const auto tell = [&flow, &upload] {
    if (!flow->options.on_upload) return;
    flow->impl->callbacks().post([told = flow->options.on_upload, upload] { told(upload); });
  };
  tell();
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
    tell();
  }
  return {};
}

void put_then_send(const FlowPtr& flow, std::vector<BlobRef> missing) {
  if (++flow->rounds > rounds_max) {
    flow->finish(fail(Code::internal, "the broker asked " + std::to_string(rounds_max) +
                                          " times for inputs it was sent"));
    return;
  }
  Transfers& transfers = flow->impl->transfers();
  transfers.post(
      [flow, missing = std::move(missing)](Result<BlobClient*> client) {
        if (!client) return flow->finish(fail(client.error()));
        const Status put = put_missing(flow, **client, missing);
        if (!put) return flow->finish(fail(put.error()));
        send(flow);
      },
      flow->impl->deadline_or_default(flow->options.deadline));
}

void send(const FlowPtr& flow) {
  flow->impl->request(flow->submit, flow->options.deadline, [flow](Result<Message> answer) {
    if (!answer) return flow->finish(fail(answer.error()));
    if (auto* missing = std::get_if<InputsMissing>(&*answer))
      return put_then_send(flow, std::move(missing->blobs));
    const auto& ok = std::get<SubmitOk>(*answer);
    flow->accepted.job = ok.job;
    flow->accepted.task_count = ok.task_count;
    flow->accepted.known = ok.known;
    flow->accepted.ephemeral = ok.ephemeral;
    flow->finish(flow->accepted);
  });
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
  auto flow = std::make_shared<Flow>();
  flow->impl = impl.shared_from_this();
  flow->submit.submit_id = options.id.is_none() ? random_submit_id() : options.id;
  flow->submit.job = std::move(job);
  flow->options = std::move(options);
  flow->sink = std::move(sink);
  for (InputSource& file : files) {
    const BlobHash hash = file.blob.hash;
    flow->files.emplace(hash, std::move(file));
  }
  send(flow);
}

}  // namespace framebus::client
