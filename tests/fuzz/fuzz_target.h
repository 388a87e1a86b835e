// What a fuzz target is made of. One target per program; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

// Feeds one input to the code under test; returns 0. Anything but a crash, a hang, a sanitizer's
// report or a failed FRAMEBUS_CHECK is fine.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

// Optional: valid inputs to begin from, besides the files given on the command line.
__attribute__((weak)) std::vector<std::vector<std::uint8_t>> fuzz_seeds();

// How far mutated inputs get: a target counts those that pass a point behind which there is more to
// break. The mutation driver prints the shares, and fails when one is below what is promised here:
// a target whose inputs all die at the door tests only the door.
struct FuzzMilestone {
  const char* name;
  double percent_min;  // of the mutated inputs
  std::uint64_t count = 0;
};

// Optional: where in an input a msgpack value begins that goes to its end, so that values in it can
// be changed as such; SIZE_MAX: in this one none does.
__attribute__((weak)) std::size_t fuzz_msgpack_at(std::span<const std::uint8_t> input);

// Optional.
__attribute__((weak)) std::span<FuzzMilestone> fuzz_milestones();
