#include "client/lib/file_transfer.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>

#include "libmsg/base/limits.h"

namespace framebus::client {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t in_memory_bytes_max = 8 * limits::MiB;

tl::unexpected<Error> system_failure(const std::string& what, const fs::path& path,
                                     const std::error_code& error) {
  return fail(Code::invalid_argument, what + " " + path.string() + ": " + error.message());
}

// A name that no other process or thread uses at the same time.
fs::path beside(const fs::path& destination) {
  static std::atomic<unsigned> counter{0};
  return destination.parent_path() /
         ("." + destination.filename().string() + "." + std::to_string(getpid()) + "." +
          std::to_string(counter++) + ".part");
}

Status make_folders(const fs::path& destination) {
  if (!destination.has_parent_path()) return {};
  std::error_code error;
  fs::create_directories(destination.parent_path(), error);
  if (error) return system_failure("cannot make the folder", destination.parent_path(), error);
  return {};
}

// Blob files are private (0600); what people asked for gets the mode of any new file of theirs,
// which only making one tells without touching the process's umask.
fs::perms mode_of_new_file(const fs::path& beside_it) {
  const fs::path probe = beside(beside_it);
  std::error_code error;
  { const std::ofstream made(probe); }
  const fs::perms mode = fs::status(probe, error).permissions();
  fs::remove(probe, error);
  return mode == fs::perms::unknown ? fs::perms::owner_read | fs::perms::owner_write : mode;
}

}  // namespace

Status write_file(const fs::path& destination, BytesView bytes) {
  FRAMEBUS_TRY(make_folders(destination));
  const fs::path part = beside(destination);
  std::ofstream file(part, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  file.close();
  std::error_code error;
  if (!file) {
    error = std::error_code(errno, std::generic_category());
    std::error_code ignored;
    fs::remove(part, ignored);
    return system_failure("cannot write", destination, error);
  }
  fs::rename(part, destination, error);
  if (!error) return {};
  std::error_code ignored;
  fs::remove(part, ignored);
  return system_failure("cannot write", destination, error);
}

Result<fs::path> fetch_to_file(BlobClient& client, const BlobRef& blob, const fs::path& destination,
                               const std::atomic<bool>* cancelled) {
  if (blob.size <= in_memory_bytes_max) {
    FRAMEBUS_ASSIGN(const Bytes bytes, client.fetch_bytes(blob, in_memory_bytes_max, cancelled));
    FRAMEBUS_TRY(write_file(destination, bytes));
    return destination;
  }
  FRAMEBUS_TRY(make_folders(destination));
  const fs::path part = beside(destination);
  std::error_code error;
  Result<fs::path> outcome = destination;
  {
    FRAMEBUS_ASSIGN(auto store, open_blob_store(part, false));
    const Result<fs::path> stored = client.fetch(blob, *store, cancelled);
    if (!stored) {
      outcome = fail(stored.error());
    } else {
      fs::permissions(*stored, mode_of_new_file(destination), error);
      fs::rename(*stored, destination, error);
      if (error) outcome = system_failure("cannot write", destination, error);
    }
  }
  fs::remove_all(part, error);
  return outcome;
}

}  // namespace framebus::client
