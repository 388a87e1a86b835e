// One task in detail: what went wrong with it, and its attempts. Private to client/output.
#pragma once

#include <string>

#include "client/output/report.h"
#include "client/output/terminal.h"

namespace framebus::client {

// "task 3:17 dead after 3 tries, last on node7:4711", its counters, its errors with their logs.
std::string trouble_text(const TaskSummary& task, const Terminal& terminal);

// The last errors, each with the end of its attempt's log.
std::string errors_text(const TaskSummary& task, const Terminal& terminal);

// A line for each attempt that is remembered; nothing when there are none.
std::string attempts_table(const TaskSummary& task, const Terminal& terminal);

}  // namespace framebus::client
