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

}  // namespace

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
