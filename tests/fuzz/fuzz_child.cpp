// What an executor's process says to its worker: any bytes must be cut into messages or refused,
// and what was understood is understood again after it is written.
#include "libmsg/base/check.h"
#include "tests/fuzz/fuzz_target.h"
#include "worker/shell/child_protocol.h"

using namespace framebus;
using namespace framebus::worker;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ChildFrames frames;
  // In two pieces, as a stream may come.
  frames.append({data, size / 2});
  bool is_whole = false;
  for (;;) {
    auto message = frames.next();
    if (!message) break;
    if (!*message && is_whole) break;
    if (!*message) {
      frames.append({data + size / 2, size - size / 2});
      is_whole = true;
      continue;
    }
    ChildFrames again;
    again.append(encode_child(**message));
    const auto repeated = again.next();
    FRAMEBUS_CHECK(repeated && *repeated && **repeated == **message, "written and read the same");
  }
  return 0;
}

std::vector<std::vector<std::uint8_t>> fuzz_seeds() {
  ChildRun run;
  run.attempt.task = {{1}, 2};
  run.step.type = "render";
  run.step.inputs = {{{}, 12, "s.gltf"}};
  return {encode_child(run),
          encode_child(ChildBlob{4, {5, "no", 0}, "/p", {}}),
          encode_child(ChildProgress{500, "half"}),
          encode_child(ChildWant{1, {{}, 12, "a"}}),
          encode_child(ChildPut{2, "file", "name"}),
          encode_child(ChildFinished{Outcome::ok, {'r'}, {{{}, 9, "b"}}, {}, true, true}),
          encode_child(ChildExit{true, 9, 3, "text"})};
}
