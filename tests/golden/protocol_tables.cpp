// The tables that are walked out of the schema: messages, structs, enums, each type once.
#include <map>
#include <set>
#include <sstream>
#include <string_view>
#include <vector>

#include "libmsg/codec/codec.h"
#include "libmsg/schema/print.h"
#include "tests/golden/protocol_document.h"
#include "tests/libmsg/example_values.h"

namespace framebus::golden {
namespace {

// "WireError" for framebus::WireError, read from the compiler's spelling of a template argument.
template <class T>
std::string type_name() {
  const std::string_view text = __PRETTY_FUNCTION__;
  const std::size_t begin = text.find("T = ") + 4;
  const std::string_view name = text.substr(begin, text.find_first_of(";]", begin) - begin);
  return std::string(name.substr(name.rfind(':') + 1));
}

std::string anchor(std::string name) {
  for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return name;
}

template <class T>
std::string wire_type(std::size_t bin_max) {
  if constexpr (std::is_same_v<T, bool>) {
    return "bool";
  } else if constexpr (std::is_enum_v<T>) {
    return "[" + type_name<T>() + "](#" + anchor(type_name<T>()) + ")";
  } else if constexpr (std::is_integral_v<T>) {
    return (std::is_signed_v<T> ? "int" : "uint") + std::to_string(8 * sizeof(T));
  } else if constexpr (std::is_same_v<T, std::string>) {
    return "text";
  } else if constexpr (std::is_same_v<T, Bytes>) {
    return "bytes, at most " + std::to_string(bin_max);
  } else if constexpr (std::is_same_v<T, TaskRef>) {
    return "task";
  } else if constexpr (std::is_same_v<T, Token>) {
    return "token";
  } else if constexpr (codec::HasByteArray<T>) {
    return "bytes, exactly " + std::to_string(T{}.bytes.size());
  } else if constexpr (codec::IsNumberId<T>) {
    return "id";
  } else if constexpr (codec::is_list<T>) {
    using Element = typename T::value_type;
    return "array of " + wire_type<Element>(bin_max) + ", at most " +
           std::to_string(codec::elements_max<Element>);
  } else {
    return "[" + type_name<T>() + "](#" + anchor(type_name<T>()) + ")";
  }
}

template <schema::Described S>
std::string field_table() {
  std::ostringstream out;
  out << "| field | name | type | meaning |\n|---|---|---|---|\n";
  schema::for_each_field<S>([&]<class M>(const schema::Field<S, M>& field) {
    out << "| " << int{field.number} << " | `" << field.name << "` | "
        << wire_type<M>(codec::bin_bytes_max<S>(field.number)) << " | " << field.doc;
    if constexpr (std::is_arithmetic_v<M>) {
      const M absent = schema::defaults_of<S>().*field.member;
      if (absent != M{}) {
        std::string text;
        schema::print_value(text, absent);
        out << "; absent means " << text;
      }
    }
    out << " |\n";
  });
  return out.str();
}

// Structs and enums in the order in which the messages first use them.
class Collected {
 public:
  static const Collected& all() {
    static const Collected collected;
    return collected;
  }
  std::ostringstream structs;
  std::ostringstream enums;

 private:
  Collected() {
    examples::for_each_message_type(
        [&](auto type) { walk_fields<typename decltype(type)::type>(); });
  }

  template <schema::Described S>
  void walk_fields() {
    schema::for_each_field<S>([&]<class M>(const schema::Field<S, M>&) { walk<M>(); });
  }

  template <class T>
  void walk() {
    if constexpr (codec::is_list<T>) {
      walk<typename T::value_type>();
    } else if constexpr (std::is_enum_v<T>) {
      if (!seen_.insert(type_name<T>()).second) return;
      enums << "### " << type_name<T>() << "\n\n";
      bool is_first = true;
      for (std::size_t i = 0; i < schema::enum_values_max; ++i) {
        const auto name = schema::enum_name(static_cast<T>(i));
        if (name.empty()) continue;
        enums << (is_first ? "" : ", ") << i << " `" << name << "`";
        is_first = false;
      }
      enums << "\n\n";
    } else if constexpr (schema::Described<T>) {
      if (!seen_.insert(type_name<T>()).second) return;
      structs << "### " << type_name<T>() << "\n\n" << field_table<T>() << "\n";
      walk_fields<T>();
    }
  }

  std::set<std::string> seen_;
};

}  // namespace

std::string messages_table() {
  std::ostringstream out;
  examples::for_each_message_type([&](auto type) {
    using M = typename decltype(type)::type;
    out << "### " << M::name << " (" << M::number << ")\n\n"
        << M::doc << "\n\n"
        << field_table<M>() << "\n";
  });
  return out.str();
}

std::string structs_table() {
  return Collected::all().structs.str();
}

std::string enums_table() {
  return Collected::all().enums.str();
}

}  // namespace framebus::golden
