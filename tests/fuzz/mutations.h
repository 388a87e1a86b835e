// Ways to change a valid input so that it is still nearly one. Every choice comes from a seeded
// generator, so that a run can be had again. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace framebus::fuzz {

using Input = std::vector<std::uint8_t>;

inline constexpr std::size_t input_bytes_max = 1 << 20;

// xorshift64*: small, fast, the same everywhere.
struct Random {
  std::uint64_t state;
  std::uint64_t next() {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1d;
  }
  std::size_t below(std::size_t bound) { return bound == 0 ? 0 : next() % bound; }
};

// Any bytes: flips, insertions, cuts, repetitions, a piece of `other`.
void mutate_bytes(Input& input, const Input& other, Random& random);

// Texts made of tokens (JSON, settings in lines): whole tokens, values, list elements, members and
// lines are replaced, copied, removed and swapped, some of them by those of `other`; so what comes
// out mostly passes the syntax, and what is wrong with it is its meaning.
void mutate_text(Input& input, const Input& other, Random& random);

// Is it a text, as far as mutate_text() is concerned?
bool is_text(const Input& input);

// A msgpack value that begins at `at`: the values in it are replaced, copied, removed and swapped,
// with the counts of their containers. Behind the value, or in what is not one, nothing is changed.
void mutate_msgpack(Input& input, std::size_t at, const Input& other, std::size_t other_at,
                    Random& random);

}  // namespace framebus::fuzz
