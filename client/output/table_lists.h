// The tables of jobs, tasks, workers, explanations and answers of workers. Private to
// client/output.
#pragma once

#include <string>

#include "client/output/report.h"
#include "client/output/terminal.h"

namespace framebus::client {

std::string table_of(const JobList& list, const Terminal& terminal);
std::string table_of(const TaskList& list, const Terminal& terminal);
std::string table_of(const WorkerList& list, const Terminal& terminal);
std::string table_of(const Explained& explained, const Terminal& terminal);
std::string table_of(const Commanded& commanded, const Terminal& terminal);

}  // namespace framebus::client
