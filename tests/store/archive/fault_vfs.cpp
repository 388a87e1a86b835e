// See fault_vfs.h.
#include "tests/store/archive/fault_vfs.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <vector>

namespace framebus::testing {
namespace {

constexpr int path_bytes_max = 512;

struct OpenFile {
  FaultVfs* vfs = nullptr;
  std::unique_ptr<DiskFile> file;
  std::filesystem::path folder;
  bool is_log = false;
  bool syncs_name = false;                                // with its next sync
  std::vector<std::unique_ptr<std::vector<char>>> index;  // of the log, in regions
};

// What SQLite allocates for each file: its own part, then ours.
struct Slot {
  sqlite3_file base;
  OpenFile* open;
};

OpenFile& of(sqlite3_file* file) {
  return *reinterpret_cast<Slot*>(file)->open;
}

FaultVfs& of(sqlite3_vfs* vfs) {
  return *static_cast<FaultVfs*>(vfs->pAppData);
}

int code_of(const Status& status, int otherwise) {
  if (status) return SQLITE_OK;
  return status.error().code == Code::resource_exhausted ? SQLITE_FULL : otherwise;
}

int close_file(sqlite3_file* file) {
  delete reinterpret_cast<Slot*>(file)->open;
  reinterpret_cast<Slot*>(file)->open = nullptr;
  return SQLITE_OK;
}

int read_file(sqlite3_file* file, void* into, int bytes, sqlite3_int64 offset) {
  const std::span<std::uint8_t> room(static_cast<std::uint8_t*>(into),
                                     static_cast<std::size_t>(bytes));
  const auto got = of(file).file->read(static_cast<std::uint64_t>(offset), room);
  if (!got) return SQLITE_IOERR_READ;
  if (*got == room.size()) return SQLITE_OK;
  std::fill(room.begin() + static_cast<std::ptrdiff_t>(*got), room.end(), std::uint8_t{0});
  return SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 offset) {
  const BytesView view(static_cast<const std::uint8_t*>(from), static_cast<std::size_t>(bytes));
  return code_of(of(file).file->write(static_cast<std::uint64_t>(offset), view),
                 SQLITE_IOERR_WRITE);
}

int truncate_file(sqlite3_file* file, sqlite3_int64 bytes) {
  return code_of(of(file).file->truncate(static_cast<std::uint64_t>(bytes)), SQLITE_IOERR_TRUNCATE);
}

int sync_file(sqlite3_file* file, int) {
  OpenFile& open = of(file);
  const Status synced = open.vfs->sync(*open.file, open.is_log);
  if (!synced) return SQLITE_IOERR_FSYNC;
  if (!open.syncs_name) return SQLITE_OK;
  open.syncs_name = false;
  return code_of(open.vfs->disk().sync_directory(open.folder), SQLITE_IOERR_DIR_FSYNC);
}

int file_size(sqlite3_file* file, sqlite3_int64* bytes) {
  const auto size = of(file).file->size();
  if (!size) return SQLITE_IOERR_FSTAT;
  *bytes = static_cast<sqlite3_int64>(*size);
  return SQLITE_OK;
}

int grant_lock(sqlite3_file*, int) {
  return SQLITE_OK;
}

int nobody_reserves(sqlite3_file*, int* is_reserved) {
  *is_reserved = 0;
  return SQLITE_OK;
}

int know_nothing(sqlite3_file*, int, void*) {
  return SQLITE_NOTFOUND;
}

int sector_bytes(sqlite3_file*) {
  return 4096;
}

int device_characteristics(sqlite3_file*) {
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

int map_index(sqlite3_file* file, int region, int bytes, int extend, void volatile** out) {
  auto& index = of(file).index;
  *out = nullptr;
  while (index.size() <= static_cast<std::size_t>(region)) {
    if (extend == 0) return SQLITE_OK;
    index.push_back(std::make_unique<std::vector<char>>(static_cast<std::size_t>(bytes)));
  }
  *out = index[static_cast<std::size_t>(region)]->data();
  return SQLITE_OK;
}

int lock_index(sqlite3_file*, int, int, int) {
  return SQLITE_OK;
}

void order_index(sqlite3_file*) {}

int unmap_index(sqlite3_file* file, int) {
  of(file).index.clear();
  return SQLITE_OK;
}

const sqlite3_io_methods file_methods = {2,
                                         close_file,
                                         read_file,
                                         write_file,
                                         truncate_file,
                                         sync_file,
                                         file_size,
                                         grant_lock,
                                         grant_lock,
                                         nobody_reserves,
                                         know_nothing,
                                         sector_bytes,
                                         device_characteristics,
                                         map_index,
                                         lock_index,
                                         order_index,
                                         unmap_index,
                                         nullptr,
                                         nullptr};

int open_file(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* flags_out) {
  file->pMethods = nullptr;
  bool is_new = false;
  auto opened = of(vfs).open(path, flags, is_new);
  if (!opened) return SQLITE_CANTOPEN;
  auto open = std::make_unique<OpenFile>();
  open->vfs = &of(vfs);
  open->file = std::move(*opened);
  open->is_log = (flags & SQLITE_OPEN_WAL) != 0;
  constexpr int named_by_sync = SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL;
  open->syncs_name = path != nullptr && is_new && (flags & named_by_sync) != 0;
  if (path != nullptr) open->folder = std::filesystem::path(path).parent_path();
  reinterpret_cast<Slot*>(file)->open = open.release();  // until close_file
  file->pMethods = &file_methods;
  if (flags_out != nullptr) *flags_out = flags;
  return SQLITE_OK;
}

int remove_file(sqlite3_vfs* vfs, const char* path, int syncs_folder) {
  Disk& disk = of(vfs).disk();
  const Status removed = disk.remove(path);
  if (!removed && removed.error().code == Code::not_found) return SQLITE_IOERR_DELETE_NOENT;
  if (!removed) return SQLITE_IOERR_DELETE;
  if (syncs_folder == 0) return SQLITE_OK;
  return code_of(disk.sync_directory(std::filesystem::path(path).parent_path()),
                 SQLITE_IOERR_DIR_FSYNC);
}

// A file without bytes is no journal.
int is_there(sqlite3_vfs* vfs, const char* path, int, int* out) {
  const auto found = of(vfs).disk().facts(path);
  *out = found && (!found->is_regular || found->size > 0) ? 1 : 0;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* path, int room, char* out) {
  const int written = std::snprintf(out, static_cast<std::size_t>(room), "%s", path);
  return written < room ? SQLITE_OK : SQLITE_CANTOPEN;
}

int no_chance(sqlite3_vfs*, int bytes, char* out) {
  std::memset(out, 0, static_cast<std::size_t>(bytes));
  return bytes;
}

int no_sleep(sqlite3_vfs*, int microseconds) {
  return microseconds;
}

int one_time(sqlite3_vfs*, double* julian_day) {
  *julian_day = 2460000.5;
  return SQLITE_OK;
}

int no_last_error(sqlite3_vfs*, int, char*) {
  return SQLITE_OK;
}

}  // namespace

FaultVfs::FaultVfs(Disk& disk, SyncLapse lapse) : disk_(disk), lapse_(lapse) {
  static std::atomic<std::uint64_t> next_number{1};
  name_ = "fault-" + std::to_string(next_number++);
  vfs_.iVersion = 1;
  vfs_.szOsFile = sizeof(Slot);
  vfs_.mxPathname = path_bytes_max;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = this;
  vfs_.xOpen = open_file;
  vfs_.xDelete = remove_file;
  vfs_.xAccess = is_there;
  vfs_.xFullPathname = full_path;
  vfs_.xRandomness = no_chance;
  vfs_.xSleep = no_sleep;
  vfs_.xCurrentTime = one_time;
  vfs_.xGetLastError = no_last_error;
  sqlite3_vfs_register(&vfs_, 0);
}

FaultVfs::~FaultVfs() {
  sqlite3_vfs_unregister(&vfs_);
}

Status FaultVfs::sync(DiskFile& file, bool is_log) {
  const bool is_skipped =
      lapse_ == SyncLapse::every_sync || (lapse_ == SyncLapse::log_sync && is_log);
  return is_skipped ? Status() : file.sync();
}

Result<std::unique_ptr<DiskFile>> FaultVfs::open(const char* path, int flags, bool& is_new) {
  if (path == nullptr) return scratch_.open("/" + std::to_string(next_scratch_++), OpenFor::create);
  const bool writes = (flags & SQLITE_OPEN_READWRITE) != 0;
  auto file = disk_.open(path, writes ? OpenFor::write : OpenFor::read);
  is_new = !file && file.error().code == Code::not_found && (flags & SQLITE_OPEN_CREATE) != 0;
  return is_new ? disk_.open(path, OpenFor::create) : std::move(file);
}

}  // namespace framebus::testing
