// Whole files as bytes, with a bound, for the scene readers.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "libmsg/base/bytes.h"
#include "libmsg/base/result.h"

namespace framebus::render {

// Reads a regular file. Errors are invalid_argument (missing, not a regular file, too large) and
// name `name`, the name the user knows, and the system's error.
Result<Bytes> read_file_bytes(const std::filesystem::path& path, const std::string& name,
                              std::uint64_t bytes_max);

}  // namespace framebus::render
