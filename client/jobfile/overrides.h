// --set KEY=VALUE: changes a job file's text before it is read, so that every later check and error
// applies to what was set as well.
#pragma once

#include <string>
#include <vector>

#include "libmsg/base/result.h"

namespace framebus::client {

// The text with one value replaced or added. Lines stay where they are; columns of that line may
// shift. KEY is a path of names and indices; an entry of a list of objects can be named by its
// "name" too. Errors begin with "--set".
Result<std::string> apply_override(std::string text, const std::string& file_name,
                                   const std::string& override);

// The error, with a note of the override whose value it is about, if it is.
Error annotate(Error error, const std::vector<std::string>& overrides);

}  // namespace framebus::client
