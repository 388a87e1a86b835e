// A file read through a window that moves forward: a snapshot of gigabytes in a megabyte of memory.
//
// Thread rule: one thread at a time.
#pragma once

#include <cstdint>
#include <memory>

#include "libmsg/base/bytes.h"
#include "libmsg/base/result.h"
#include "libmsg/disk/disk.h"

namespace framebus::broker::journal {

class FileWindow {
 public:
  static Result<FileWindow> open(Disk& disk, const std::filesystem::path& path);

  std::uint64_t size() const { return size_; }
  // `length` bytes from `offset`, fewer at the end of the file; valid until the next call. Costs a
  // read only when they are not in the window.
  Result<BytesView> view(std::uint64_t offset, std::size_t length);

 private:
  FileWindow(std::unique_ptr<DiskFile> file, std::uint64_t size)
      : file_(std::move(file)), size_(size) {}

  std::unique_ptr<DiskFile> file_;
  std::uint64_t size_;
  std::uint64_t begin_ = 0;  // of the window
  Bytes bytes_;
};

}  // namespace framebus::broker::journal
