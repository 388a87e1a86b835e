// A worker's place on disk: its stable id, its blob cache, its executors' caches and spool.
//
// Several workers may be given the same data directory: each locks the first free place, DATA
// itself, then DATA/worker-1, DATA/worker-2 and so on, so starting the program twice just works and
// each keeps its identity over restarts. The lock ends with the process, however it ends. The blob
// cache is DATA/cache for all of them: the store locks what it writes, and a host fetches a blob
// once.
#pragma once

#include <filesystem>
#include <string>

#include "libmsg/base/ids.h"
#include "libmsg/base/result.h"

namespace framebus::worker {

class Home {
 public:
  // Creates what is missing (mode 0700). Errors name the path: no permission, a damaged worker_id,
  // resource_exhausted when all places are taken.
  static Result<Home> open(const std::filesystem::path& data_directory);
  Home(Home&& other) noexcept;
  Home& operator=(Home&&) = delete;
  ~Home();  // unlocks

  const std::filesystem::path& directory() const { return directory_; }
  const WorkerId& id() const { return id_; }
  std::filesystem::path blob_cache() const { return data_ / "cache"; }
  // Emptied by open(): what an earlier process left there is of no use.
  std::filesystem::path spool() const { return directory_ / "spool"; }
  std::filesystem::path executor_caches() const { return directory_ / "executors"; }

 private:
  Home(std::filesystem::path data, std::filesystem::path directory, int lock)
      : data_(std::move(data)), directory_(std::move(directory)), lock_(lock) {}
  std::filesystem::path data_;
  std::filesystem::path directory_;
  int lock_ = -1;
  WorkerId id_;
};

// From the operating system's generator.
std::uint64_t random_seed();

}  // namespace framebus::worker
