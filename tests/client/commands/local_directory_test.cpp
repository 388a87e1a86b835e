// What `framebus local` leaves behind when it is killed, and who tidies up.
#include "client/commands/local_directory.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

using namespace framebus;
using namespace framebus::client;
namespace fs = std::filesystem;

namespace {

struct Base {
  fs::path path;
  Base() {
    char name[] = "/tmp/framebus-base-XXXXXX";
    REQUIRE(mkdtemp(name) != nullptr);
    path = name;
  }
  ~Base() { fs::remove_all(path); }
};

// A process that makes a directory and is killed in it.
void make_and_die(const fs::path& base, bool keep) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const auto made = LocalDirectory::make(base, keep);
    if (made) std::ofstream((*made)->path() / "frames") << "half";
    raise(SIGKILL);
  }
  int status = 0;
  waitpid(child, &status, 0);
  REQUIRE(WIFSIGNALED(status));
}

std::size_t count_in(const fs::path& base) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(base), {}));
}

}  // namespace

TEST_CASE("local directory: it goes with its owner") {
  const Base base;
  {
    const auto made = LocalDirectory::make(base.path, false);
    REQUIRE(made);
    CHECK(fs::exists((*made)->path()));
    CHECK(LocalDirectory::remove_abandoned(base.path) == 0);
    CHECK(fs::exists((*made)->path()));
  }
  CHECK(count_in(base.path) == 0);
}

TEST_CASE("local directory: that of a killed process is removed at the next start") {
  const Base base;
  make_and_die(base.path, false);
  CHECK(count_in(base.path) == 1);
  CHECK(LocalDirectory::remove_abandoned(base.path) == 1);
  CHECK(count_in(base.path) == 0);
}

TEST_CASE("local directory: one that is kept stays, also after a kill") {
  const Base base;
  make_and_die(base.path, true);
  { const auto made = LocalDirectory::make(base.path, true); }
  CHECK(LocalDirectory::remove_abandoned(base.path) == 0);
  CHECK(count_in(base.path) == 2);
}

TEST_CASE("local directory: what is not one of ours is left alone") {
  const Base base;
  fs::create_directory(base.path / "framebus-local-abcdef");  // no owner file
  fs::create_directory(base.path / "other");
  std::ofstream(base.path / "other" / "owner") << "";
  fs::create_directory_symlink(base.path / "other", base.path / "framebus-local-linked");
  CHECK(LocalDirectory::remove_abandoned(base.path) == 0);
  CHECK(count_in(base.path) == 3);
  CHECK(LocalDirectory::make(base.path / "missing", false).error().code == Code::unavailable);
}
