#include "client/lib/request_kinds.h"

namespace framebus::client {
namespace {

template <class M>
constexpr bool is_request =
    std::is_same_v<M, Submit> || std::is_same_v<M, SubmitOpen> || std::is_same_v<M, SubmitPart> ||
    std::is_same_v<M, SubmitCommit> || std::is_same_v<M, Act> || std::is_same_v<M, Query> ||
    std::is_same_v<M, LogRead> || std::is_same_v<M, Command> || std::is_same_v<M, Administer>;

template <class... Ms>
bool is_one_of(const Message& message) {
  return (std::holds_alternative<Ms>(message) || ...);
}

}  // namespace

bool set_request(Message& message, std::uint64_t id) {
  return std::visit(
      [id](auto& m) {
        if constexpr (is_request<std::decay_t<decltype(m)>>) {
          m.request = id;
          return true;
        } else {
          return false;
        }
      },
      message);
}

const char* name_of_request(const Message& message) {
  return std::visit([](const auto& m) { return std::decay_t<decltype(m)>::name; }, message);
}

bool is_answer_to(const Message& request, const Message& answer) {
  if (is_one_of<Submit, SubmitCommit>(request)) return is_one_of<SubmitOk, InputsMissing>(answer);
  if (is_one_of<SubmitOpen>(request)) return is_one_of<SubmitOpenOk, SubmitOk>(answer);
  if (is_one_of<SubmitPart>(request)) return is_one_of<SubmitPartOk>(answer);
  if (is_one_of<Act>(request)) return is_one_of<ActOk>(answer);
  if (is_one_of<LogRead>(request)) return is_one_of<LogData>(answer);
  if (is_one_of<Command>(request)) return is_one_of<CommandDone>(answer);
  if (is_one_of<Administer>(request)) return is_one_of<AdministerOk>(answer);
  return is_one_of<QueryReply>(answer);
}

bool may_be_repeated(const Message& request) {
  return !is_one_of<Command>(request);
}

bool names_a_job(const Message& request) {
  return is_one_of<Act, LogRead>(request);
}

}  // namespace framebus::client
