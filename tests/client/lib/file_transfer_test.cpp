#include "client/lib/file_transfer.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

using namespace framebus;
using namespace framebus::client;
namespace fs = std::filesystem;

namespace {

struct Folder {
  fs::path path = fs::temp_directory_path() / ("framebus-files-" + std::to_string(getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
};

std::string content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::size_t entry_count(const fs::path& path) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(path), fs::directory_iterator()));
}

// Has one blob of 9 MiB, which is too large to go through memory.
class LargeBlobClient final : public BlobClient {
 public:
  Result<fs::path> fetch(const BlobRef& blob, BlobStore& store, const std::atomic<bool>*) override {
    FRAMEBUS_TRY(store.put_bytes(content));
    return store.path_of(blob.hash);
  }
  Result<Bytes> fetch_bytes(const BlobRef&, std::uint64_t, const std::atomic<bool>*) override {
    return fail(Code::internal, "not asked for here");
  }
  Result<BlobRef> put_bytes(BytesView, const std::atomic<bool>*) override {
    return fail(Code::internal, "not asked for here");
  }
  Result<BlobRef> put_file(const fs::path&, const std::atomic<bool>*) override {
    return fail(Code::internal, "not asked for here");
  }
  std::uint64_t bandwidth_bytes_per_s() const override { return 0; }
  void set_endpoint(const std::string&) override {}

  Bytes content = Bytes(9 * 1024 * 1024, 7);
};

}  // namespace

TEST_CASE("files: a large result has the mode of any other new file, and nothing else is left") {
  Folder folder;
  LargeBlobClient client;
  const BlobRef blob{hash_bytes(client.content), client.content.size(), {}};
  REQUIRE(fetch_to_file(client, blob, folder.path / "large.bin", nullptr));
  REQUIRE(write_file(folder.path / "small.bin", bytes_of("x")));
  CHECK(fs::file_size(folder.path / "large.bin") == client.content.size());
  CHECK(fs::status(folder.path / "large.bin").permissions() ==
        fs::status(folder.path / "small.bin").permissions());
  CHECK(entry_count(folder.path) == 2);
}

TEST_CASE("files: what can not take its name leaves nothing behind") {
  Folder folder;
  fs::create_directories(folder.path / "taken/by/folders");
  CHECK_FALSE(write_file(folder.path / "taken", bytes_of("x")));
  CHECK(entry_count(folder.path) == 1);
}

TEST_CASE("files: are written whole, with their folders, and nothing else is left") {
  Folder folder;
  REQUIRE(write_file(folder.path / "a/b/c.bin", bytes_of("first")));
  REQUIRE(write_file(folder.path / "a/b/c.bin", bytes_of("second")));
  CHECK(content_of(folder.path / "a/b/c.bin") == "second");
  CHECK(entry_count(folder.path / "a/b") == 1);
}

TEST_CASE("files: a destination that can not be written is an error that names it") {
  Folder folder;
  REQUIRE(write_file(folder.path / "file", bytes_of("x")));
  const Status status = write_file(folder.path / "file/below.bin", bytes_of("x"));
  REQUIRE_FALSE(status);
  CHECK(status.error().code == Code::invalid_argument);
  CHECK(status.error().message.find((folder.path / "file").string()) != std::string::npos);
}
