// What a fuzz target is made of. One target per program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

// Feeds one input to the code under test; returns 0. Anything but a crash, a hang, a sanitizer's
// report or a failed FRAMEBUS_CHECK is fine.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

// Optional: valid inputs to begin from, besides the files given on the command line.
__attribute__((weak)) std::vector<std::vector<std::uint8_t>> fuzz_seeds();
