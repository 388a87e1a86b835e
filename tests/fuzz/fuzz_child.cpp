// What an executor's process says to its worker: any bytes must be cut into messages or refused,
// and what was understood is understood again after it is written. Input: one byte of choice, then
// the stream; or, with choice 1, the kind and body of one frame, whose length is made here.
#include <utility>

#include "libmsg/base/check.h"
#include "tests/fuzz/fuzz_target.h"
#include "worker/shell/child_protocol.h"

using namespace framebus;
using namespace framebus::worker;

namespace {

FuzzMilestone milestones[] = {{"begins with a message", 20}};

std::vector<std::uint8_t> framed(BytesView rest) {
  std::vector<std::uint8_t> frame;
  for (unsigned i = 0; i < 4; ++i)
    frame.push_back(static_cast<std::uint8_t>(rest.size() >> (8 * i)));
  frame.insert(frame.end(), rest.begin(), rest.end());
  return frame;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const BytesView rest(data + 1, size - 1);
  const std::vector<std::uint8_t> made = framed(rest);
  const BytesView stream = data[0] == 1 ? BytesView(made) : rest;
  ChildFrames frames;
  // In two pieces, as a stream may come.
  const std::size_t half = stream.size() / 2;
  frames.append(stream.first(half));
  bool is_whole = false, is_first = true;
  for (;;) {
    auto message = frames.next();
    if (!message) break;
    if (!*message && is_whole) break;
    if (!*message) {
      frames.append(stream.subspan(half));
      is_whole = true;
      continue;
    }
    if (std::exchange(is_first, false)) ++milestones[0].count;
    ChildFrames again;
    again.append(encode_child(**message));
    const auto repeated = again.next();
    FRAMEBUS_CHECK(repeated && *repeated && **repeated == **message, "written and read the same");
  }
  return 0;
}

std::size_t fuzz_msgpack_at(std::span<const std::uint8_t> input) {
  return input.size() > 2 && input[0] == 1 ? 2 : SIZE_MAX;
}

std::span<FuzzMilestone> fuzz_milestones() {
  return milestones;
}

std::vector<std::vector<std::uint8_t>> fuzz_seeds() {
  ChildRun run;
  run.attempt.task = {{1}, 2};
  run.step.type = "render";
  run.step.inputs = {{{}, 12, "s.gltf"}};
  const std::vector<ChildMessage> messages{
      run,
      ChildCancel{},
      ChildBlob{4, {5, "no", 0}, "/p", {}},
      ChildPrepared{"map", {1, 2, 3}},
      ChildHello{77},
      ChildProgress{500, "half"},
      ChildLog{"a line"},
      ChildWant{1, {{}, 12, "a"}},
      ChildPut{2, "file", "name"},
      ChildFinished{Outcome::ok, {'r'}, {{{}, 9, "b"}}, {}, true, true},
      ChildExit{true, 9, 3, "text"}};
  std::vector<std::vector<std::uint8_t>> seeds{{0}};
  for (const ChildMessage& message : messages) {
    const Bytes frame = encode_child(message);
    seeds.front().insert(seeds.front().end(), frame.begin(), frame.end());  // one after the other
    seeds.push_back({0});
    seeds.back().insert(seeds.back().end(), frame.begin(), frame.end());
    seeds.push_back({1});
    seeds.back().insert(seeds.back().end(), frame.begin() + 4, frame.end());
  }
  return seeds;
}
