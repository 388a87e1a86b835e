#include "client/commands/local_directory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <vector>

namespace framebus::client {
namespace {

namespace fs = std::filesystem;

constexpr const char* prefix = "framebus-local-";
constexpr const char* owner_file = "owner";
constexpr const char* kept_file = "kept";
constexpr std::size_t base_bytes_max = 60;

std::string problem_text() {
  return std::error_code(errno, std::generic_category()).message();
}

// A directory of this user, not a link to one.
bool is_own_directory(const fs::path& path) {
  struct stat about {};
  return ::lstat(path.c_str(), &about) == 0 && S_ISDIR(about.st_mode) &&
         about.st_uid == ::geteuid();
}

// The descriptor of the locked file; -1 when it is not there or somebody else holds it.
int locked(const fs::path& file, int flags) {
  const int descriptor = ::open(file.c_str(), flags | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) return -1;
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return descriptor;
  ::close(descriptor);
  return -1;
}

}  // namespace

fs::path local_base() {
  std::error_code error;
  const fs::path base = fs::temp_directory_path(error);
  return error || base.string().size() > base_bytes_max ? fs::path("/tmp") : base;
}

Result<std::unique_ptr<LocalDirectory>> LocalDirectory::make(const fs::path& base, bool keep) {
  std::string pattern = (base / prefix).string() + "XXXXXX";
  if (!::mkdtemp(pattern.data())) {
    return fail(Code::unavailable,
                "cannot make a private directory in " + base.string() + ": " + problem_text());
  }
  const fs::path path = pattern;
  // Kept from the beginning: a kill must not make it look abandoned.
  if (keep) {
    const int mark = ::open((path / kept_file).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (mark >= 0) ::close(mark);
  }
  // Locked before it has its name: a process that looks for abandoned ones never finds it free.
  const fs::path unnamed = path / "owner.new";
  int lock = locked(unnamed, O_CREAT | O_EXCL);
  if (lock >= 0 && ::rename(unnamed.c_str(), (path / owner_file).c_str()) != 0) {
    ::close(lock);
    lock = -1;
  }
  if (lock < 0) {
    const std::string why = problem_text();
    std::error_code ignored;
    fs::remove_all(path, ignored);
    return fail(Code::unavailable, "cannot lock " + (path / owner_file).string() + ": " + why);
  }
  return std::unique_ptr<LocalDirectory>(new LocalDirectory(path, lock, keep));
}

LocalDirectory::~LocalDirectory() {
  std::error_code ignored;
  if (!keep_) fs::remove_all(path_, ignored);
  ::close(lock_);
}

std::size_t LocalDirectory::remove_abandoned(const fs::path& base) {
  std::vector<fs::path> candidates;
  std::error_code error;
  for (fs::directory_iterator at(base, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name.starts_with(prefix) && is_own_directory(at->path())) candidates.push_back(at->path());
  }
  std::size_t count = 0;
  for (const fs::path& path : candidates) {
    if (fs::exists(path / kept_file, error)) continue;
    // Without the file it is being made right now, or not one of ours.
    const int lock = locked(path / owner_file, 0);
    if (lock < 0) continue;
    fs::remove_all(path, error);
    if (!error) ++count;
    ::close(lock);
  }
  return count;
}

}  // namespace framebus::client
