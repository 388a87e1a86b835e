// See fault_disk.h.
#include "tests/store/fault_disk.h"

#include <algorithm>
#include <cstring>

#include "libmsg/base/check.h"

namespace framebus::testing {
namespace {

using Path = std::filesystem::path;

constexpr std::uint64_t sector_bytes = 512;

std::string folder_of(const std::string& path) {
  const std::string folder = path.substr(0, path.rfind('/'));
  return folder.empty() ? "/" : folder;
}

tl::unexpected<Error> machine_is_down() {
  return fail(Code::unavailable, "the machine is down");
}

void write_into(Bytes& content, std::uint64_t offset, BytesView bytes) {
  if (content.size() < offset + bytes.size()) content.resize(offset + bytes.size());
  if (!bytes.empty()) std::memcpy(content.data() + offset, bytes.data(), bytes.size());
}

}  // namespace

const char* name_of(CrashMode mode) {
  switch (mode) {
    case CrashMode::keep:
      return "keep";
    case CrashMode::drop_unsynced:
      return "drop unsynced";
    case CrashMode::torn:
      return "torn";
    case CrashMode::reordered:
      return "reordered";
    case CrashMode::zeroed:
      return "zeroed";
  }
  return "?";
}

struct FaultDisk::Change {
  bool is_write = true;
  std::uint64_t offset = 0;  // of a write; the new length otherwise
  Bytes bytes;
};

struct FaultDisk::Node {
  Bytes visible;
  Bytes durable;
  std::vector<Change> changes;  // made to `visible` and not yet to `durable`
  Duration changed{0};
  Duration durable_changed{0};
  Duration used{0};
  std::uint64_t held_in_life = 0;

  void make_durable(const Change& change) {
    if (change.is_write) {
      write_into(durable, change.offset, change.bytes);
    } else {
      durable.resize(change.offset);
    }
  }
};

struct FaultDisk::NameChange {
  std::string folder;
  bool is_folder = false;  // a folder was made
  std::string path;
  NodePtr node;              // nullptr: the name is gone
  std::string removed_path;  // by a rename, in the same breath
};

std::uint64_t FaultDisk::Chance::below(std::uint64_t bound) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return bound == 0 ? 0 : (z ^ (z >> 31)) % bound;
}

class FaultFile final : public DiskFile {
 public:
  FaultFile(FaultDisk& disk, FaultDisk::NodePtr node, bool may_write)
      : disk_(disk), node_(std::move(node)), life_(disk.life_), may_write_(may_write) {}
  ~FaultFile() override {
    if (!holds_) return;
    const std::lock_guard lock(disk_.mutex_);
    if (node_->held_in_life == life_) node_->held_in_life = 0;
  }
  void hold() {  // under the disk's mutex
    holds_ = true;
    node_->held_in_life = life_;
  }

  Status write(std::uint64_t offset, BytesView bytes) override {
    const std::lock_guard lock(disk_.mutex_);
    FRAMEBUS_TRY(check(true));
    return disk_.write(*node_, offset, bytes);
  }
  Result<std::size_t> read(std::uint64_t offset, std::span<std::uint8_t> into) const override {
    const std::lock_guard lock(disk_.mutex_);
    FRAMEBUS_TRY(check(false));
    const Bytes& content = node_->visible;
    if (offset >= content.size()) return 0;
    const std::size_t count = std::min<std::size_t>(into.size(), content.size() - offset);
    if (count != 0) std::memcpy(into.data(), content.data() + offset, count);
    return count;
  }
  Result<std::uint64_t> size() const override {
    const std::lock_guard lock(disk_.mutex_);
    FRAMEBUS_TRY(check(false));
    return node_->visible.size();
  }
  Status allocate(std::uint64_t bytes) override {
    const std::lock_guard lock(disk_.mutex_);
    FRAMEBUS_TRY(check(true));
    return disk_.resize(*node_, bytes, true);
  }
  Status truncate(std::uint64_t bytes) override {
    const std::lock_guard lock(disk_.mutex_);
    FRAMEBUS_TRY(check(true));
    return disk_.resize(*node_, bytes, false);
  }
  Status sync() override {
    const std::lock_guard lock(disk_.mutex_);
    FRAMEBUS_TRY(check(true));
    return disk_.sync(*node_);
  }
  void begin_writeback(std::uint64_t, std::uint64_t) override {}
  Status touch(FileTime which) override {
    const std::lock_guard lock(disk_.mutex_);
    FRAMEBUS_TRY(check(false));
    node_->used = disk_.now_;
    if (which == FileTime::used_and_changed) node_->changed = disk_.now_;
    return {};
  }

 private:
  Status check(bool writes) const {
    if (disk_.is_down_ || life_ != disk_.life_) return machine_is_down();
    FRAMEBUS_CHECK(!writes || may_write_, "a file opened for reading is written");
    return {};
  }

  FaultDisk& disk_;
  FaultDisk::NodePtr node_;
  std::uint64_t life_;
  bool may_write_;
  bool holds_ = false;
};

FaultDisk::FaultDisk(std::uint64_t seed, std::uint64_t capacity_bytes)
    : chance_{seed}, capacity_bytes_(capacity_bytes), folders_{"/"}, durable_folders_{"/"} {}

FaultDisk::~FaultDisk() = default;

Status FaultDisk::begin_operation(bool& happens) {
  happens = true;
  if (is_down_) return machine_is_down();
  if (++operations_ != crash_at_) return {};
  is_down_ = true;
  happens = chance_.below(2) == 0;
  return {};
}

Status FaultDisk::check_room(std::uint64_t grown_by) const {
  const std::uint64_t now = used();
  if (grown_by <= capacity_bytes_ && now <= capacity_bytes_ - grown_by) return {};
  return fail(Code::resource_exhausted, "write: No space left on device");
}

Status FaultDisk::write(Node& node, std::uint64_t offset, BytesView bytes) {
  bool happens = true;
  FRAMEBUS_TRY(begin_operation(happens));
  // Even a process that dies alone may leave the beginning of its last write.
  if (is_down_) bytes = bytes.first(chance_.below(bytes.size() + 1));
  const std::uint64_t end = offset + bytes.size();
  if (end > node.visible.size()) FRAMEBUS_TRY(check_room(end - node.visible.size()));
  if (happens) {
    write_into(node.visible, offset, bytes);
    node.changed = now_;
    node.changes.push_back({true, offset, Bytes(bytes.begin(), bytes.end())});
  }
  return is_down_ ? Status(machine_is_down()) : Status{};
}

Status FaultDisk::resize(Node& node, std::uint64_t bytes, bool only_grow) {
  if (only_grow && bytes <= node.visible.size()) return {};
  bool happens = true;
  FRAMEBUS_TRY(begin_operation(happens));
  if (bytes > node.visible.size()) FRAMEBUS_TRY(check_room(bytes - node.visible.size()));
  if (happens) {
    node.visible.resize(bytes);
    node.changed = now_;
    node.changes.push_back({false, bytes, {}});
  }
  return is_down_ ? Status(machine_is_down()) : Status{};
}

Status FaultDisk::sync(Node& node) {
  bool happens = true;
  FRAMEBUS_TRY(begin_operation(happens));
  if (fail_sync_in_ != 0 && --fail_sync_in_ == 0) {
    node.changes.clear();
    return fail(Code::internal, "fdatasync: Input/output error");
  }
  if (happens) {
    for (const Change& change : node.changes) node.make_durable(change);
    node.changes.clear();
    node.durable_changed = node.changed;
  }
  return is_down_ ? Status(machine_is_down()) : Status{};
}

Result<std::unique_ptr<DiskFile>> FaultDisk::open(const Path& path, OpenFor purpose) {
  const std::lock_guard lock(mutex_);
  if (is_down_) return machine_is_down();
  const std::string name = path.string();
  const auto found = names_.find(name);
  if (purpose != OpenFor::create && purpose != OpenFor::create_held) {
    if (found == names_.end())
      return fail(Code::not_found, "open " + name + ": No such file or directory");
    if (purpose == OpenFor::hold) return hold(name, found->second);
    return std::make_unique<FaultFile>(*this, found->second, purpose == OpenFor::write);
  }
  if (found != names_.end()) return fail(Code::already_exists, "create " + name + ": File exists");
  if (!folders_.contains(folder_of(name)))
    return fail(Code::not_found, "create " + name + ": No such file or directory");
  bool happens = true;
  FRAMEBUS_TRY(begin_operation(happens));
  auto node = std::make_shared<Node>();
  node->changed = node->durable_changed = node->used = now_;
  if (happens) change_name({folder_of(name), false, name, node, {}});
  if (is_down_) return machine_is_down();
  auto file = std::make_unique<FaultFile>(*this, std::move(node), true);
  if (purpose == OpenFor::create_held) file->hold();
  return file;
}

Result<std::unique_ptr<DiskFile>> FaultDisk::hold(const std::string& name, const NodePtr& node) {
  if (node->held_in_life == life_) return fail(Code::unavailable, "lock " + name + ": it is held");
  auto file = std::make_unique<FaultFile>(*this, node, false);
  file->hold();
  return file;
}

void FaultDisk::change_name(NameChange change) {
  if (change.is_folder) {
    folders_.insert(change.path);
  } else if (change.node == nullptr) {
    names_.erase(change.path);
  } else {
    names_[change.path] = change.node;
  }
  if (!change.removed_path.empty()) names_.erase(change.removed_path);
  folder_changed_[change.folder] = now_;
  name_changes_.push_back(std::move(change));
}

Status FaultDisk::rename(const Path& from, const Path& to) {
  const std::lock_guard lock(mutex_);
  bool happens = true;
  FRAMEBUS_TRY(begin_operation(happens));
  const auto found = names_.find(from.string());
  if (found == names_.end()) return fail(Code::not_found, "rename " + from.string());
  const std::string from_folder = folder_of(from.string());
  const std::string to_folder = folder_of(to.string());
  if (!folders_.contains(to_folder)) return fail(Code::not_found, "rename to " + to.string());
  const NodePtr node = found->second;
  if (happens && from_folder == to_folder) {
    change_name({to_folder, false, to.string(), node, from.string()});
  } else if (happens) {
    // Two folders go to the disk each on its own.
    change_name({to_folder, false, to.string(), node, {}});
    change_name({from_folder, false, from.string(), nullptr, {}});
  }
  return is_down_ ? Status(machine_is_down()) : Status{};
}

Status FaultDisk::remove(const Path& path) {
  const std::lock_guard lock(mutex_);
  bool happens = true;
  FRAMEBUS_TRY(begin_operation(happens));
  if (!names_.contains(path.string()))
    return fail(Code::not_found, "remove " + path.string() + ": No such file or directory");
  if (happens) change_name({folder_of(path.string()), false, path.string(), nullptr, {}});
  return is_down_ ? Status(machine_is_down()) : Status{};
}

Result<bool> FaultDisk::make_directory(const Path& path) {
  const std::lock_guard lock(mutex_);
  const std::string name = path.string();
  if (is_down_) return machine_is_down();
  if (folders_.contains(name)) return false;
  if (!folders_.contains(folder_of(name)))
    return fail(Code::not_found, "make directory " + name + ": No such file or directory");
  bool happens = true;
  FRAMEBUS_TRY(begin_operation(happens));
  if (happens) {
    change_name({folder_of(name), true, name, nullptr, {}});
    folder_changed_[name] = now_;
  }
  if (is_down_) return machine_is_down();
  return true;
}

namespace {

// Carries one change of a folder out on the durable names.
template <class Change, class Names>
void carry_out(const Change& change, Names& names, std::set<std::string>& folders) {
  if (change.is_folder) {
    folders.insert(change.path);
  } else if (change.node == nullptr) {
    names.erase(change.path);
  } else {
    names[change.path] = change.node;
  }
  if (!change.removed_path.empty()) names.erase(change.removed_path);
}

}  // namespace

Status FaultDisk::sync_directory(const Path& path) {
  const std::lock_guard lock(mutex_);
  bool happens = true;
  FRAMEBUS_TRY(begin_operation(happens));
  if (!folders_.contains(path.string())) return fail(Code::not_found, "open " + path.string());
  if (happens) {
    for (const NameChange& change : name_changes_) {
      if (change.folder == path.string()) carry_out(change, durable_names_, durable_folders_);
    }
    std::erase_if(name_changes_,
                  [&](const NameChange& change) { return change.folder == path.string(); });
  }
  return is_down_ ? Status(machine_is_down()) : Status{};
}

Result<std::vector<std::string>> FaultDisk::list(const Path& directory) const {
  const std::lock_guard lock(mutex_);
  if (is_down_) return machine_is_down();
  if (!folders_.contains(directory.string()))
    return fail(Code::not_found, "list " + directory.string());
  std::vector<std::string> found;
  for (const auto& [name, node] : names_) {
    if (folder_of(name) == directory.string()) found.push_back(name.substr(name.rfind('/') + 1));
  }
  return found;
}

Result<FileFacts> FaultDisk::facts(const Path& path) const {
  const std::lock_guard lock(mutex_);
  if (is_down_) return machine_is_down();
  const std::string name = path.string();
  if (const auto found = names_.find(name); found != names_.end()) {
    const Node& node = *found->second;
    return FileFacts{true, node.visible.size(), now_ - node.changed, now_ - node.used};
  }
  if (!folders_.contains(name)) return fail(Code::not_found, "stat " + name);
  const auto changed = folder_changed_.find(name);
  const Duration since = changed == folder_changed_.end() ? now_ : now_ - changed->second;
  return FileFacts{false, 0, since, since};
}

std::uint64_t FaultDisk::used() const {
  std::uint64_t sum = 0;
  for (const auto& [name, node] : names_) sum += node->visible.size();
  return sum;
}

Result<std::uint64_t> FaultDisk::free_bytes(const Path&) const {
  const std::lock_guard lock(mutex_);
  if (is_down_) return machine_is_down();
  const std::uint64_t now = used();
  return now < capacity_bytes_ ? capacity_bytes_ - now : 0;
}

// What survives of one file's unsynced changes.
void FaultDisk::settle_file(Node& node, CrashMode mode) {
  const std::size_t kept = chance_.below(node.changes.size() + 1);
  for (std::size_t i = 0; i < node.changes.size(); ++i) {
    Change& change = node.changes[i];
    if (mode == CrashMode::torn) {
      if (i < kept) node.make_durable(change);
      if (i == kept && change.is_write) {
        change.bytes.resize(chance_.below(change.bytes.size() + 1));
        node.make_durable(change);
      }
    } else if (mode == CrashMode::reordered) {
      if (!change.is_write) {
        if (chance_.below(2) == 0) node.make_durable(change);
        continue;
      }
      // The file's blocks go to the disk one by one, in any order.
      const std::uint64_t end = change.offset + change.bytes.size();
      for (std::uint64_t at = change.offset; at < end;) {
        const std::uint64_t next = std::min(end, (at / sector_bytes + 1) * sector_bytes);
        if (chance_.below(2) == 0) {
          write_into(node.durable, at,
                     BytesView(change.bytes).subspan(at - change.offset, next - at));
        }
        at = next;
      }
    } else if (mode == CrashMode::zeroed) {
      const std::uint64_t length =
          change.is_write ? change.offset + change.bytes.size() : change.offset;
      if (node.durable.size() < length) node.durable.resize(length);
    }
  }
  node.changes.clear();
  node.visible = node.durable;
  if (node.changed != node.durable_changed && chance_.below(2) == 0)
    node.changed = node.durable_changed;
}

void FaultDisk::settle_names(CrashMode mode) {
  std::map<std::string, std::vector<NameChange>> by_folder;
  for (NameChange& change : name_changes_) by_folder[change.folder].push_back(std::move(change));
  name_changes_.clear();
  for (auto& [folder, changes] : by_folder) {
    const std::size_t kept = chance_.below(changes.size() + 1);
    for (std::size_t i = 0; i < changes.size(); ++i) {
      const bool stays = mode == CrashMode::reordered       ? chance_.below(2) == 0
                         : mode == CrashMode::drop_unsynced ? false
                                                            : i < kept;
      if (stays) carry_out(changes[i], durable_names_, durable_folders_);
    }
  }
  // A folder that is gone takes everything in it along.
  std::set<std::string> reachable{"/"};
  for (const std::string& folder : durable_folders_) {
    if (reachable.contains(folder_of(folder))) reachable.insert(folder);
  }
  durable_folders_ = reachable;
  std::erase_if(durable_names_,
                [&](const auto& entry) { return !reachable.contains(folder_of(entry.first)); });
  names_ = durable_names_;
  folders_ = durable_folders_;
}

std::uint64_t FaultDisk::operation_count() const {
  const std::lock_guard lock(mutex_);
  return operations_;
}

void FaultDisk::crash_at(std::uint64_t operation) {
  const std::lock_guard lock(mutex_);
  crash_at_ = operation;
}

bool FaultDisk::has_crashed() const {
  const std::lock_guard lock(mutex_);
  return is_down_;
}

void FaultDisk::restart(CrashMode mode) {
  const std::lock_guard lock(mutex_);
  ++life_;
  is_down_ = false;
  crash_at_ = 0;
  fail_sync_in_ = 0;
  if (mode == CrashMode::keep) return;
  settle_names(mode);
  std::set<Node*> settled;
  for (auto& [name, node] : names_) {
    if (settled.insert(node.get()).second) settle_file(*node, mode);
  }
}

void FaultDisk::let_time_pass(Duration duration) {
  const std::lock_guard lock(mutex_);
  FRAMEBUS_CHECK(duration >= written_back_after, "less may pass without writing back");
  FRAMEBUS_CHECK(!is_down_, "a machine that is down writes nothing back");
  now_ += duration;
  write_back();
}

void FaultDisk::write_back() {
  for (const NameChange& change : name_changes_)
    carry_out(change, durable_names_, durable_folders_);
  name_changes_.clear();
  for (auto& [name, node] : names_) {
    for (const Change& change : node->changes) node->make_durable(change);
    node->changes.clear();
    node->durable_changed = node->changed;
  }
}

void FaultDisk::fail_sync(std::uint64_t n) {
  const std::lock_guard lock(mutex_);
  fail_sync_in_ = n;
}

void FaultDisk::set_capacity(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  capacity_bytes_ = bytes;
}

std::uint64_t FaultDisk::used_bytes() const {
  const std::lock_guard lock(mutex_);
  return used();
}

Bytes FaultDisk::contents(const Path& path) const {
  const std::lock_guard lock(mutex_);
  return names_.at(path.string())->visible;
}

void FaultDisk::set_contents(const Path& path, Bytes content) {
  const std::lock_guard lock(mutex_);
  NodePtr& node = names_[path.string()];
  if (node == nullptr) node = std::make_shared<Node>();
  durable_names_[path.string()] = node;
  node->changes.clear();
  node->durable = content;
  node->visible = std::move(content);
}

void FaultDisk::flip_bit(const Path& path, std::uint64_t bit) {
  const std::lock_guard lock(mutex_);
  Node& node = *names_.at(path.string());
  const auto mask = static_cast<std::uint8_t>(1u << (bit % 8));
  node.visible.at(bit / 8) ^= mask;
  if (bit / 8 < node.durable.size()) node.durable[bit / 8] ^= mask;
}

std::vector<std::string> FaultDisk::paths() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> found;
  for (const auto& [name, node] : names_) found.push_back(name);
  return found;
}

}  // namespace framebus::testing
