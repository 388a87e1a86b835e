// A real disk that at times has no descriptor for whoever wants to read, as in a burst of
// connections.
//
// Thread rule: any thread.
#pragma once

#include <atomic>
#include <memory>

#include "tests/store/careless_disk.h"

namespace framebus::test {

class ScarceDisk final : public testing::CarelessDisk {
 public:
  ScarceDisk() : CarelessDisk(testing::Carelessness::none, real()) {}
  Result<std::unique_ptr<DiskFile>> open(const std::filesystem::path& path,
                                         OpenFor purpose) override {
    if (purpose != OpenFor::read) return CarelessDisk::open(path, purpose);
    ++opened;
    if (is_exhausted) return fail(Code::unavailable, "open: Too many open files");
    return CarelessDisk::open(path, purpose);
  }

  std::atomic<bool> is_exhausted{false};
  std::atomic<std::size_t> opened{0};  // for reading, also in vain

 private:
  static Disk& real() {
    static const std::unique_ptr<Disk> disk = make_posix_disk();
    return *disk;
  }
};

}  // namespace framebus::test
