// See blob_hash.h; also the hash functions of blob_store.h.
#include "libmsg/blob/blob_hash.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>

#include <cerrno>
#include <new>

#include "libmsg/blob/blob_store.h"
#include "libmsg/blob/posix_file.h"

namespace framebus {
namespace {

static_assert(sizeof(crypto_generichash_blake2b_state) <= 384);
static_assert(alignof(crypto_generichash_blake2b_state) <= 64);

constexpr std::size_t read_bytes = 1024 * 1024;

crypto_generichash_blake2b_state* state_in(std::array<std::uint8_t, 384>& room) {
  return reinterpret_cast<crypto_generichash_blake2b_state*>(room.data());
}

}  // namespace

BlobHasher::BlobHasher() {
  // Chooses the vectorised implementation; once for the process, whoever hashes first.
  static const int ready = sodium_init();
  (void)ready;
  new (state_.data()) crypto_generichash_blake2b_state;
  crypto_generichash_blake2b_init(state_in(state_), nullptr, 0, BlobHash{}.bytes.size());
}

void BlobHasher::update(BytesView bytes) {
  crypto_generichash_blake2b_update(state_in(state_), bytes.data(), bytes.size());
}

BlobHash BlobHasher::finish() {
  BlobHash hash;
  crypto_generichash_blake2b_final(state_in(state_), hash.bytes.data(), hash.bytes.size());
  return hash;
}

BlobHash hash_bytes(BytesView bytes) {
  BlobHasher hasher;
  hasher.update(bytes);
  return hasher.finish();
}

Result<BlobRef> hash_file(const std::filesystem::path& path) {
  // O_NONBLOCK: a FIFO given by mistake must not hang the program.
  FRAMEBUS_ASSIGN(FileDescriptor file, open_file(path, O_RDONLY | O_NONBLOCK));
  struct stat found {};
  if (::fstat(file.get(), &found) != 0) return fail(errno_error(errno, "stat", path));
  if (!S_ISREG(found.st_mode)) {
    return fail(Code::invalid_argument, "hash " + path.string() + ": not a regular file");
  }
  BlobHasher hasher;
  BlobRef blob;
  Bytes buffer(read_bytes);
  for (;;) {
    FRAMEBUS_ASSIGN(const std::size_t got, read_at(file.get(), blob.size, buffer, path));
    if (got == 0) break;
    hasher.update({buffer.data(), got});
    blob.size += got;
  }
  blob.hash = hasher.finish();
  return blob;
}

}  // namespace framebus
