#include "worker/shell/spool.h"

#include <atomic>
#include <string>
#include <system_error>
#include <utility>

#include "libmsg/blob/posix_file.h"

namespace framebus::worker {

Result<SpoolFolder> SpoolFolder::make(const std::filesystem::path& spool) {
  static std::atomic<std::uint64_t> next_number{1};
  for (;;) {
    SpoolFolder folder;
    folder.path_ = spool / std::to_string(next_number++);
    const Result<bool> made = make_directory(folder.path_);
    if (!made) {
      folder.path_.clear();
      return fail(made.error());
    }
    if (*made) return folder;
    folder.path_.clear();  // somebody else's
  }
}

SpoolFolder::SpoolFolder(SpoolFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}

SpoolFolder& SpoolFolder::operator=(SpoolFolder&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

SpoolFolder::~SpoolFolder() {
  if (path_.empty()) return;
  std::error_code ignored;  // what stays goes at the worker's next start
  std::filesystem::remove_all(path_, ignored);
}

Status check_spool_room(std::uint64_t bytes, std::uint64_t held_bytes, std::uint64_t bytes_max) {
  if (held_bytes <= bytes_max && bytes <= bytes_max - held_bytes) return {};
  return fail(Code::resource_exhausted,
              "a blob of " + std::to_string(bytes) + " bytes beside " + std::to_string(held_bytes) +
                  " on their way to the broker; at most " + std::to_string(bytes_max) +
                  " may lie in one executor's spool (blob-spool-size)");
}

Result<SpoolBudget::Hold> SpoolBudget::hold(std::uint64_t bytes, std::uint64_t bytes_max) {
  const std::lock_guard lock(mutex_);
  FRAMEBUS_TRY(check_spool_room(bytes, held_bytes_, bytes_max));
  held_bytes_ += bytes;
  return Hold(*this, bytes);
}

SpoolBudget::Hold::Hold(Hold&& other) noexcept
    : budget_(std::exchange(other.budget_, nullptr)), bytes_(other.bytes_) {}

SpoolBudget::Hold::~Hold() {
  if (budget_ == nullptr) return;
  const std::lock_guard lock(budget_->mutex_);
  budget_->held_bytes_ -= bytes_;
}

}  // namespace framebus::worker
