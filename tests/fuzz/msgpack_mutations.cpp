// See mutations.h: msgpack, value by value. Reads only enough of the format to find where values
// begin and end; not by the codec's own reader, which is what is tried.
#include <algorithm>
#include <optional>

#include "tests/fuzz/mutations.h"

namespace framebus::fuzz {
namespace {

constexpr std::size_t nowhere = SIZE_MAX;

// One value: its bytes, and the container it stands in.
struct Value {
  std::size_t begin = 0, end = 0;
  std::size_t parent = nowhere;  // index; nowhere: the outermost
  bool is_key = false;
};

struct Head {
  std::size_t bytes = 1;  // of the head itself, and what belongs to it
  std::size_t values = 0;
  bool is_map = false;
};

std::uint64_t big_endian(const Input& input, std::size_t at, std::size_t size) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < size && at + i < input.size(); ++i)
    number = number << 8 | input[at + i];
  return number;
}

Head head_at(const Input& input, std::size_t at) {
  const std::uint8_t byte = input[at];
  if (byte < 0x80 || byte >= 0xe0) return {};
  if (byte < 0x90) return {1, std::size_t{2} * (byte & 0x0f), true};
  if (byte < 0xa0) return {1, std::size_t{byte} & 0x0f, false};
  if (byte < 0xc0) return {1 + (std::size_t{byte} & 0x1f)};
  const auto length = [&](std::size_t size) { return big_endian(input, at + 1, size); };
  switch (byte) {
    case 0xc4:
    case 0xd9:
      return {2 + length(1)};
    case 0xc5:
    case 0xda:
      return {3 + length(2)};
    case 0xc6:
    case 0xdb:
      return {5 + length(4)};
    case 0xcc:
    case 0xd0:
      return {2};
    case 0xcd:
    case 0xd1:
      return {3};
    case 0xca:
    case 0xce:
    case 0xd2:
      return {5};
    case 0xcb:
    case 0xcf:
    case 0xd3:
      return {9};
    case 0xdc:
      return {3, length(2), false};
    case 0xdd:
      return {5, length(4), false};
    case 0xde:
      return {3, 2 * length(2), true};
    case 0xdf:
      return {5, 2 * length(4), true};
    default:
      return {};
  }
}

// All values in the order in which they begin, as far as there are any.
std::vector<Value> values_of(const Input& input, std::size_t at) {
  std::vector<Value> values;
  struct Open {
    std::size_t value, left;
    bool is_map;
  };
  std::vector<Open> open;
  while (at < input.size()) {
    const Head head = head_at(input, at);
    if (head.bytes > input.size() - at) return {};
    Value value{at, at + head.bytes, nowhere, false};
    if (!open.empty()) {
      value.parent = open.back().value;
      value.is_key = open.back().is_map && open.back().left % 2 == 0;
      --open.back().left;
    }
    values.push_back(value);
    at += head.bytes;
    if (head.values > 0) open.push_back({values.size() - 1, head.values, head.is_map});
    while (!open.empty() && open.back().left == 0) {
      values[open.back().value].end = at;
      open.pop_back();
    }
    if (open.empty()) return values;
  }
  return {};  // cut short
}

void replace(Input& input, std::size_t begin, std::size_t end, const Input& by) {
  if (input.size() + by.size() > input_bytes_max) return;
  const auto at = input.erase(input.begin() + static_cast<std::ptrdiff_t>(begin),
                              input.begin() + static_cast<std::ptrdiff_t>(end));
  input.insert(at, by.begin(), by.end());
}

Input bytes_of(const Input& input, const Value& value) {
  return {input.begin() + static_cast<std::ptrdiff_t>(value.begin),
          input.begin() + static_cast<std::ptrdiff_t>(value.end)};
}

// One more or one less in a container of up to 15, which is how most of them are written.
bool change_count(Input& input, std::size_t at, int by) {
  const std::uint8_t kind = input[at] & 0xf0;
  const int count = (input[at] & 0x0f) + by;
  if ((kind != 0x80 && kind != 0x90) || count < 0 || count > 15) return false;
  input[at] = static_cast<std::uint8_t>(kind | count);
  return true;
}

enum class Family : std::uint8_t { number, text, binary, list, map, other };

Family family_of(std::uint8_t head) {
  if (head < 0x80 || head >= 0xe0 || (head >= 0xcc && head <= 0xd3)) return Family::number;
  if (head < 0x90 || head == 0xde || head == 0xdf) return Family::map;
  if (head < 0xa0 || head == 0xdc || head == 0xdd) return Family::list;
  if (head < 0xc0 || (head >= 0xd9 && head <= 0xdb)) return Family::text;
  if (head >= 0xc4 && head <= 0xc6) return Family::binary;
  return Family::other;
}

// One that is as odd as it can be, mostly of the family that stands there.
Input extreme_value(Family family, Random& random) {
  static const std::vector<Input> all{{0x00},
                                      {0x01},
                                      {0x7f},
                                      {0xff},
                                      {0xcc, 0xff},
                                      {0xcd, 0xff, 0xff},
                                      {0xce, 0xff, 0xff, 0xff, 0xff},
                                      {0xce, 0x00, 0x0f, 0x42, 0x41},  // a million and one
                                      {0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
                                      {0xcf, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
                                      {0xd3, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00},
                                      {0xcb, 0x7f, 0xf0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00},
                                      {0xa0},
                                      {0xa2, 0xc3, 0x28},  // not UTF-8
                                      {0xa1, 0x00},
                                      {0xdb, 0xff, 0xff, 0xff, 0xff},
                                      {0xc4, 0x00},
                                      {0xc6, 0xff, 0xff, 0xff, 0xff},
                                      {0x90},
                                      {0xdd, 0xff, 0xff, 0xff, 0xff},
                                      {0x80},
                                      {0xdf, 0xff, 0xff, 0xff, 0xff},
                                      {0xc0},
                                      {0xc2},
                                      {0xc3}};
  for (int tries = random.below(4) == 0 ? 0 : 24; tries > 0; --tries) {
    const Input& value = all[random.below(all.size())];
    if (family_of(value[0]) == family) return value;
  }
  return all[random.below(all.size())];
}

Family family_of(const Input& input, const Value& value) {
  return family_of(input[value.begin]);
}

// A random value that is not a key; of a map: the key comes before it.
std::optional<Value> any_value(const std::vector<Value>& values, Random& random) {
  for (int tries = 0; tries < 16 && !values.empty(); ++tries) {
    const Value& value = values[random.below(values.size())];
    if (!value.is_key) return value;
  }
  return std::nullopt;
}

// Where the element begins: with its key, when it has one.
std::size_t begin_of_element(const std::vector<Value>& values, const Value& value) {
  std::size_t begin = value.begin;
  for (const Value& key : values)
    if (key.is_key && key.parent == value.parent && key.end == value.begin) begin = key.begin;
  return begin;
}

void swap_values(Input& input, Value one, Value two) {
  if (two.begin < one.begin) std::swap(one, two);
  if (two.begin < one.end) return;
  const Input first = bytes_of(input, one), second = bytes_of(input, two);
  replace(input, two.begin, two.end, first);
  replace(input, one.begin, one.end, second);
}

}  // namespace

void mutate_msgpack(Input& input, std::size_t at, const Input& other, std::size_t other_at,
                    Random& random) {
  const std::vector<Value> values = values_of(input, at);
  const auto to = any_value(values, random);
  if (!to) return;
  const bool from_other = random.below(2) == 0;
  const Input donor = from_other ? other : input;
  const std::vector<Value> offered = values_of(donor, from_other ? other_at : at);
  auto from = any_value(offered, random);
  for (int tries = 0; tries < 12 && from && family_of(donor, *from) != family_of(input, *to);
       ++tries)
    from = any_value(offered, random);
  switch (random.below(6)) {
    case 0:
      return replace(input, to->begin, to->end, extreme_value(family_of(input, *to), random));
    case 1:
      if (from) replace(input, to->begin, to->end, bytes_of(donor, *from));
      return;
    case 2:
      for (int tries = 0; tries < 12; ++tries) {
        const auto two = any_value(values, random);
        if (two && family_of(input, *two) == family_of(input, *to))
          return swap_values(input, *to, *two);
      }
      return;
    case 3: {  // remove the element
      const std::size_t begin = begin_of_element(values, *to);
      if (to->parent == nowhere || !change_count(input, values[to->parent].begin, -1)) return;
      return replace(input, begin, to->end, {});
    }
    case 4: {  // the element twice
      const std::size_t begin = begin_of_element(values, *to);
      if (to->parent == nowhere || !change_count(input, values[to->parent].begin, 1)) return;
      return replace(input, begin, begin, bytes_of(input, {begin, to->end}));
    }
    default:  // another byte in a number or text
      if (to->end - to->begin > 9 && random.below(4) != 0) return;
      input[to->begin + random.below(to->end - to->begin)] =
          static_cast<std::uint8_t>(random.next());
  }
}

}  // namespace framebus::fuzz
