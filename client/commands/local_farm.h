// A broker and workers inside this process, for `framebus local`: the code of a farm, with ipc
// endpoints in a private temporary directory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "libmsg/base/result.h"
#include "libmsg/transport/transport.h"

namespace framebus::client {

struct LocalFarmOptions {
  std::uint32_t workers = 1;
  std::uint32_t threads = 0;  // CPU threads of all workers together; 0: all of the machine
  bool keep = false;          // do not remove the directory
};

class LocalFarm {
 public:
  // Returns once the broker listens. Errors name what could not be started.
  static Result<std::unique_ptr<LocalFarm>> start(const LocalFarmOptions& options);
  virtual ~LocalFarm() = default;  // stops everything, removes the directory
  virtual const std::string& broker_url() const = 0;
  virtual const std::filesystem::path& directory() const = 0;
  virtual std::shared_ptr<Context> context() const = 0;
};

}  // namespace framebus::client
