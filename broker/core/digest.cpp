#include "broker/core/digest.h"

#include <type_traits>

namespace framebus::broker {
namespace {

// Lengths go in front of everything that has one, so that no two contents give the same bytes.
struct Walker {
  SipHasher hasher{SipKey{}};

  void add(const std::string& text) {
    hasher.add_u64(text.size());
    hasher.add(bytes_of(text));
  }
  void add(const Bytes& bytes) {
    hasher.add_u64(bytes.size());
    hasher.add(bytes);
  }
  void add(const BlobHash& hash) { hasher.add(hash.bytes); }
  template <class T>
  requires(std::is_arithmetic_v<T> || std::is_enum_v<T>) void add(T value) {
    hasher.add_u64(static_cast<std::uint64_t>(value));
  }
  template <class T>
  void add(const std::vector<T>& values) {
    hasher.add_u64(values.size());
    for (const T& value : values) add(value);
  }
  // What is absent counts for nothing, so a field that a later version adds changes no digest that
  // a journal or an archive has kept.
  template <schema::Described T>
  void add(const T& value) {
    schema::for_each_field<T>([&](const auto& field) {
      if (value.*field.member == schema::defaults_of<T>().*field.member) return;
      hasher.add_u64(field.number);
      add(value.*field.member);
    });
    hasher.add_u64(0);
  }
};

}  // namespace

SipHash digest_of(const JobSpec& spec) {
  Walker walker;
  walker.add(spec);
  return walker.hasher.finish();
}

}  // namespace framebus::broker
