// The private directory of a `framebus local`, and those that killed ones have left behind.
//
// Whoever uses a directory holds a lock on the file `owner` in it; the system lets go of it however
// the process ends. So a directory whose lock is free belongs to nobody, whatever process has that
// number by now. Thread rule: one thread.
#pragma once

#include <filesystem>
#include <memory>

#include "libmsg/base/result.h"

namespace framebus::client {

class LocalDirectory {
 public:
  // "framebus-local-XXXXXX" in `base`, mode 0700. With `keep` it stays, also after a kill.
  static Result<std::unique_ptr<LocalDirectory>> make(const std::filesystem::path& base, bool keep);
  ~LocalDirectory();  // removes it unless it is kept
  LocalDirectory(const LocalDirectory&) = delete;
  LocalDirectory& operator=(const LocalDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }

  // Removes directories in `base` that this user's killed processes have left; returns how many.
  // What it can not remove it leaves.
  static std::size_t remove_abandoned(const std::filesystem::path& base);

 private:
  LocalDirectory(std::filesystem::path path, int lock, bool keep)
      : path_(std::move(path)), lock_(lock), keep_(keep) {}

  std::filesystem::path path_;
  int lock_;
  bool keep_;
};

// Where they go: the system's folder for temporary files, or /tmp when that is too long for the
// paths of sockets (107 bytes).
std::filesystem::path local_base();

}  // namespace framebus::client
