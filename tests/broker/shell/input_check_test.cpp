// Inputs of submits: looked up here for a few, on the thread for many, remembered for a while.
#include "broker/shell/input_check.h"

#include <doctest/doctest.h>

#include <atomic>
#include <chrono>

#include "tests/broker/shell/scarce_disk.h"
#include "tests/libmsg/blob/raw_peer.h"
#include "tests/libmsg/blob/sample_bytes.h"
#include "tests/libmsg/blob/scratch_directory.h"

namespace framebus::broker {
namespace {

struct Bench {
  test::ScratchDirectory scratch;
  std::shared_ptr<test::ScarceDisk> disk = std::make_shared<test::ScarceDisk>();
  std::unique_ptr<BlobStore> store = open_blob_store_on(disk, scratch / "blobs", false, 0).value();
  std::atomic<int> wakes{0};
  InputCheck check{*store, [this] { ++wakes; }};

  BlobRef put(const std::string& text) {
    BlobRef blob = store->put_bytes(bytes_of(text)).value();
    blob.name = text;
    return blob;
  }
  static JobSpec job(const std::vector<BlobRef>& inputs) {
    JobSpec spec;
    spec.steps.resize(1);
    spec.steps[0].name = "main";
    spec.steps[0].inputs = inputs;
    return spec;
  }
  std::optional<InputCheck::Checked> ask(const std::vector<BlobRef>& inputs,
                                         std::size_t bytes = 1'000) {
    return check.check(Received{SessionId{1}, Submit{7, {}, {}}, {}},
                       InputCheck::inputs_of(job(inputs)), bytes);
  }
};

BlobRef absent(const std::string& text) {
  return {hash_bytes(bytes_of(text)), text.size(), text};
}

TEST_CASE("input check: what is missing is named once, in order, what is there is not") {
  Bench bench;
  const BlobRef here = bench.put("here");
  const auto checked = bench.ask({absent("b"), here, absent("a"), absent("b")});
  REQUIRE(checked);
  CHECK_FALSE(checked->refusal);
  CHECK(checked->received.missing == std::vector<BlobRef>{absent("b"), absent("a")});
}

TEST_CASE("input check: an input of another size is refused, also when the blob is remembered") {
  Bench bench;
  BlobRef blob = bench.put("scene");
  for (int i = 0; i < 2; ++i) {
    blob.size = 6;
    const auto checked = bench.ask({blob});
    REQUIRE(checked);
    REQUIRE(checked->refusal);
    CHECK(checked->refusal->code == Code::invalid_argument);
    CHECK(checked->refusal->message ==
          "input \"scene\" of step \"main\" is said to have 6 bytes; blob " + to_string(blob.hash) +
              " has 5");
    blob.size = 5;
    CHECK_FALSE(bench.ask({blob})->refusal);
  }
}

TEST_CASE("input check: ten thousand inputs are looked up by the thread, the second time at once") {
  Bench bench;
  std::vector<BlobRef> inputs;
  for (int i = 0; i < 10'000; ++i) inputs.push_back(bench.put(std::to_string(i)));
  inputs.push_back(absent("missing"));
  const auto began = std::chrono::steady_clock::now();
  REQUIRE_FALSE(bench.ask(inputs));
  const auto handed_over = std::chrono::steady_clock::now();
  std::vector<InputCheck::Checked> finished;
  REQUIRE(test::eventually([&] {
    for (InputCheck::Checked& each : bench.check.take()) finished.push_back(std::move(each));
    return !finished.empty();
  }));
  const auto looked_up = std::chrono::steady_clock::now();
  REQUIRE(finished.size() == 1);
  CHECK(bench.wakes == 1);
  CHECK_FALSE(finished[0].refusal);
  CHECK(finished[0].received.missing == std::vector<BlobRef>{absent("missing")});
  CHECK(std::get<Submit>(finished[0].received.message).request == 7);
  const auto again = bench.ask(inputs);
  const auto remembered = std::chrono::steady_clock::now();
  REQUIRE(again);
  CHECK(again->received.missing == std::vector<BlobRef>{absent("missing")});
  const auto us = [](auto duration) {
    return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  };
  MESSAGE("10,000 inputs: the loop ", us(handed_over - began), " us, the thread ",
          us(looked_up - handed_over), " us, remembered ", us(remembered - looked_up), " us");
}

TEST_CASE("input check: submits beyond the bound are refused with a hint when to come again") {
  Bench bench;
  std::vector<BlobRef> inputs;
  for (std::size_t i = 0; i <= InputCheck::here_max; ++i)
    inputs.push_back(absent(std::to_string(i)));
  std::size_t asked = 0;
  std::size_t refused = 0;
  for (; asked < 100'000 && refused == 0; ++asked) {
    const auto checked = bench.ask(inputs);
    if (!checked) continue;
    REQUIRE(checked->refusal);
    CHECK(checked->refusal->code == Code::resource_exhausted);
    CHECK(checked->refusal->retry_after_ms > 0);
    CHECK(checked->refusal->message ==
          "found 257 submits whose inputs are looked up, allowed are 256 (input_lookups_max)");
    ++refused;
  }
  CHECK(refused == 1);
  CHECK(bench.check.refusals().of(Bound::input_lookups) == 1);
  CHECK(asked - refused == InputCheck::waiting_max);  // also what has been looked up is held
  std::size_t finished = 0;
  CHECK(test::eventually([&] {
    finished += bench.check.take().size();
    return finished == asked - refused;
  }));
  CHECK_FALSE(bench.ask(inputs));
}

TEST_CASE("input check: few large submits are bounded by their bytes, one alone is always taken") {
  Bench bench;
  std::vector<BlobRef> inputs;
  for (std::size_t i = 0; i <= InputCheck::here_max; ++i)
    inputs.push_back(absent(std::to_string(i)));
  constexpr std::size_t large = 8 * limits::MiB;
  static_assert(InputCheck::waiting_bytes_max / large < InputCheck::waiting_max);
  const auto take_all = [&](std::size_t count) {
    std::size_t finished = 0;
    CHECK(test::eventually([&] { return (finished += bench.check.take().size()) == count; }));
  };
  for (std::size_t i = 0; i < InputCheck::waiting_bytes_max / large; ++i)
    CHECK_FALSE(bench.ask(inputs, large));
  const auto refused = bench.ask(inputs, 1);
  REQUIRE(refused);
  REQUIRE(refused->refusal);
  CHECK(refused->refusal->code == Code::resource_exhausted);
  CHECK(refused->refusal->retry_after_ms > 0);
  CHECK(refused->refusal->message ==
        "found 67108865 bytes of submits whose inputs are looked up, allowed are 67108864 "
        "(input_lookup_bytes_max)");
  CHECK(bench.check.refusals().of(Bound::input_lookup_bytes) == 1);
  CHECK(bench.check.refusals().of(Bound::input_lookups) == 0);
  CHECK(std::get<Submit>(refused->received.message).request == 7);
  take_all(InputCheck::waiting_bytes_max / large);
  CHECK_FALSE(bench.ask(inputs, 2 * InputCheck::waiting_bytes_max));
  CHECK(bench.ask(inputs, 1)->refusal);
  CHECK_FALSE(bench.ask({absent("few")}, large)->refusal);  // looked up at once: nothing is held
  take_all(1);
  CHECK_FALSE(bench.ask(inputs, 1));
}

TEST_CASE("input check: a blob that can not be looked up is not missing, it is asked for again") {
  Bench bench;
  const BlobRef here = bench.put("here");
  std::vector<BlobRef> many{absent("a"), here, absent("b")};
  SUBCASE("few inputs") {}
  SUBCASE("many inputs") {
    for (std::size_t i = 0; i <= InputCheck::here_max; ++i)
      many.push_back(absent(std::to_string(i)));
  }
  bench.disk->is_exhausted = true;
  const std::size_t opened = bench.disk->opened;
  CHECK_FALSE(bench.ask(many));
  TimePoint later = now_monotonic();
  // The thread has tried in vain, and it is tried again.
  CHECK(test::eventually([&] {
    CHECK(bench.check.take(later += milliseconds(20)).empty());
    return bench.disk->opened > opened + 1;
  }));
  bench.disk->is_exhausted = false;
  std::vector<InputCheck::Checked> checked;
  CHECK(test::eventually([&] {
    checked = bench.check.take(later += milliseconds(20));
    return !checked.empty();
  }));
  REQUIRE(checked.size() == 1);
  CHECK_FALSE(checked[0].refusal);
  many.erase(many.begin() + 1);
  CHECK(checked[0].received.missing == many);
}

TEST_CASE("input check: a submit whose inputs can not be looked up in time is to come again") {
  Bench bench;
  const BlobRef here = bench.put("here");
  bench.disk->is_exhausted = true;
  const TimePoint begin = now_monotonic();
  CHECK_FALSE(bench.ask({here}));
  std::vector<InputCheck::Checked> checked;
  CHECK(test::eventually([&] {
    checked = bench.check.take(begin + InputCheck::patience + seconds(1));
    return !checked.empty();
  }));
  REQUIRE(checked[0].refusal);
  CHECK(checked[0].refusal->code == Code::unavailable);
  CHECK(checked[0].refusal->retry_after_ms > 0);
  CHECK(checked[0].refusal->message ==
        "whether input \"here\" of step \"main\" is stored can not be told now: open: Too many open "
        "files; submit again later");
  CHECK(checked[0].received.missing.empty());
}

TEST_CASE("input check: submits that are asked for again count towards the bound") {
  Bench bench;
  const BlobRef here = bench.put("here");
  bench.disk->is_exhausted = true;
  for (std::size_t i = 0; i < InputCheck::waiting_max; ++i) CHECK_FALSE(bench.ask({here}));
  const auto refused = bench.ask({here});
  REQUIRE(refused);
  REQUIRE(refused->refusal);
  CHECK(refused->refusal->code == Code::resource_exhausted);
  bench.disk->is_exhausted = false;
  TimePoint later = now_monotonic();
  std::size_t finished = 0;
  CHECK(test::eventually([&] {
    finished += bench.check.take(later += milliseconds(20)).size();
    return finished == InputCheck::waiting_max;
  }));
}

}  // namespace
}  // namespace framebus::broker
