#include "worker/shell/home.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "libmsg/base/check.h"
#include "libmsg/base/limits.h"
#include "libmsg/blob/posix_file.h"

namespace framebus::worker {
namespace {

constexpr unsigned places_max = limits::slots_per_worker_max;

tl::unexpected<Error> system_failure(const std::filesystem::path& path, const char* what) {
  const int number = errno;
  return fail(number == ENOSPC ? Code::resource_exhausted : Code::invalid_argument,
              std::string(what) + " " + path.string() + ": " + std::strerror(number) +
                  "; choose another directory with --data");
}

void fill_random(void* bytes, std::size_t byte_count) {
  FRAMEBUS_CHECK(::getrandom(bytes, byte_count, 0) == static_cast<ssize_t>(byte_count),
                 "the kernel gives random bytes");
}

Status make_directory(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path.parent_path(), error);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return system_failure(path, "create directory");
  if (!std::filesystem::is_directory(path, error))
    return fail(Code::invalid_argument, path.string() + " is not a directory");
  return {};
}

// Descriptor of the locked file, or -1 when somebody else holds it.
Result<int> try_lock(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return system_failure(path, "open");
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return descriptor;
  const bool taken = errno == EWOULDBLOCK;
  const auto failure = system_failure(path, "lock");
  ::close(descriptor);
  if (!taken) return failure;
  return -1;
}

Result<WorkerId> read_or_make_id(const std::filesystem::path& path) {
  WorkerId id;
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    fill_random(id.bytes.data(), id.bytes.size());
    FRAMEBUS_TRY(replace_file(path, bytes_of(to_string(id) + "\n")));
    return id;
  }
  std::ifstream file(path);
  std::string text;
  file >> text;
  if (!from_hex(text, id.bytes.data(), id.bytes.size()) || id.is_none())
    return fail(Code::invalid_argument,
                path.string() +
                    ": not a worker id (32 hexadecimal digits); remove the file to get a new one");
  return id;
}

}  // namespace

Home::Home(Home&& other) noexcept
    : data_(std::move(other.data_)),
      directory_(std::move(other.directory_)),
      lock_(other.lock_),
      id_(other.id_) {
  other.lock_ = -1;
}

Home::~Home() {
  if (lock_ >= 0) ::close(lock_);
}

Result<Home> Home::open(const std::filesystem::path& data_directory) {
  for (unsigned place = 0; place < places_max; ++place) {
    const std::filesystem::path directory =
        place == 0 ? data_directory : data_directory / ("worker-" + std::to_string(place));
    FRAMEBUS_TRY(make_directory(directory));
    FRAMEBUS_ASSIGN(const int lock, try_lock(directory / "worker.lock"));
    if (lock < 0) continue;
    Home home(data_directory, directory, lock);
    FRAMEBUS_ASSIGN(home.id_, read_or_make_id(directory / "worker_id"));
    std::error_code ignored;  // what can not be removed shows when it is written again
    std::filesystem::remove_all(home.spool(), ignored);
    FRAMEBUS_TRY(make_directory(home.spool()));
    return home;
  }
  return fail(Code::resource_exhausted, data_directory.string() + ": " +
                                            std::to_string(places_max) +
                                            " workers use this directory already");
}

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  fill_random(&seed, sizeof seed);
  return seed;
}

}  // namespace framebus::worker
