#include "broker/core/blob_uses.h"

namespace framebus::broker {

void use_blobs(State& state, const std::vector<BlobRef>& blobs) {
  for (const BlobRef& blob : blobs) ++state.blob_uses[blob.hash];
}

void release_blobs(State& state, const std::vector<BlobRef>& blobs) {
  for (const BlobRef& blob : blobs) {
    const auto entry = state.blob_uses.find(blob.hash);
    FRAMEBUS_CHECK(entry != state.blob_uses.end(), "a blob is released that was not in use");
    if (--entry->second == 0) state.blob_uses.erase(entry);
  }
}

void use_inputs(State& state, const JobSpec& spec) {
  for (const StepSpec& step : spec.steps) use_blobs(state, step.inputs);
}

void release_inputs(State& state, const JobSpec& spec) {
  for (const StepSpec& step : spec.steps) release_blobs(state, step.inputs);
}

void release_blobs_of(State& state, const Job& job) {
  release_inputs(state, job.spec);
  for (const TaskDetail& detail : job.details) {
    if (detail.outcome) release_blobs(state, detail.outcome->blobs);
  }
}

void on_blobs_offered(Turn& turn, const std::vector<BlobHash>& blobs) {
  DropBlobs unused;
  for (const BlobHash& blob : blobs) {
    if (!turn.state.blob_uses.contains(blob)) unused.blobs.push_back(blob);
  }
  turn.out.emplace_back(std::move(unused));
}

}  // namespace framebus::broker
