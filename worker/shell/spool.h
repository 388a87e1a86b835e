// Where executors' processes write blobs before the worker sends them: a folder for each process,
// and how much may lie there.
//
// A folder goes with its process, whatever it left there: one that was killed in the middle of a
// write tidies nothing up. The bound is kept by the executor's own side and looked at again by the
// worker; a process that writes where it was not asked to can not be stopped by either. Thread
// rule: a SpoolFolder belongs to one thread; SpoolBudget is thread-safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>

#include "libmsg/base/result.h"

namespace framebus::worker {

class SpoolFolder {
 public:
  SpoolFolder() = default;  // none
  // A new, private folder in `spool`.
  static Result<SpoolFolder> make(const std::filesystem::path& spool);
  SpoolFolder(SpoolFolder&& other) noexcept;
  SpoolFolder& operator=(SpoolFolder&& other) noexcept;
  ~SpoolFolder();

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// resource_exhausted names all the numbers.
Status check_spool_room(std::uint64_t bytes, std::uint64_t held_bytes, std::uint64_t bytes_max);

// What one process has in its folder.
class SpoolBudget {
 public:
  class Hold {
   public:
    Hold(SpoolBudget& budget, std::uint64_t bytes) : budget_(&budget), bytes_(bytes) {}
    Hold(Hold&& other) noexcept;
    Hold& operator=(Hold&&) = delete;
    ~Hold();

   private:
    SpoolBudget* budget_;
    std::uint64_t bytes_;
  };
  // Until the Hold goes, these bytes count.
  Result<Hold> hold(std::uint64_t bytes, std::uint64_t bytes_max);

 private:
  std::mutex mutex_;
  std::uint64_t held_bytes_ = 0;
};

}  // namespace framebus::worker
