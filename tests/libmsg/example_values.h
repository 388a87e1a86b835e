// Values for every field of every described struct, made from the field tables, so that a new
// message is tested, has golden bytes and is a fuzz seed without anybody writing an example of it.
//
// example<S>(): every field set, none at its default, always the same. random_value<S>(random):
// anything a program may build, extremes and defaults included.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

#include "libmsg/codec/codec.h"
#include "libmsg/schema/enum_names.h"

namespace framebus::examples {

// Where the numbers come from: counting up (examples) or a generator (random values).
class Source {
 public:
  Source() = default;
  explicit Source(std::uint64_t seed) : is_random_(true), generator_(seed) {}
  bool is_random() const { return is_random_; }
  std::uint64_t number(std::uint64_t max) {
    if (!is_random_) return ++count_ % max + 1 > max ? max : count_ % max + 1;
    switch (generator_() % 6) {
      case 0:
        return 0;
      case 1:
        return max;
      case 2:
        return generator_() & 0x7f & max;
      case 3:
        return generator_() & 0xffff & max;
      default:
        return max == UINT64_MAX ? generator_() : generator_() % (max + 1);
    }
  }
  std::size_t length(std::size_t max) { return is_random_ ? generator_() % (max + 1) : 2; }

 private:
  bool is_random_ = false;
  std::uint64_t count_ = 0;
  std::mt19937_64 generator_;
};

template <schema::Described S>
void fill_struct(Source& source, S& value);

template <class T>
void fill(Source& source, T& value, const T& absent) {
  if constexpr (std::is_same_v<T, bool>) {
    value = source.is_random() ? source.number(1) == 1 : !absent;
  } else if constexpr (std::is_enum_v<T>) {
    do {
      value = static_cast<T>(source.number(schema::enum_values_max - 1));
    } while (!schema::is_known(value) || (!source.is_random() && value == absent));
  } else if constexpr (std::is_integral_v<T>) {
    value =
        static_cast<T>(source.number(static_cast<std::uint64_t>(std::numeric_limits<T>::max())));
    if (source.is_random() && std::is_signed_v<T> && source.number(1) == 1)
      value = static_cast<T>(-value);
  } else if constexpr (std::is_same_v<T, std::string>) {
    value = source.is_random() ? std::string(source.length(40), 'x')
                               : "text-" + std::to_string(source.number(1'000'000)) + "-ü";
  } else if constexpr (std::is_same_v<T, Bytes>) {
    value.assign(source.is_random() ? source.length(300) : 5, 0);
    for (auto& byte : value) byte = static_cast<std::uint8_t>(source.number(255));
  } else if constexpr (std::is_same_v<T, TaskRef>) {
    fill(source, value.job.value, std::uint64_t{0});
    fill(source, value.index, std::uint32_t{0});
  } else if constexpr (std::is_same_v<T, Token>) {
    fill(source, value.epoch, std::uint64_t{0});
    fill(source, value.grant, std::uint64_t{0});
    for (auto& byte : value.mac) byte = static_cast<std::uint8_t>(source.number(255));
  } else if constexpr (codec::HasByteArray<T>) {
    for (auto& byte : value.bytes) byte = static_cast<std::uint8_t>(source.number(255));
  } else if constexpr (codec::IsNumberId<T>) {
    fill(source, value.value, std::uint64_t{0});
  } else if constexpr (codec::is_list<T>) {
    value.clear();
    for (std::size_t i = source.length(3); i > 0; --i) {
      typename T::value_type element{};
      fill(source, element, typename T::value_type{});
      value.push_back(std::move(element));
    }
  } else {
    fill_struct(source, value);
  }
}

template <schema::Described S>
void fill_struct(Source& source, S& value) {
  const S& absent = schema::defaults_of<S>();
  schema::for_each_field<S>([&]<class M>(const schema::Field<S, M>& field) {
    fill(source, value.*field.member, absent.*field.member);
    if constexpr (std::is_same_v<M, Bytes>) {
      Bytes& bytes = value.*field.member;
      bytes.resize(std::min(bytes.size(), codec::bin_bytes_max<S>(field.number)));
    }
  });
}

template <schema::Described S>
S example() {
  Source source;
  S value;
  fill_struct(source, value);
  return value;
}

template <schema::Described S>
S random_value(std::uint64_t seed) {
  Source source(seed);
  S value;
  fill_struct(source, value);
  return value;
}

template <class Visitor, class... M>
void for_each_message_type(Visitor&& visit, const std::variant<M...>*) {
  (visit(std::type_identity<M>{}), ...);
}

// Calls visit(std::type_identity<M>) for each message type, in number order.
template <class Visitor>
void for_each_message_type(Visitor&& visit) {
  for_each_message_type(std::forward<Visitor>(visit), static_cast<const Message*>(nullptr));
}

inline std::vector<Message> all_examples() {
  std::vector<Message> messages;
  for_each_message_type(
      [&](auto type) { messages.push_back(example<typename decltype(type)::type>()); });
  return messages;
}

}  // namespace framebus::examples
