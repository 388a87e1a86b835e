// See data_directory.h.
#include "broker/shell/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>

#include "broker/shell/durable_start.h"

namespace framebus::broker {
namespace {

constexpr std::size_t pid_file_bytes_max = 32;

Error with_advice(Error error, const std::filesystem::path& path) {
  if (error.code != Code::permission_denied || error.message.starts_with("data: ")) return error;
  error.message = "data: " + error.message + "; the broker must be able to write to " +
                  path.string() +
                  " (is it on a read-only file system, or another user's?). Give it another "
                  "directory with --data DIR";
  return error;
}

Result<std::filesystem::path> new_temporary_directory() {
  std::error_code error;
  std::string pattern =
      (std::filesystem::temp_directory_path(error) / "framebus-broker-XXXXXX").string();
  if (error || !::mkdtemp(pattern.data()))
    return fail(errno_error(errno, "make directory", pattern));
  return std::filesystem::path(pattern);
}

// A directory made a moment ago knows no epoch; counting from the clock keeps a broker that gets a
// fresh temporary directory at each start from repeating the tokens and cursors of its
// predecessors.
std::uint64_t first_epoch() {
  return static_cast<std::uint64_t>(std::time(nullptr));
}

// Whoever may write there can put a key of their own in place of ours, and sign tokens. (Groups
// are left to people: with a umask of 002 every directory is writable for one's own.)
Status check_is_private(const std::filesystem::path& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return fail(errno_error(errno, "stat", path));
  if ((found.st_mode & S_IWOTH) == 0) return {};
  return fail(Code::permission_denied, "data: every user may write to " + path.string() +
                                           "; say chmod 700 " + path.string() +
                                           ", or choose another directory");
}

Status take_lock(int fd, const std::filesystem::path& path) {
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return {};
  if (errno != EWOULDBLOCK) return fail(errno_error(errno, "lock", path));
  const auto holder = read_small_file(path, pid_file_bytes_max);
  std::string pid = holder ? std::string(holder->begin(), holder->end()) : std::string();
  while (!pid.empty() && pid.back() == '\n') pid.pop_back();
  return fail(Code::failed_precondition,
              "data: another broker" + (pid.empty() ? "" : " (process " + pid + ")") + " runs in " +
                  path.parent_path().string() +
                  "; stop it or give this one a directory of its own with --data DIR");
}

}  // namespace

Result<FileDescriptor> lock_for_reading(const std::filesystem::path& data) {
  const std::filesystem::path path = data / "lock";
  auto file = open_file(path, O_RDONLY);
  if (!file && file.error().code == Code::not_found) return FileDescriptor();
  if (!file) return fail(file.error());
  FRAMEBUS_TRY(take_lock(file->get(), path));
  return file;
}

Result<std::filesystem::path> default_data_directory() {
  const char* const state = std::getenv("XDG_STATE_HOME");
  if (state && *state) return std::filesystem::path(state) / "framebus" / "broker";
  const char* const home = std::getenv("HOME");
  if (home && *home)
    return std::filesystem::path(home) / ".local" / "state" / "framebus" / "broker";
  return fail(Code::invalid_argument,
              "data: neither HOME nor XDG_STATE_HOME is set; say --data DIR");
}

Status DataDirectory::choose_path(const std::string& path) {
  if (!path.empty()) {
    path_ = path;
  } else if (ephemeral_) {
    FRAMEBUS_ASSIGN(path_, new_temporary_directory());
    is_temporary_ = true;
  } else {
    FRAMEBUS_ASSIGN(path_, default_data_directory());
  }
  std::error_code error;
  path_ = std::filesystem::absolute(path_, error).lexically_normal();
  if (!path_.has_filename()) path_ = path_.parent_path();
  return {};
}

Result<DataDirectory> DataDirectory::open(const std::string& path, bool ephemeral) {
  DataDirectory directory;
  directory.ephemeral_ = ephemeral;
  FRAMEBUS_TRY(directory.choose_path(path));
  const auto disk = make_posix_disk();
  const auto prepare = [&directory, &disk]() -> Status {
    FRAMEBUS_TRY(make_durable_directory(*disk, directory.path_));
    FRAMEBUS_TRY(check_is_private(directory.path_));
    FRAMEBUS_TRY(directory.lock());
    FRAMEBUS_TRY(directory.load_lasting(*disk));
    std::error_code ignored;
    std::filesystem::remove(directory.endpoints_file(), ignored);
    std::filesystem::remove_all(directory.path_ / "ephemeral", ignored);
    if (directory.ephemeral_) FRAMEBUS_TRY(make_directory(directory.kept()));
    return {};
  };
  if (const Status prepared = prepare(); !prepared)
    return fail(with_advice(prepared.error(), directory.path_));
  return directory;
}

DataDirectory::DataDirectory(DataDirectory&& other) noexcept
    : path_(std::move(other.path_)),
      ephemeral_(other.ephemeral_),
      is_temporary_(other.is_temporary_),
      lock_(std::move(other.lock_)),
      epoch_(other.epoch_),
      token_key_(std::move(other.token_key_)) {
  other.is_temporary_ = false;
}

DataDirectory::~DataDirectory() {
  if (!lock_.is_open()) return;
  std::error_code ignored;
  std::filesystem::remove(endpoints_file(), ignored);
  if (ephemeral_) std::filesystem::remove_all(kept(), ignored);
  if (is_temporary_) std::filesystem::remove_all(path_, ignored);
}

Status DataDirectory::lock() {
  const std::filesystem::path path = path_ / "lock";
  FRAMEBUS_ASSIGN(FileDescriptor file, open_file(path, O_RDWR | O_CREAT, 0600));
  FRAMEBUS_TRY(take_lock(file.get(), path));
  // For people; the lock itself is the kernel's and ends with the process.
  if (::ftruncate(file.get(), 0) != 0) return fail(errno_error(errno, "truncate", path));
  FRAMEBUS_TRY(write_at(file.get(), 0, bytes_of(std::to_string(::getpid()) + "\n"), path));
  lock_ = std::move(file);
  return {};
}

Status DataDirectory::load_lasting(Disk& disk) {
  EpochRule rule;
  if (is_temporary_) rule.base = first_epoch();
  if (!ephemeral_) rule.forbidden = journal();
  if (!ephemeral_) FRAMEBUS_TRY(check_token_key(disk, path_));
  FRAMEBUS_ASSIGN(epoch_, raise_epoch(disk, path_, rule));
  FRAMEBUS_ASSIGN(token_key_, ephemeral_ ? make_token_key() : load_token_key(disk, path_));
  return {};
}

}  // namespace framebus::broker
