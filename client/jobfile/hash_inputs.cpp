// Names inputs by their bytes, just before a job is submitted.
#include <map>

#include "client/jobfile/jobfile.h"
#include "libmsg/blob/blob_store.h"

namespace framebus::client {

Status hash_inputs(LoadedJob& job, const std::function<void(std::uint64_t)>& hashed) {
  std::map<std::filesystem::path, BlobRef> known;  // steps may share files
  std::map<std::uint32_t, std::size_t> next;       // position in the inputs of each step
  std::uint64_t bytes = 0;
  for (const JobInput& input : job.inputs) {
    auto found = known.find(input.path);
    if (found == known.end()) {
      auto blob = hash_file(input.path);
      if (!blob) return fail(Code::invalid_argument, blob.error().message);
      found = known.emplace(input.path, *blob).first;
    }
    if (found->second.size != input.size)
      return fail(
          Code::invalid_argument,
          input.path.string() + ": changed while it was read: " + std::to_string(input.size) +
              " bytes before, " + std::to_string(found->second.size) + " now; submit again");
    StepSpec& step = job.spec.steps.at(input.step);
    step.inputs.at(next[input.step]++) = {found->second.hash, found->second.size, input.name};
    bytes += input.size;
    if (hashed) hashed(bytes);
  }
  for (RenderStep& render : job.renders) {
    StepSpec& step = job.spec.steps.at(render.step);
    render.job.files = step.inputs;
    const std::string params = render::to_json(render.job);
    step.params.assign(params.begin(), params.end());
  }
  return {};
}

}  // namespace framebus::client
