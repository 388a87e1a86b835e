// See file_window.h.
#include "broker/store/journal/file_window.h"

#include <algorithm>

namespace framebus::broker::journal {
namespace {

constexpr std::size_t window_bytes = 1024 * 1024;

}  // namespace

Result<FileWindow> FileWindow::open(Disk& disk, const std::filesystem::path& path) {
  FRAMEBUS_ASSIGN(std::unique_ptr<DiskFile> file, disk.open(path, OpenFor::read));
  FRAMEBUS_ASSIGN(const std::uint64_t size, file->size());
  return FileWindow(std::move(file), size);
}

Result<BytesView> FileWindow::view(std::uint64_t offset, std::size_t length) {
  if (offset >= size_) return BytesView{};
  length = static_cast<std::size_t>(std::min<std::uint64_t>(length, size_ - offset));
  if (offset < begin_ || offset + length > begin_ + bytes_.size()) {
    const auto wanted = static_cast<std::size_t>(
        std::min<std::uint64_t>(std::max(length, window_bytes), size_ - offset));
    bytes_.resize(wanted);
    FRAMEBUS_ASSIGN(const std::size_t got, file_->read(offset, bytes_));
    bytes_.resize(got);
    begin_ = offset;
    length = std::min(length, got);
  }
  return BytesView(bytes_).subspan(offset - begin_, length);
}

}  // namespace framebus::broker::journal
