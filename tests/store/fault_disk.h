// A Disk in memory that crashes on demand and then forgets what POSIX lets it forget.
//
// Bytes become durable by sync() of their file, names by sync_directory() of their folder; until
// then a crash may keep, drop, tear or reorder them, each file and folder on its own. What a crash
// does follows from the seed alone. Deliberately more hostile than real file systems: a synced file
// whose name was not synced is gone, one renamed from folder to folder may have both names or none.
// Time stands still unless told otherwise. Thread rule: any thread, as Disk; hooks between crashes
// only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "libmsg/disk/disk.h"

namespace framebus::testing {

// What is left of everything that was not synced when the machine went down.
enum class CrashMode : std::uint8_t {
  keep,           // all of it: only the process died, and it is still not synced
  drop_unsynced,  // nothing
  torn,           // for each file and folder: the first few operations, the last of them in part
  reordered,      // for each file and folder: any of them, writes in blocks of 512 bytes
  zeroed,         // lengths, but zeros for contents; names as in torn
};
inline constexpr CrashMode all_crash_modes[] = {CrashMode::keep, CrashMode::drop_unsynced,
                                                CrashMode::torn, CrashMode::reordered,
                                                CrashMode::zeroed};
const char* name_of(CrashMode mode);

class FaultDisk final : public Disk {
 public:
  // "/" exists and is durable. `capacity_bytes`: the sum of all files' lengths can not pass it.
  explicit FaultDisk(std::uint64_t seed, std::uint64_t capacity_bytes = UINT64_MAX);
  ~FaultDisk() override;

  Result<std::unique_ptr<DiskFile>> open(const std::filesystem::path& path,
                                         OpenFor purpose) override;
  Status rename(const std::filesystem::path& from, const std::filesystem::path& to) override;
  Status remove(const std::filesystem::path& path) override;
  Status sync_directory(const std::filesystem::path& path) override;
  Result<bool> make_directory(const std::filesystem::path& path) override;
  Result<std::vector<std::string>> list(const std::filesystem::path& directory) const override;
  Result<FileFacts> facts(const std::filesystem::path& path) const override;
  Result<std::uint64_t> free_bytes(const std::filesystem::path& path) const override;

  // Operations that change something: create, write, allocate, truncate, sync, rename, remove,
  // sync_directory, make_directory. Reads, touches and opens of what exists do not count.
  std::uint64_t operation_count() const;
  // The machine stops within operation number `operation` (from 1, as operation_count() will count
  // it): that one has happened or not, as the seed says, and everything after it is refused
  // (unavailable).
  void crash_at(std::uint64_t operation);
  bool has_crashed() const;
  // The machine stops now, if it has not, and comes up again. Files opened before stay refused.
  void restart(CrashMode mode);

  // Files grow older by so much, and the disk writes everything back meanwhile: hours at least.
  void let_time_pass(Duration duration);
  // The sync() of a file number `n` from now (1: the next) fails as a bad disk does: the caller is
  // told, and what was to be synced never becomes durable, whatever a later sync() says.
  void fail_sync(std::uint64_t n);
  // Operations beyond it fail with resource_exhausted; nothing is lost by that.
  void set_capacity(std::uint64_t bytes);
  std::uint64_t used_bytes() const;

  // The visible content, for tests that damage it. A damage is durable at once.
  Bytes contents(const std::filesystem::path& path) const;
  void set_contents(const std::filesystem::path& path, Bytes content);
  void flip_bit(const std::filesystem::path& path, std::uint64_t bit);
  std::vector<std::string> paths() const;  // of all files, sorted

 private:
  friend class FaultFile;
  struct Change;                          // of a file: write, or another length
  struct Node;                            // a file
  struct NameChange;                      // of a folder: a name now means this node, or nothing
  using NodePtr = std::shared_ptr<Node>;  // shared by names and open files, as an inode is
  using Names = std::map<std::string, NodePtr>;  // path -> file

  struct Chance {
    std::uint64_t state;
    std::uint64_t below(std::uint64_t bound);
  };

  // Counts an operation; an error when the machine is down. `happens`: false at the moment of the
  // crash, when it did not get through.
  Status begin_operation(bool& happens);
  Status write(Node& node, std::uint64_t offset, BytesView bytes);
  Status resize(Node& node, std::uint64_t bytes, bool only_grow);
  Status sync(Node& node);
  Status check_room(std::uint64_t grown_by) const;
  Result<std::unique_ptr<DiskFile>> hold(const std::string& name, const NodePtr& node);
  void change_name(NameChange change);
  void settle_file(Node& node, CrashMode mode);
  void settle_names(CrashMode mode);
  void write_back();
  std::uint64_t used() const;

  mutable std::mutex mutex_;
  Chance chance_;
  std::uint64_t capacity_bytes_;
  std::uint64_t life_ = 1;  // of the machine; a file of an earlier one is refused
  std::uint64_t operations_ = 0;
  std::uint64_t crash_at_ = 0;
  std::uint64_t fail_sync_in_ = 0;
  bool is_down_ = false;
  Duration now_{0};
  std::map<std::string, Duration> folder_changed_;  // none: at the beginning of time
  Names names_;
  Names durable_names_;
  std::set<std::string> folders_;
  std::set<std::string> durable_folders_;
  std::vector<NameChange> name_changes_;  // not yet durable, in order
};

}  // namespace framebus::testing
