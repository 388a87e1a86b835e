// The real storage: the broker's journal and an epoch file on a disk in memory, which keeps, drops,
// tears, reorders or zeroes what was not synced when the machine goes down.
//
// The journal's writer thread is not here: SteppedStore does what it does, in the same order
// (write, sync, now and then seal and upkeep). Planted bugs sit between journal and disk.
#include "tests/sim/storage.h"
#include "tests/store/fault_disk.h"
#include "tests/store/stepped_store.h"

namespace framebus::sim {
namespace {

using testing::CrashMode;
using testing::FaultDisk;
using testing::SteppedStore;

constexpr unsigned seal_permille = 200;
constexpr std::uint64_t segment_bytes = 32 * 1024;  // small: segments end and compaction comes

SteppedStore::Options store_options(Bug bug) {
  SteppedStore::Options options;
  options.journal.directory = "/data/journal";
  options.journal.segment_bytes = segment_bytes;
  options.journal.free_bytes_min = 0;
  options.journal.compact_dead_bytes_min = 2 * segment_bytes;
  options.journal.salt = 99;
  if (bug == Bug::short_memory) options.journal.forget_after = Duration{0};
  // So small that the records of one step are often split, and torn apart by a crash.
  options.batch_bytes_max = 512;
  return options;
}

// The disk as the broker of a planted bug uses it.
class SabotagedFile final : public DiskFile {
 public:
  SabotagedFile(Bug bug, std::unique_ptr<DiskFile> file) : bug_(bug), file_(std::move(file)) {}
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
    if (bug_ == Bug::skipped_file_sync) return {};
    const Status synced = file_->sync();
    if (bug_ == Bug::ignored_sync_error) return {};
    return synced;
  }
  void begin_writeback(std::uint64_t offset, std::uint64_t bytes) override {
    file_->begin_writeback(offset, bytes);
  }
  Status touch(FileTime which) override { return file_->touch(which); }

 private:
  const Bug bug_;
  std::unique_ptr<DiskFile> file_;
};

class SabotagedDisk final : public Disk {
 public:
  SabotagedDisk(Bug bug, Disk& disk) : bug_(bug), disk_(disk) {}
  Result<std::unique_ptr<DiskFile>> open(const std::filesystem::path& path,
                                         OpenFor purpose) override {
    FRAMEBUS_ASSIGN(std::unique_ptr<DiskFile> file, disk_.open(path, purpose));
    return std::unique_ptr<DiskFile>(std::make_unique<SabotagedFile>(bug_, std::move(file)));
  }
  Status rename(const std::filesystem::path& from, const std::filesystem::path& to) override {
    return disk_.rename(from, to);
  }
  Status remove(const std::filesystem::path& path) override { return disk_.remove(path); }
  Status sync_directory(const std::filesystem::path& path) override {
    return bug_ == Bug::skipped_directory_sync ? Status() : disk_.sync_directory(path);
  }
  Result<bool> make_directory(const std::filesystem::path& path) override {
    return disk_.make_directory(path);
  }
  Result<std::vector<std::string>> list(const std::filesystem::path& directory) const override {
    return disk_.list(directory);
  }
  Result<FileFacts> facts(const std::filesystem::path& path) const override {
    return disk_.facts(path);
  }
  Result<std::uint64_t> free_bytes(const std::filesystem::path& path) const override {
    return disk_.free_bytes(path);
  }

 private:
  const Bug bug_;
  Disk& disk_;
};

class DiskStorage final : public Storage {
 public:
  DiskStorage(Bug bug, std::uint64_t seed)
      : bug_(bug), random_(seed), disk_(random_.next()), sabotaged_(bug, disk_) {
    (void)disk_.make_directory("/data");
    (void)disk_.sync_directory("/");
  }

  Result<Opened> open() override {
    FRAMEBUS_ASSIGN(const std::uint64_t epoch, raise_epoch());
    store_ = std::make_unique<SteppedStore>(sabotaged_, store_options(bug_));
    return Opened{store_.get(), epoch};
  }
  bool has_work() const override { return store_ != nullptr && store_->has_work(); }
  void work() override {
    store_->work();
    if (random_.happens(seal_permille)) store_->seal();
    store_->upkeep();
  }
  void fail_next_sync() override { disk_.fail_sync(1); }
  std::optional<Space> look_at_space() override {
    if (store_ == nullptr) return std::nullopt;
    store_->journal().look_at_space();
    const broker::StoreStats stats = store_->stats();
    return Space{stats.free_bytes, 2 * segment_bytes, stats.is_full};
  }
  bool fill_up(Random& random) override {
    // From some bytes that are not worth a segment to what only the reserve is short of.
    disk_.set_capacity(disk_.used_bytes() + random.below(3 * segment_bytes));
    return true;
  }
  void free_up() override { disk_.set_capacity(UINT64_MAX); }

  void kill(Random&) override {
    if (store_ != nullptr) write_some();
    store_.reset();
    disk_.restart(CrashMode::keep);
  }
  void lose_power(Random& random) override {
    // Often in the middle of what the journal does.
    if (random.happens(700)) disk_.crash_at(disk_.operation_count() + 1 + random.below(6));
    if (random.happens(500)) {
      work();
    } else {
      write_some();
    }
    store_.reset();
    disk_.restart(testing::all_crash_modes[random.below(std::size(testing::all_crash_modes))]);
  }

 private:
  // What the process had begun to write when it was killed.
  void write_some() {
    if (store_->batches_waiting() > 0)
      store_->write_some(1 + random_.below(store_->batches_waiting()));
  }

  // As the broker's data directory: a new file beside it, synced, renamed, the directory synced.
  Result<std::uint64_t> raise_epoch() {
    std::uint64_t epoch = 0;
    if (auto file = disk_.open("/data/epoch", OpenFor::read)) {
      std::array<std::uint8_t, 8> bytes{};
      FRAMEBUS_ASSIGN(const std::size_t count, (*file)->read(0, bytes));
      if (count != bytes.size()) return fail(Code::data_loss, "the epoch file is damaged");
      for (std::size_t i = 8; i-- > 0;) epoch = epoch << 8 | bytes[i];
    } else if (file.error().code != Code::not_found) {
      return fail(file.error());
    }
    ++epoch;
    std::array<std::uint8_t, 8> bytes{};
    for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<std::uint8_t>(epoch >> (8 * i));
    (void)disk_.remove("/data/epoch.new");
    FRAMEBUS_ASSIGN(auto file, disk_.open("/data/epoch.new", OpenFor::create));
    FRAMEBUS_TRY(file->write(0, bytes));
    if (bug_ == Bug::unsynced_epoch) {
      FRAMEBUS_TRY(disk_.rename("/data/epoch.new", "/data/epoch"));
      return epoch;
    }
    FRAMEBUS_TRY(file->sync());
    FRAMEBUS_TRY(disk_.rename("/data/epoch.new", "/data/epoch"));
    FRAMEBUS_TRY(disk_.sync_directory("/data"));
    return epoch;
  }

  const Bug bug_;
  Random random_;
  FaultDisk disk_;
  SabotagedDisk sabotaged_;
  std::unique_ptr<SteppedStore> store_;
};

}  // namespace

std::unique_ptr<Storage> make_disk_storage(Bug bug, std::uint64_t seed) {
  return std::make_unique<DiskStorage>(bug, seed);
}

bool needs_real_disk(Bug bug) {
  return bug == Bug::skipped_file_sync || bug == Bug::skipped_directory_sync ||
         bug == Bug::ignored_sync_error || bug == Bug::unsynced_epoch ||
         bug == Bug::full_for_ever || bug == Bug::short_memory;
}

}  // namespace framebus::sim
