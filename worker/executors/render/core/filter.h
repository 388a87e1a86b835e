// The reconstruction filters of a film, by name. The numbers travel in no message; job files and render
// jobs spell the names.
#pragma once

#include <cstdint>

namespace framebus::render {

enum class Filter : std::uint8_t { box = 0, triangle = 1, gaussian = 2, blackman_harris = 3 };

}  // namespace framebus::render
