#include "broker/core/conservation.h"

namespace framebus::broker {
namespace {

// Counted from the state itself, not from the Ledger.
struct Present {
  std::uint64_t requests = 0;  // that wait for their answer, the one at hand among them
  std::uint64_t tasks = 0;
  std::uint64_t open_tasks = 0;
  std::uint64_t leases = 0;
  std::uint64_t answers = 0;
};

Present count(const State& state) {
  Present out;
  out.requests = state.commands.size() + state.archive.parked + (state.in_request ? 1 : 0);
  for (const auto& [id, job] : state.jobs) {
    out.tasks += job.tasks.size();
    out.open_tasks += job.open_tasks();
  }
  for (const auto& [id, worker] : state.workers) {
    out.leases += worker.leases.size();
    out.answers += worker.asked.size();
  }
  return out;
}

struct Sum {
  std::string_view name;
  std::uint64_t in;
  std::uint64_t out;
};

std::vector<Sum> sums(const State& state, const Present& now) {
  const Ledger& sum = state.ledger;
  return {
      {"requests: received = answered + refused + handed on + dropped + outstanding",
       sum.requests_received,
       sum.requests_answered + sum.requests_refused + sum.requests_handed_on +
           sum.requests_dropped + now.requests},
      {"requests: none forgotten", sum.requests_forgotten, 0},
      {"tasks: accepted = forgotten + in memory", sum.tasks_accepted,
       sum.tasks_forgotten + now.tasks},
      {"tasks: accepted + reopened = ended + open", sum.tasks_accepted + sum.tasks_reopened,
       sum.tasks_ended + now.open_tasks},
      {"leases: opened = closed + open", sum.leases_opened, sum.leases_closed + now.leases},
      {"answers: asked = given + dropped + outstanding", sum.answers_asked,
       sum.answers_given + sum.answers_dropped + now.answers},
  };
}

}  // namespace

std::vector<std::string> conservation_faults(const State& state) {
  std::vector<std::string> faults;
  for (const Sum& sum : sums(state, count(state))) {
    if (sum.in == sum.out) continue;
    faults.push_back(std::string(sum.name) + ": found " + std::to_string(sum.in) + " and " +
                     std::to_string(sum.out));
  }
  return faults;
}

void add_conservation(const State& state, std::vector<Counter>& counters) {
  const Present now = count(state);
#define FRAMEBUS_X(name) counters.push_back({"conservation." #name, state.ledger.name});
  FRAMEBUS_LEDGER(FRAMEBUS_X)
#undef FRAMEBUS_X
  counters.push_back({"conservation.requests_outstanding", now.requests});
  counters.push_back({"conservation.tasks_open", now.open_tasks});
  counters.push_back({"conservation.leases_open", now.leases});
  counters.push_back({"conservation.answers_outstanding", now.answers});
  counters.push_back({"conservation.faults", conservation_faults(state).size()});
}

}  // namespace framebus::broker
