// See record_codec.h.
#include "broker/store/record_codec.h"

#include <array>
#include <utility>

#include "libmsg/codec/struct_codec.h"

namespace framebus::broker {
namespace {

constexpr std::size_t record_count = std::variant_size_v<Record>;

template <std::size_t... I>
constexpr bool numbers_are_positions(std::index_sequence<I...>) {
  return ((std::variant_alternative_t<I, Record>::number == I + 1) && ...);
}
static_assert(numbers_are_positions(std::make_index_sequence<record_count>{}),
              "records stand in number order: the tables below index by number");

template <class S>
Result<Record> decode_as(BytesView payload) {
  auto decoded = decode_struct<S>(payload);
  if (!decoded) {
    return fail(Code::data_loss, std::string(S::name) + ": " + decoded.error().message);
  }
  return Record(std::move(*decoded));
}

using Decoder = Result<Record> (*)(BytesView);

template <std::size_t... I>
constexpr std::array<Decoder, record_count> make_decoders(std::index_sequence<I...>) {
  return {&decode_as<std::variant_alternative_t<I, Record>>...};
}
template <std::size_t... I>
constexpr std::array<const char*, record_count> make_names(std::index_sequence<I...>) {
  return {std::variant_alternative_t<I, Record>::name...};
}

constexpr auto decoders = make_decoders(std::make_index_sequence<record_count>{});
constexpr auto names = make_names(std::make_index_sequence<record_count>{});

bool is_known(std::uint16_t number) {
  return number >= 1 && number <= record_count;
}

}  // namespace

std::uint16_t number_of(const Record& record) {
  return static_cast<std::uint16_t>(record.index() + 1);
}

std::string record_name(std::uint16_t number) {
  return is_known(number) ? names[number - 1u] : "record " + std::to_string(number);
}

void encode_record(const Record& record, Bytes& out) {
  codec::Writer writer(out);
  std::visit([&](const auto& value) { codec::write_struct(writer, value); }, record);
}

Result<Record> decode_record(std::uint16_t number, BytesView payload) {
  if (!is_known(number)) {
    return fail(Code::unsupported_version, "record " + std::to_string(number) +
                                               " is of a newer framebus-broker; start that one");
  }
  return decoders[number - 1u](payload);
}

}  // namespace framebus::broker
