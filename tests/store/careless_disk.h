// A program's mistakes between it and its disk, planted so that the crash tests must find them.
//
// Thread rule: any thread, as Disk.
#pragma once

#include <memory>

#include "libmsg/disk/disk.h"

namespace framebus::testing {

enum class Carelessness : std::uint8_t {
  none,
  skips_file_sync,       // says that bytes are durable without asking
  skips_directory_sync,  // the same of names
  syncs_after_rename,    // the bytes follow the name: they are synced when the file is closed
};

class CarelessFile final : public DiskFile {
 public:
  CarelessFile(Carelessness how, std::unique_ptr<DiskFile> file)
      : how_(how), file_(std::move(file)) {}
  ~CarelessFile() override {
    if (is_late_) (void)file_->sync();
  }
  CarelessFile(const CarelessFile&) = delete;
  CarelessFile& operator=(const CarelessFile&) = delete;

  Status write(std::uint64_t offset, BytesView bytes) override {
    return file_->write(offset, bytes);
  }
  Result<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> into) const override {
    return file_->read(offset, into);
  }
  Result<std::uint64_t> size() const override { return file_->size(); }
  Status allocate(std::uint64_t bytes) override { return file_->allocate(bytes); }
  Status truncate(std::uint64_t bytes) override { return file_->truncate(bytes); }
  Status sync() override {
    is_late_ = how_ == Carelessness::syncs_after_rename;
    return is_late_ || how_ == Carelessness::skips_file_sync ? Status() : file_->sync();
  }
  void begin_writeback(std::uint64_t offset, std::uint64_t bytes) override {
    file_->begin_writeback(offset, bytes);
  }
  Status touch(FileTime which) override { return file_->touch(which); }

 private:
  const Carelessness how_;
  std::unique_ptr<DiskFile> file_;
  bool is_late_ = false;
};

class CarelessDisk : public Disk {
 public:
  // `clock_ahead`: our clock, against the one by which the file system tells times.
  CarelessDisk(Carelessness how, Disk& disk, Duration clock_ahead = Duration{0})
      : how_(how), disk_(disk), clock_ahead_(clock_ahead) {}

  Result<std::unique_ptr<DiskFile>> open(const std::filesystem::path& path,
                                         OpenFor purpose) override {
    FRAMEBUS_ASSIGN(auto file, disk_.open(path, purpose));
    return std::make_unique<CarelessFile>(how_, std::move(file));
  }
  Status rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    return disk_.rename(from, to);
  }
  Status remove(const std::filesystem::path& path) override { return disk_.remove(path); }
  Status sync_directory(const std::filesystem::path& path) override {
    return how_ == Carelessness::skips_directory_sync ? Status() : disk_.sync_directory(path);
  }
  Result<bool> make_directory(const std::filesystem::path& path) override {
    return disk_.make_directory(path);
  }
  Result<std::vector<std::string>> list(const std::filesystem::path& directory) const override {
    return disk_.list(directory);
  }
  Result<FileFacts> facts(const std::filesystem::path& path) const override {
    FRAMEBUS_ASSIGN(FileFacts found, disk_.facts(path));
    found.since_changed += clock_ahead_;
    found.since_used += clock_ahead_;
    return found;
  }
  Result<std::uint64_t> free_bytes(const std::filesystem::path& path) const override {
    return disk_.free_bytes(path);
  }

 private:
  const Carelessness how_;
  Disk& disk_;
  const Duration clock_ahead_;
};

}  // namespace framebus::testing
