// See small_file.h.
#include "libmsg/disk/small_file.h"

namespace framebus {

Result<Bytes> read_small_file(Disk& disk, const std::filesystem::path& path,
                              std::size_t bytes_max) {
  FRAMEBUS_ASSIGN(const auto file, disk.open(path, OpenFor::read));
  Bytes content(bytes_max + 1);
  FRAMEBUS_ASSIGN(const std::size_t size, file->read(0, content));
  if (size > bytes_max) {
    return fail(Code::resource_exhausted,
                "read " + path.string() + ": larger than " + std::to_string(bytes_max) + " bytes");
  }
  content.resize(size);
  return content;
}

Status replace_file(Disk& disk, const std::filesystem::path& path, BytesView content) {
  const std::filesystem::path temporary = path.string() + ".new";
  auto file = disk.open(temporary, OpenFor::create);
  if (!file && file.error().code == Code::already_exists) {  // of a process that died
    FRAMEBUS_TRY(disk.remove(temporary));
    file = disk.open(temporary, OpenFor::create);
  }
  if (!file) return fail(std::move(file).error());
  Status written = (*file)->write(0, content);
  if (written) written = (*file)->sync();
  if (written) written = disk.rename(temporary, path);
  if (!written) {
    file->reset();
    (void)disk.remove(temporary);  // what matters is the first error
    return written;
  }
  return disk.sync_directory(path.has_parent_path() ? path.parent_path() : ".");
}

}  // namespace framebus
