// What came in and what became of it, counted where it happens, so that a loss shows: requests,
// tasks, leases. Part of State; balanced by faults_of() (conservation.h), also in BrokerStatus.
#pragma once

#include <cstdint>

namespace framebus::broker {

// X(name)
// requests: received = answered + refused + handed_on + dropped + those that wait (commands,
// parked) tasks:    accepted = forgotten + those in memory; accepted + reopened = ended + open
// leases:   opened = closed + open
// answers:  asked = those given (each worker asked by a command) + outstanding
#define FRAMEBUS_LEDGER(X)                                                                        \
  X(requests_received)                                                                            \
  X(requests_answered) X(requests_refused) X(requests_handed_on) X(requests_dropped)              \
      X(requests_forgotten) X(tasks_accepted) X(tasks_forgotten) X(tasks_ended) X(tasks_reopened) \
          X(leases_opened) X(leases_closed) X(answers_asked) X(answers_given) X(answers_dropped)

struct Ledger {
#define FRAMEBUS_X(name) std::uint64_t name = 0;
  FRAMEBUS_LEDGER(FRAMEBUS_X)
#undef FRAMEBUS_X
};

}  // namespace framebus::broker
