// The data directory: lock, epoch, key, and what is left after an ephemeral broker.
#include "broker/shell/data_directory.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/libmsg/blob/scratch_directory.h"

namespace framebus::broker {
namespace {

using test::ScratchDirectory;

TEST_CASE("data directory: the epoch grows with each start and the key stays") {
  const ScratchDirectory scratch;
  const std::string path = scratch / "broker";
  Bytes key;
  for (std::uint64_t start = 1; start <= 3; ++start) {
    const auto data = DataDirectory::open(path, false);
    REQUIRE_MESSAGE(data, (data ? "" : data.error().message));
    CHECK(data->epoch() == start);
    CHECK(data->token_key().size() == 16);
    if (start > 1) CHECK(data->token_key() == key);
    key = data->token_key();
  }
  struct stat found {};
  REQUIRE(::stat((path + "/token.key").c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
  REQUIRE(::stat(path.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0700);
}

TEST_CASE("data directory: a second broker on it is refused while the first lives") {
  const ScratchDirectory scratch;
  {
    const auto first = DataDirectory::open(scratch / "broker", false);
    REQUIRE(first);
    const auto second = DataDirectory::open(scratch / "broker", false);
    REQUIRE_FALSE(second);
    CHECK(second.error().code == Code::failed_precondition);
    CHECK(second.error().message.find("--data") != std::string::npos);
    CHECK(second.error().message.find("(process " + std::to_string(::getpid()) + ")") !=
          std::string::npos);
  }
  CHECK(DataDirectory::open(scratch / "broker", false).value().epoch() == 2);
}

TEST_CASE("data directory: one that can not be written to is refused with what to do") {
  if (!std::filesystem::exists("/sys/kernel")) {  // a chroot, say, where it would be any directory
    MESSAGE("skipped: /sys is not mounted here");
    return;
  }
  const auto data = DataDirectory::open("/sys/framebus-test", false);  // not even root's to write
  REQUIRE_FALSE(data);
  CHECK(data.error().code == Code::permission_denied);
  CHECK(data.error().message.starts_with("data: "));
  CHECK(data.error().message.find("read-only") != std::string::npos);
  CHECK(data.error().message.find("--data DIR") != std::string::npos);
}

TEST_CASE("data directory: a missing epoch beside a journal is data_loss, not a first start") {
  const ScratchDirectory scratch;
  const std::string path = scratch / "broker";
  REQUIRE(DataDirectory::open(path, false));
  REQUIRE(std::filesystem::remove(path + "/epoch"));
  CHECK(DataDirectory::open(path, false).value().epoch() == 1);
  REQUIRE(std::filesystem::create_directory(path + "/journal"));
  REQUIRE(std::filesystem::remove(path + "/epoch"));
  const auto data = DataDirectory::open(path, false);
  REQUIRE_FALSE(data);
  CHECK(data.error().code == Code::data_loss);
  CHECK(data.error().message.find("epoch is missing") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(path + "/epoch"));
}

TEST_CASE("data directory: an ephemeral broker makes a key of its own and leaves the lasting one") {
  const ScratchDirectory scratch;
  const std::string path = scratch / "broker";
  const Bytes lasting = DataDirectory::open(path, false).value().token_key();
  const Bytes first = DataDirectory::open(path, true).value().token_key();
  const Bytes second = DataDirectory::open(path, true).value().token_key();
  CHECK(first.size() == 16);
  CHECK(first != lasting);
  CHECK(first != second);
  CHECK(DataDirectory::open(path, false).value().token_key() == lasting);
}

TEST_CASE("data directory: one that every user may write to is refused") {
  const ScratchDirectory scratch;
  const std::string path = scratch / "open";
  REQUIRE(::mkdir(path.c_str(), 0700) == 0);
  REQUIRE(::chmod(path.c_str(), 01777) == 0);
  const auto data = DataDirectory::open(path, false);
  REQUIRE_FALSE(data);
  CHECK(data.error().code == Code::permission_denied);
  CHECK(data.error().message.find("chmod 700") != std::string::npos);
  REQUIRE(::chmod(path.c_str(), 0770) == 0);
  CHECK(DataDirectory::open(path, false));
}

TEST_CASE("data directory: a damaged epoch or key is data_loss, not a fresh start") {
  const ScratchDirectory scratch;
  const std::string path = scratch / "broker";
  REQUIRE(DataDirectory::open(path, false));
  SUBCASE("epoch") {
    for (const char* text : {"", "x\n", "12", "12 \n", "-1\n", "99999999999999999999999\n"}) {
      CAPTURE(text);
      std::ofstream(path + "/epoch", std::ios::trunc) << text;
      CHECK(DataDirectory::open(path, false).error().code == Code::data_loss);
    }
  }
  SUBCASE("key") {
    std::ofstream(path + "/token.key", std::ios::trunc) << "short";
    CHECK(DataDirectory::open(path, false).error().code == Code::data_loss);
  }
}

TEST_CASE(
    "data directory: what an ephemeral broker kept is gone at the next start, the rest is not") {
  const ScratchDirectory scratch;
  const std::string path = scratch / "broker";
  {
    const auto lasting = DataDirectory::open(path, false);
    REQUIRE(lasting);
    std::filesystem::create_directory(lasting->blobs());
  }
  const auto ephemeral = DataDirectory::open(path, true);
  REQUIRE(ephemeral);
  CHECK_FALSE(std::filesystem::exists(ephemeral->blobs()));
  CHECK(std::filesystem::exists(path + "/blobs"));
}

TEST_CASE(
    "data directory: without a path an ephemeral broker gets a temporary one and removes it") {
  std::filesystem::path path;
  {
    const auto data = DataDirectory::open("", true);
    REQUIRE(data);
    path = data->path();
    CHECK(std::filesystem::exists(path / "lock"));
    CHECK(data->epoch() > 1'000'000'000);  // from the clock: later starts are later epochs
  }
  CHECK_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace framebus::broker
