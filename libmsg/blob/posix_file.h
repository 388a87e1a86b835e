// The few file operations of what does not go through a Disk (libmsg/disk/disk.h): logs, sockets'
// ends, files of users.
//
// Every error names the path and what was attempted; ENOSPC and EDQUOT are resource_exhausted.
// Thread rule: a FileDescriptor belongs to one thread at a time; free functions may run anywhere.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "libmsg/base/bytes.h"
#include "libmsg/base/result.h"

namespace framebus {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() { reset(); }
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(other.release()) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  int release() noexcept;
  void reset() noexcept;

 private:
  int fd_ = -1;
};

// The Error of an errno value: "WHAT PATH: No space left on device".
Error errno_error(int errno_value, const std::string& what, const std::filesystem::path& path);

// open(2) with O_CLOEXEC; `mode` counts only when `flags` create.
Result<FileDescriptor> open_file(const std::filesystem::path& path, int flags,
                                 unsigned mode = 0600);

// All of `bytes` at `offset`, or an error.
Status write_at(int fd, std::uint64_t offset, BytesView bytes, const std::filesystem::path& path);

// Fills `into` from `offset`; returns how many bytes there were (fewer only at the end of the
// file).
Result<std::size_t> read_at(int fd, std::uint64_t offset, std::span<std::uint8_t> into,
                            const std::filesystem::path& path);

// Makes one directory with mode 0700; true when it did not exist before.
Result<bool> make_directory(const std::filesystem::path& path);

// As in libmsg/disk/small_file.h, on the file system.
Result<Bytes> read_small_file(const std::filesystem::path& path, std::size_t bytes_max);
Status replace_file(const std::filesystem::path& path, BytesView content);

}  // namespace framebus
