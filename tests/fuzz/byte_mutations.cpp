// See mutations.h: bytes without any structure.
#include <algorithm>

#include "tests/fuzz/mutations.h"

namespace framebus::fuzz {

void mutate_bytes(Input& input, const Input& other, Random& random) {
  static constexpr std::uint8_t interesting[] = {0x00, 0x01, 0x7f, 0x80, 0x90, 0xa0, 0xc0, 0xc1,
                                                 0xc4, 0xcf, 0xd9, 0xdc, 0xdd, 0xde, 0xdf, 0xff,
                                                 '{',  '[',  '"',  ',',  '-',  '9',  '\\', 'e'};
  const std::size_t at = random.below(input.size() + 1);
  const std::size_t length = std::min(input.size() - at, 1 + random.below(16));
  switch (random.below(9)) {
    case 0:
      if (at < input.size()) input[at] ^= static_cast<std::uint8_t>(1u << random.below(8));
      break;
    case 1:
      if (at < input.size()) input[at] = static_cast<std::uint8_t>(random.next());
      break;
    case 2:
      if (at < input.size()) input[at] = interesting[random.below(sizeof interesting)];
      break;
    case 3:
      input.insert(input.begin() + static_cast<std::ptrdiff_t>(at),
                   interesting[random.below(sizeof interesting)]);
      break;
    case 4:
      input.erase(input.begin() + static_cast<std::ptrdiff_t>(at),
                  input.begin() + static_cast<std::ptrdiff_t>(at + length));
      break;
    case 5:
      input.resize(at);
      break;
    case 6: {  // repeat a piece many times: nesting and long lists
      const Input piece(input.begin() + static_cast<std::ptrdiff_t>(at),
                        input.begin() + static_cast<std::ptrdiff_t>(at + length));
      for (std::size_t i = random.below(64); i > 0; --i)
        input.insert(input.begin() + static_cast<std::ptrdiff_t>(at), piece.begin(), piece.end());
      break;
    }
    case 7: {  // a big-endian number with extreme bytes
      static constexpr std::uint8_t extremes[] = {0x00, 0x7f, 0x80, 0xff};
      for (std::size_t i = at; i < std::min(input.size(), at + (std::size_t{1} << random.below(4)));
           ++i)
        input[i] = extremes[random.below(4)];
      break;
    }
    default: {  // a piece of another seed
      if (other.empty()) break;
      const std::size_t from = random.below(other.size());
      const std::size_t count = std::min(other.size() - from, 1 + random.below(64));
      input.insert(input.begin() + static_cast<std::ptrdiff_t>(at),
                   other.begin() + static_cast<std::ptrdiff_t>(from),
                   other.begin() + static_cast<std::ptrdiff_t>(from + count));
    }
  }
  if (input.size() > input_bytes_max) input.resize(input_bytes_max);
}

}  // namespace framebus::fuzz
