// See admission.h.
#include "broker/shell/admission.h"

#include "libmsg/codec/codec.h"

namespace framebus::broker {
namespace {

struct Row {
  std::uint16_t number;
  bool primary_may;
  bool worker_may;
};

// Messages without a row come from the broker only. Hello is taken before a session exists.
constexpr Row rows[] = {
    {Heartbeat::number, false, true},    {Goodbye::number, true, true},
    {Submit::number, true, false},       {Act::number, true, false},
    {Query::number, true, false},        {Watch::number, true, false},
    {EventsOk::number, true, false},     {Unwatch::number, true, false},
    {SubmitOpen::number, true, false},   {SubmitPart::number, true, false},
    {SubmitCommit::number, true, false}, {Started::number, false, true},
    {Progress::number, false, true},     {Results::number, false, true},
    {Aborted::number, false, true},      {Log::number, false, true},
    {LogRead::number, true, false},      {Command::number, true, false},
    {CommandReply::number, false, true}, {Ready::number, false, true},
    {Administer::number, true, false},
};

const Row* row_of(std::uint16_t number) {
  for (const Row& row : rows)
    if (row.number == number) return &row;
  return nullptr;
}

const char* role_name(Role role) {
  switch (role) {
    case Role::primary:
      return "primary";
    case Role::worker:
      return "worker";
    case Role::bulk:
      return "bulk";
    case Role::none:
      break;
  }
  return "none";
}

}  // namespace

const char* name_of(Side side) {
  return side == Side::primary ? "primary" : "worker";
}

Status check_may_send(Side side, const Message& message) {
  const Row* const row = row_of(number_of(message));
  if (row && (side == Side::primary ? row->primary_may : row->worker_may)) return {};
  const std::string who = !row ? "the broker" : row->primary_may ? "a primary" : "a worker";
  return fail(Code::permission_denied, std::string(framebus::name_of(message)) + " is sent by " +
                                           who + ", not by a " + name_of(side));
}

Status check_role(Side side, Role role, const Endpoints& endpoints) {
  if (role == (side == Side::primary ? Role::primary : Role::worker)) return {};
  const std::string here =
      std::string("this is the endpoint for ") + (side == Side::primary ? "primaries" : "workers");
  const std::string* right = nullptr;
  if (role == Role::primary) right = &endpoints.primary;
  if (role == Role::worker) right = &endpoints.worker;
  if (role == Role::bulk) right = &endpoints.bulk;
  if (right)
    return fail(Code::permission_denied,
                here + "; role " + role_name(role) + " connects to " + *right);
  return fail(Code::invalid_argument, here + "; Hello.role is " +
                                          std::to_string(static_cast<int>(role)) +
                                          ", allowed are 1 (primary) and 2 (worker)");
}

std::uint64_t request_in(const Message& message) {
  return std::visit(
      [](const auto& each) -> std::uint64_t {
        if constexpr (requires { each.request; })
          return each.request;
        else
          return 0;
      },
      message);
}

}  // namespace framebus::broker
