// Where a started broker listens, told to people and programs: a line, a JSON line, a file.
// Thread rule: pure, but for the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "libmsg/base/result.h"

namespace framebus::broker {

struct Endpoints {
  std::string primary;
  std::string worker;
  std::string bulk;
};

struct StartFacts {
  Endpoints endpoints;
  std::string data;
  std::uint64_t epoch = 0;
  std::int64_t pid = 0;
};

// {"primary": "tcp://127.0.0.1:7750", "worker": ..., "bulk": ..., "data": ..., "epoch": 1, "pid":
// 4711}
std::string endpoints_json(const StartFacts& facts);
std::string endpoints_text(const StartFacts& facts);
// Atomically: a reader sees a whole file or none.
Status write_endpoints_file(const std::filesystem::path& path, const StartFacts& facts);

}  // namespace framebus::broker
