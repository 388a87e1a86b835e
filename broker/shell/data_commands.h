// `framebus-broker journal ...` and `framebus-broker archive ...`: what a person does with a data
// directory while no broker runs on it. Thread rule: the main thread.
#pragma once

#include <optional>

namespace framebus::broker {

// The exit code, when the first word names such a command; none: it is a broker that is to start.
std::optional<int> run_data_command(int argc, const char* const* argv,
                                    const char* const* environment);

}  // namespace framebus::broker
