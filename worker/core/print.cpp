// Events and actions as one line of text each, for logs and for the messages of failing tests.
//
// Any described struct is printed from its field table; empty fields are left out and long bytes
// are cut.
#include <sstream>
#include <type_traits>

#include "worker/core/action.h"
#include "worker/core/event.h"

namespace framebus::worker {
namespace {

constexpr std::size_t bytes_shown_max = 64;

template <class T>
constexpr bool is_vector = false;
template <class T>
constexpr bool is_vector<std::vector<T>> = true;

template <class T>
void print(std::ostream& out, const T& value) {
  if constexpr (schema::Described<T>) {
    out << '{';
    bool first = true;
    schema::for_each_field<T>([&](const auto& field) {
      if (value.*field.member == T{}.*field.member) return;
      out << (first ? "" : ", ") << field.name << ' ';
      first = false;
      print(out, value.*field.member);
    });
    out << '}';
  } else if constexpr (std::is_same_v<T, Bytes>) {
    out << '\'' << text_of(BytesView(value).first(std::min(value.size(), bytes_shown_max))) << '\'';
  } else if constexpr (is_vector<T>) {
    out << '[';
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (i != 0) out << ", ";
      print(out, value[i]);
    }
    out << ']';
  } else if constexpr (std::is_same_v<T, std::string>) {
    out << '"' << value << '"';
  } else if constexpr (std::is_same_v<T, Token>) {
    out << value.epoch << '.' << value.grant;
  } else if constexpr (std::is_enum_v<T>) {
    out << static_cast<int>(value);
  } else if constexpr (std::is_arithmetic_v<T>) {
    out << +value;
  } else {
    out << to_string(value);  // identities
  }
}

template <class... Parts>
std::string line(const char* name, const Parts&... parts) {
  std::ostringstream out;
  out << name;
  ((out << ' ', print(out, parts)), ...);
  return out.str();
}

std::string text_of_message(const Message& message) {
  return std::visit([](const auto& each) { return line(each.name, each); }, message);
}

struct Printer {
  std::string operator()(const Connected& e) { return line("Connected", e.connection); }
  std::string operator()(const Closed& e) { return line("Closed", e.connection, e.reason); }
  std::string operator()(const Received& e) {
    return line("Received", e.connection) + " " + text_of_message(e.message);
  }
  std::string operator()(const ExecutorStarted& e) { return line("ExecutorStarted", e.attempt); }
  std::string operator()(const ExecutorUnavailable& e) {
    return line("ExecutorUnavailable", e.attempt, e.reason);
  }
  std::string operator()(const ExecutorLog& e) {
    return line("ExecutorLog", e.attempt, e.skipped_bytes, e.bytes);
  }
  std::string operator()(const CommandFinished& e) {
    return line("CommandFinished", e.number, e.error, e.payload);
  }
  std::string operator()(const ExecutorProgress& e) {
    return line("ExecutorProgress", e.attempt, e.permille, e.status);
  }
  std::string operator()(const ExecutorFinished& e) {
    return line("ExecutorFinished", e.attempt, e.outcome, e.result, e.error, e.permanent,
                e.log_tail);
  }
  std::string operator()(const LoadSampled& e) { return line("LoadSampled", e.load); }
  std::string operator()(const DrainRequested&) { return "DrainRequested"; }
  std::string operator()(const StopRequested&) { return "StopRequested"; }
  std::string operator()(const Tick&) { return "Tick"; }
  std::string operator()(const Connect& a) { return line("Connect", a.connection, a.url); }
  std::string operator()(const Disconnect& a) { return line("Disconnect", a.connection, a.reason); }
  std::string operator()(const Send& a) {
    return line("Send", a.connection) + " " + text_of_message(a.message);
  }
  std::string operator()(const Joined& a) {
    return line("Joined", a.session, a.epoch, a.bulk_endpoint);
  }
  std::string operator()(const StartAttempt& a) { return line("StartAttempt", a.attempt, a.step); }
  std::string operator()(const CancelAttempt& a) {
    return line("CancelAttempt", a.attempt, a.reason);
  }
  std::string operator()(const KillAttempt& a) { return line("KillAttempt", a.attempt, a.reason); }
  std::string operator()(const StartCommand& a) {
    return line("StartCommand", a.number, a.verb, a.payload, a.load_id);
  }
  std::string operator()(const CancelCommand& a) { return line("CancelCommand", a.number); }
  std::string operator()(const Exit& a) { return line("Exit", a.code, a.reason, a.restart); }
  std::string operator()(const Note& a) { return line("Note", a.level, a.text); }
};

}  // namespace

std::string to_string(const Event& event) {
  return std::visit(Printer{}, event);
}
std::string to_string(const Action& action) {
  return std::visit(Printer{}, action);
}

}  // namespace framebus::worker
