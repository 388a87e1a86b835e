// The framing between a worker and its executors' processes.
#include "worker/shell/child_protocol.h"

#include <doctest/doctest.h>

namespace framebus::worker {
namespace {

std::vector<ChildMessage> examples() {
  ChildRun run;
  run.attempt.task = {{1}, 2};
  run.attempt.params = {'x'};
  run.step.type = "echo";
  run.threads = 3;
  run.spool_directory = "/s";
  run.spool_bytes_max = 1'000'000'000'000;
  return {run,
          ChildCancel{},
          ChildBlob{4, {5, "no", 0}, "/p", {}},
          ChildPrepared{"scene", {'y'}},
          ChildHello{77},
          ChildProgress{500, "half"},
          ChildLog{"line"},
          ChildWant{1, {{}, 12, "a"}},
          ChildPut{2, "file", "name"},
          ChildFinished{Outcome::ok, {'r'}, {}, {}, true, true},
          ChildExit{true, 9, 3, "text"}};
}

TEST_CASE("child protocol: messages survive the wire, also byte by byte") {
  Bytes stream;
  for (const ChildMessage& message : examples()) {
    const Bytes frame = encode_child(message);
    stream.insert(stream.end(), frame.begin(), frame.end());
  }
  ChildFrames frames;
  std::vector<ChildMessage> heard;
  for (const std::uint8_t byte : stream) {
    frames.append({&byte, 1});
    auto message = frames.next();
    REQUIRE(message.has_value());
    if (*message) heard.push_back(std::move(**message));
  }
  CHECK((heard == examples()));
}

TEST_CASE("child protocol: an impossible length, an unknown kind and a torn body are refused") {
  const Bytes huge = {0xff, 0xff, 0xff, 0x7f, 1}, empty = {0, 0, 0, 0, 1};
  const Bytes strange = {2, 0, 0, 0, 99, 0x80}, torn = {2, 0, 0, 0, 16, 0x81};
  for (const Bytes& wrong : {huge, empty, strange, torn}) {
    ChildFrames frames;
    frames.append(wrong);
    const auto message = frames.next();
    REQUIRE_FALSE(message.has_value());
    CHECK(message.error().code == Code::malformed_message);
  }
}

}  // namespace
}  // namespace framebus::worker
