// The logs of attempts on disk: offsets, bounds, restarts, and what is given up.
#include "broker/shell/log_store.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>
#include <sstream>

#include "tests/libmsg/blob/scratch_directory.h"

namespace framebus::broker {
namespace {

using framebus::test::ScratchDirectory;

constexpr LogName first{{JobId{7}, 3}, 2, 11};

LogStore open_in(const ScratchDirectory& directory, LogStoreOptions options = {}) {
  options.directory = directory / "logs";
  auto store = LogStore::open(options);
  REQUIRE(store);
  store->add_up();
  return std::move(*store);
}

// Bytes that tell their own offset.
Bytes numbered(std::uint64_t offset, std::size_t count) {
  Bytes bytes(count);
  for (std::size_t i = 0; i < count; ++i) {
    bytes[i] = static_cast<std::uint8_t>((offset + i) * 131 >> 3);
  }
  return bytes;
}

void write(LogStore& store, const LogName& name, std::uint64_t offset, std::size_t count) {
  REQUIRE(store.append(name, offset, numbered(offset, count)));
}

// Reads from `offset` to the end; every piece holds what its offset says. How many bytes there
// were, and where the jumps led to.
std::pair<std::uint64_t, std::vector<std::uint64_t>> read_all(LogStore& store, const LogName& name,
                                                              std::size_t step = 1000) {
  std::uint64_t offset = 0, bytes = 0;
  std::vector<std::uint64_t> jumps;
  for (;;) {
    const auto piece = store.read(name, offset, step);
    REQUIRE(piece);
    if (piece->bytes.empty()) {
      CHECK(offset == piece->size);
      return {bytes, jumps};
    }
    if (piece->offset != offset) jumps.push_back(piece->offset);
    CHECK(piece->bytes == numbered(piece->offset, piece->bytes.size()));
    offset = piece->offset + piece->bytes.size();
    bytes += piece->bytes.size();
  }
}

std::string text_of_file(const std::filesystem::path& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

TEST_CASE("log store: what was appended is a plain private file, and reads back in pieces") {
  const ScratchDirectory directory;
  LogStore store = open_in(directory);
  REQUIRE(store.append(first, 0, bytes_of("hello ")));
  REQUIRE(store.append(first, 6, bytes_of("world\n")));
  const auto path = directory / "logs" / "7" / "3.2-11.log";
  CHECK(text_of_file(path) == "hello world\n");
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
  const auto piece = store.read(first, 4, 4).value();
  CHECK(piece.offset == 4);
  CHECK(text_of(piece.bytes) == "o wo");
  CHECK(piece.size == 12);
  CHECK(store.read(first, 12, 4).value().bytes.empty());
  CHECK(store.read({{JobId{7}, 4}, 2, 11}, 0, 4).value().size == 0);
}

TEST_CASE("log store: repeats change nothing, also when they reach beyond what is there") {
  const ScratchDirectory directory;
  LogStore store = open_in(directory);
  write(store, first, 0, 100);
  write(store, first, 0, 100);
  write(store, first, 40, 20);
  write(store, first, 50, 100);
  CHECK(read_all(store, first, 7) == std::pair<std::uint64_t, std::vector<std::uint64_t>>{150, {}});
}

TEST_CASE("log store: a gap is told by the offset of the next piece") {
  const ScratchDirectory directory;
  LogStore store = open_in(directory);
  write(store, first, 100, 50);
  write(store, first, 300, 10);
  write(store, first, 310, 10);
  const auto [bytes, jumps] = read_all(store, first);
  CHECK(bytes == 70);
  CHECK(jumps == std::vector<std::uint64_t>{100, 300});
}

TEST_CASE("log store: a log that is too long keeps its head and its tail") {
  const ScratchDirectory directory;
  LogStoreOptions options;
  options.attempt_bytes_max = 64 * 1024;
  LogStore store = open_in(directory, options);
  constexpr std::uint64_t written = 500 * 997;
  for (std::uint64_t offset = 0; offset < written; offset += 997) write(store, first, offset, 997);
  const auto [bytes, jumps] = read_all(store, first);
  CHECK(bytes <= 64 * 1024);
  CHECK(bytes > 32 * 1024 + 27 * 1024);  // the tail goes an eighth of it at a time
  REQUIRE(jumps.size() == 1);
  CHECK(jumps[0] > written - 33 * 1024);
  CHECK(store.read(first, 0, 100'000).value().bytes == numbered(0, 32 * 1024));
  CHECK(store.read(first, written - 10, 100).value().bytes == numbered(written - 10, 10));
  CHECK(store.counters().bytes <= 64 * 1024 + 9 * 4096);
}

TEST_CASE("log store: after a restart logs are read and go on where they were") {
  const ScratchDirectory directory;
  LogStoreOptions options;
  options.attempt_bytes_max = 64 * 1024;
  const LogName other{{JobId{8}, 0}, 2, 12};
  std::uint64_t bytes_before = 0;
  {
    LogStore store = open_in(directory, options);
    for (std::uint64_t at = 0; at < 200'000; at += 1000) write(store, first, at, 1000);
    write(store, other, 50, 10);
    bytes_before = store.counters().bytes;
  }
  LogStore store = open_in(directory, options);
  CHECK(store.counters().bytes == bytes_before);
  CHECK(store.read(first, 0, 10).value().size == 200'000);
  for (std::uint64_t at = 199'000; at < 300'000; at += 1000) write(store, first, at, 1000);
  const auto [bytes, jumps] = read_all(store, first);
  CHECK(bytes > 59 * 1024);
  CHECK(jumps.size() == 1);
  CHECK(read_all(store, other).second == std::vector<std::uint64_t>{50});
}

TEST_CASE("log store: however many gaps an attempt makes, it has few files") {
  const ScratchDirectory directory;
  LogStore store = open_in(directory);
  for (std::uint64_t i = 0; i < 1000; ++i) write(store, first, i * 100, 10);
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory / "logs")) {
    files += entry.is_regular_file();
  }
  CHECK(files <= 64);
  CHECK(read_all(store, first).first == files * 10);
  CHECK(store.read(first, 0, 10).value().offset == 0);
  CHECK(store.read(first, 99'900, 100).value().bytes == numbered(99'900, 10));
}

TEST_CASE("log store: few descriptors serve many attempts, in any order") {
  const ScratchDirectory directory;
  LogStoreOptions options;
  options.open_files_max = 3;
  LogStore store = open_in(directory, options);
  for (std::uint64_t round = 0; round < 5; ++round) {
    for (std::uint32_t index = 0; index < 20; ++index) {
      write(store, {{JobId{1}, index}, 1, index + 1}, round * 10, 10);
    }
  }
  for (std::uint32_t index = 0; index < 20; ++index) {
    CHECK(read_all(store, {{JobId{1}, index}, 1, index + 1}).first == 50);
  }
}

TEST_CASE(
    "log store: beyond the total bound the oldest job's logs go, and one job alone is refused") {
  const ScratchDirectory directory;
  LogStoreOptions options;
  options.bytes_max = 10 * 4096;
  LogStore store = open_in(directory, options);
  for (std::uint64_t job = 1; job <= 3; ++job) {
    for (std::uint32_t index = 0; index < 3; ++index) {
      write(store, {{JobId{job}, index}, 1, job * 10 + index}, 0, 100);
    }
  }
  CHECK(store.counters().bytes == 9 * 4096);
  write(store, {{JobId{3}, 8}, 1, 90}, 0, 100);
  write(store, {{JobId{3}, 9}, 1, 91}, 0, 100);
  CHECK(store.counters().jobs_removed == 1);
  CHECK(store.read({{JobId{1}, 0}, 1, 10}, 0, 10).value().size == 0);
  CHECK(store.read({{JobId{2}, 0}, 1, 20}, 0, 10).value().size == 100);
  Status last;
  for (std::uint32_t index = 20; index < 40 && last; ++index) {
    last = store.append({{JobId{3}, index}, 1, 100 + index}, 0, numbered(0, 100));
  }
  CHECK(last.error().code == Code::resource_exhausted);
  CHECK(store.counters().dropped_chunks == 1);
  CHECK(store.counters().bytes == 10 * 4096);
  while (store.clean()) {
  }
  std::size_t directories = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory / "logs")) {
    directories += entry.is_directory();
  }
  CHECK(directories == 1);
}

TEST_CASE(
    "log store: a removed job's logs are gone at once, its files later, and it may write again") {
  const ScratchDirectory directory;
  {
    LogStore store = open_in(directory);
    for (std::uint32_t index = 0; index < 600; ++index)
      write(store, {{JobId{7}, index}, 1, 1}, 5, 9);
    REQUIRE(store.remove(JobId{7}));
    CHECK(store.counters().bytes == 0);
    CHECK(store.read({{JobId{7}, 1}, 1, 1}, 0, 10).value().size == 0);
    write(store, {{JobId{7}, 1}, 1, 1}, 20, 5);
    REQUIRE(store.remove(JobId{7}));
    REQUIRE(store.remove(JobId{7}));  // nothing is there
    write(store, {{JobId{7}, 1}, 1, 1}, 30, 5);
    CHECK(store.clean());
  }
  LogStore store = open_in(directory);  // goes on after a restart
  int steps = 0;
  while (store.clean()) ++steps;
  CHECK(steps >= 1);
  CHECK(store.read({{JobId{7}, 1}, 1, 1}, 0, 10).value().size == 35);
  CHECK(store.counters().bytes == 4096);
}

// A disk whose free space a test says.
LogStore open_on_disk(const ScratchDirectory& directory, std::uint64_t& free_bytes) {
  LogStoreOptions options;
  options.kept_free_bytes = 10'000;
  options.free_bytes = [&free_bytes] { return std::optional(free_bytes); };
  return open_in(directory, options);
}

TEST_CASE("log store: into the disk's reserve nothing is written, and that is counted") {
  const ScratchDirectory directory;
  std::uint64_t free_bytes = 10'100;
  LogStore store = open_on_disk(directory, free_bytes);
  write(store, first, 0, 100);
  free_bytes = 10'099;
  CHECK(store.append(first, 100, numbered(100, 100)).error().code == Code::resource_exhausted);
  CHECK(store.counters().dropped_chunks == 1);
  CHECK(store.counters().dropped_for_reserve_bytes == 100);
  CHECK(store.counters().appended_bytes == 100);
}

TEST_CASE("log store: what the reserve cost is a gap at the end of the log, after a restart too") {
  const ScratchDirectory directory;
  std::uint64_t free_bytes = 20'000;
  const LogName nothing_kept{{JobId{7}, 4}, 2, 12};
  {
    LogStore store = open_on_disk(directory, free_bytes);
    write(store, first, 0, 100);
    free_bytes = 0;
    for (std::uint64_t offset = 100; offset < 500; offset += 100)
      CHECK_FALSE(store.append(first, offset, numbered(offset, 100)));
    CHECK_FALSE(store.append(nothing_kept, 0, numbered(0, 70)));
    CHECK(store.read(first, 100, 10).value().offset == 500);
  }
  LogStore store = open_on_disk(directory, free_bytes);
  CHECK(store.read(first, 0, 10).value().size == 500);
  const auto behind = store.read(first, 100, 10);
  CHECK(behind->bytes.empty());
  CHECK(behind->offset == 500);
  CHECK(store.read(nothing_kept, 0, 10).value().offset == 70);
  CHECK(text_of_file(directory / "logs/7/3.2-11.parts/dropped") ==
        "500 bytes were written; the last of them were dropped: disk-reserve\n");
  // With room again the log goes on behind the gap.
  free_bytes = 20'000;
  write(store, first, 500, 50);
  CHECK(read_all(store, first) == std::pair{std::uint64_t{150}, std::vector<std::uint64_t>{500}});
}

TEST_CASE("log store: an offset that no attempt could have reached is refused") {
  const ScratchDirectory directory;
  LogStore store = open_in(directory);
  CHECK(store.append(first, UINT64_MAX - 1, numbered(0, 10)).error().code ==
        Code::invalid_argument);
  CHECK(store.append(first, INT64_MAX, numbered(0, 10)).error().code == Code::invalid_argument);
  write(store, first, 1'000'000'000'000, 10);
  CHECK(store.read(first, 0, 100).value().offset == 1'000'000'000'000);
  CHECK(store.counters().dropped_chunks == 2);
}

TEST_CASE("log store: a file in the way is an error and a counted drop, nothing more") {
  const ScratchDirectory directory;
  LogStore store = open_in(directory);
  std::ofstream(directory / "logs" / "7") << "not a directory";
  CHECK_FALSE(store.append(first, 0, numbered(0, 10)));
  CHECK(store.counters().dropped_chunks == 1);
  write(store, {{JobId{8}, 0}, 1, 1}, 0, 10);
}

}  // namespace
}  // namespace framebus::broker
