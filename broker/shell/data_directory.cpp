// See data_directory.h.
#include "broker/shell/data_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <ctime>

namespace framebus::broker {
namespace {

constexpr std::size_t token_key_bytes = 16;
constexpr std::size_t epoch_file_bytes_max = 32;

Result<std::filesystem::path> users_state_directory() {
  const char* const state = std::getenv("XDG_STATE_HOME");
  if (state && *state) return std::filesystem::path(state) / "framebus" / "broker";
  const char* const home = std::getenv("HOME");
  if (home && *home)
    return std::filesystem::path(home) / ".local" / "state" / "framebus" / "broker";
  return fail(Code::invalid_argument,
              "data: neither HOME nor XDG_STATE_HOME is set; say --data DIR");
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

}  // namespace

Result<Bytes> make_token_key() {
  Bytes key(token_key_bytes);
  if (::getrandom(key.data(), key.size(), 0) != static_cast<ssize_t>(key.size()))
    return fail(errno_error(errno, "random bytes for", "token.key"));
  return key;
}

Result<DataDirectory> DataDirectory::open(const std::string& path, bool ephemeral) {
  DataDirectory directory;
  directory.ephemeral_ = ephemeral;
  if (!path.empty()) {
    directory.path_ = path;
  } else if (ephemeral) {
    FRAMEBUS_ASSIGN(directory.path_, new_temporary_directory());
    directory.is_temporary_ = true;
  } else {
    FRAMEBUS_ASSIGN(directory.path_, users_state_directory());
  }
  std::error_code error;
  directory.path_ = std::filesystem::absolute(directory.path_, error).lexically_normal();
  if (!directory.path_.has_filename()) directory.path_ = directory.path_.parent_path();
  if (directory.path_.has_parent_path())
    std::filesystem::create_directories(directory.path_.parent_path(), error);
  FRAMEBUS_TRY(make_directory(directory.path_));
  FRAMEBUS_TRY(check_is_private(directory.path_));
  FRAMEBUS_TRY(directory.lock());
  FRAMEBUS_TRY(directory.raise_epoch());
  FRAMEBUS_TRY(directory.load_token_key());
  std::filesystem::remove(directory.endpoints_file(), error);
  std::filesystem::remove_all(directory.path_ / "blobs-ephemeral", error);
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
  if (ephemeral_) std::filesystem::remove_all(blobs(), ignored);
  if (is_temporary_) std::filesystem::remove_all(path_, ignored);
}

Status DataDirectory::lock() {
  FRAMEBUS_ASSIGN(FileDescriptor file, open_file(path_ / "lock", O_RDWR | O_CREAT, 0600));
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return fail(errno_error(errno, "lock", path_ / "lock"));
    return fail(Code::failed_precondition,
                "data: another broker runs in " + path_.string() +
                    "; stop it or give this one a directory of its own with --data DIR");
  }
  lock_ = std::move(file);
  return {};
}

Status DataDirectory::raise_epoch() {
  const std::filesystem::path file = path_ / "epoch";
  std::uint64_t last = is_temporary_ ? first_epoch() : 0;
  auto content = read_small_file(file, epoch_file_bytes_max);
  if (content) {
    const auto* const begin = reinterpret_cast<const char*>(content->data());
    const auto [stop, error] = std::from_chars(begin, begin + content->size(), last);
    if (error != std::errc{} ||
        std::string_view(stop, static_cast<std::size_t>(begin + content->size() - stop)) != "\n") {
      return fail(Code::data_loss,
                  file.string() +
                      " does not hold a number; restore it from a copy, or remove the "
                      "directory if no worker holds work of this broker");
    }
  } else if (content.error().code != Code::not_found) {
    return fail(content.error());
  }
  epoch_ = last + 1;
  return replace_file(file, bytes_of(std::to_string(epoch_) + "\n"));
}

Status DataDirectory::load_token_key() {
  const std::filesystem::path file = path_ / "token.key";
  auto content = read_small_file(file, token_key_bytes);
  if (content && content->size() == token_key_bytes) {
    token_key_ = std::move(*content);
    return {};
  }
  if (content || content.error().code == Code::resource_exhausted) {
    return fail(Code::data_loss, file.string() + " does not hold a key of " +
                                     std::to_string(token_key_bytes) + " bytes");
  }
  if (content.error().code != Code::not_found) return fail(content.error());
  FRAMEBUS_ASSIGN(token_key_, make_token_key());
  return replace_file(file, token_key_);
}

}  // namespace framebus::broker
