// A data directory that a broker can not or must not use: damaged, of another version, read-only,
// in use. Each is refused with an exit code and a sentence that says what to do; nothing is
// deleted.
#include <doctest/doctest.h>
#include <signal.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>

#include "broker/store/journal/format.h"
#include "tests/sanitized.h"
#include "tests/system/farm.h"
#include "tests/system/job_texts.h"

namespace framebus::test {
namespace {

std::string read_whole(const std::filesystem::path& path) {
  // In one piece: a segment has 64 MiB, and byte by byte that takes minutes under ThreadSanitizer.
  std::ifstream file(path, std::ios::binary);
  std::string text(std::filesystem::file_size(path), '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  REQUIRE(file.good());
  return text;
}

void overwrite(const std::filesystem::path& path, std::size_t offset, const std::string& bytes) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(offset));
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  REQUIRE(file.good());
}

using Files = std::map<std::string, std::string>;  // name -> content

Files journal_files(const Farm& farm) {
  Files files;
  for (const auto& entry : std::filesystem::directory_iterator(farm.broker_data() / "journal"))
    files[entry.path().filename().string()] = read_whole(entry.path());
  return files;
}

// Everything in the data directory but the lock, which names the last process.
Files all_files(const Farm& farm) {
  Files files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(farm.broker_data()))
    if (entry.is_regular_file() && entry.path().filename() != "lock")
      files[entry.path().lexically_relative(farm.broker_data()).string()] =
          read_whole(entry.path());
  return files;
}

// The epoch counts every start, also one that is refused because of a file that is read after it.
Files all_but_epoch(const Farm& farm) {
  Files files = all_files(farm);
  CHECK(files.erase("epoch") == 1);
  return files;
}

bool says(const std::string& errors, std::initializer_list<std::string> parts) {
  for (const std::string& part : parts) {
    if (errors.find(part) != std::string::npos) continue;
    MESSAGE("missing: " << part);
    return false;
  }
  return true;
}

std::filesystem::path live_segment(const Farm& farm) {
  std::filesystem::path newest;
  for (const auto& [name, content] : journal_files(farm))
    if (name.rfind("segment-", 0) == 0) newest = farm.broker_data() / "journal" / name;
  REQUIRE_FALSE(newest.empty());
  return newest;
}

int exit_code_of_start(Farm& farm, std::string& errors, const Words& flags = {}) {
  Words arguments = {"--data",
                     farm.broker_data(),
                     "--primary-endpoint",
                     "tcp://127.0.0.1:0",
                     "--worker-endpoint",
                     "tcp://127.0.0.1:0",
                     "--bulk-endpoint",
                     "tcp://127.0.0.1:0"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  ChildProcess& broker = farm.start("framebus-broker", arguments);
  const auto code = broker.wait_exit(seconds(10));
  errors = broker.errors();
  return code.value_or(-1);
}

void make_history(Farm& farm) {
  farm.worker({"--slots", "2"});
  farm.wait_for_workers(1);
  farm.wait_for_state(farm.submit(echo_job(20)), "succeeded");
  farm.submit(sleep_job(1, seconds(600)));
  CHECK(farm.stop_broker() == 0);
}

// With a job in archive.db, which lies there alone: the broker has closed it.
void make_archive(Farm& farm) {
  farm.worker();
  farm.wait_for_workers(1);
  farm.wait_for_state(farm.submit(echo_job(20)), "succeeded");
  farm.wait_for({"jobs", "--archived"},
                [](const Json& reply) { return reply.at("jobs").size() == 1; });
  CHECK(farm.stop_broker() == 0);
  REQUIRE(all_files(farm).contains("archive.db"));
  REQUIRE_FALSE(all_files(farm).contains("archive.db-wal"));
}

const Words archives_at_once = {"--archive-after", "0s"};

TEST_CASE("damaged journal: refused with 65, place and remedy named, nothing touched") {
  Farm farm({"--journal-segment", "4MiB"}, Farm::Sockets::tcp, Farm::Keeps::journal);
  make_history(farm);
  const auto segment = live_segment(farm);
  const std::string content = read_whole(segment);
  const std::size_t at = content.find("hello");  // parameters of an acknowledged job
  REQUIRE(at != std::string::npos);
  overwrite(segment, at, "jello");
  const auto before = journal_files(farm);
  std::string errors;
  CHECK(exit_code_of_start(farm, errors) == 65);
  CAPTURE(errors);
  CHECK(errors.find(segment.filename().string()) != std::string::npos);
  CHECK(errors.find("journal verify") != std::string::npos);
  CHECK(errors.find("journal repair") != std::string::npos);
  CHECK(journal_files(farm) == before);
  ChildProcess& verify =
      farm.start("framebus-broker", {"journal", "verify", "--data", farm.broker_data()});
  CHECK(verify.wait_exit(seconds(10)) == 65);
  CHECK((verify.output() + verify.errors()).find(segment.filename().string()) != std::string::npos);
  CHECK(journal_files(farm) == before);
}

TEST_CASE("torn tail: what was never acknowledged is cut off and counted, the broker starts") {
  Farm farm({"--journal-segment", "4MiB"}, Farm::Sockets::tcp, Farm::Keeps::journal);
  make_history(farm);
  const auto segment = live_segment(farm);
  const std::string content = read_whole(segment);
  std::size_t end = content.find_last_not_of('\0') + 1;
  end = (end + 7) / 8 * 8;
  overwrite(segment, end, "\xf1JBb what was being written when the power went");
  farm.start_broker({"--journal-segment", "4MiB"});
  CHECK(farm.json({"jobs"}).at("jobs").size() == 2);
  farm.wait_for_workers(1);
  farm.wait_for_state(farm.submit(echo_job(2)), "succeeded");
}

TEST_CASE("journal of another version: refused with 78 and a sentence, nothing touched") {
  Farm farm({"--journal-segment", "4MiB"}, Farm::Sockets::tcp, Farm::Keeps::journal);
  make_history(farm);
  const auto segment = live_segment(farm);
  const std::string content = read_whole(segment);
  const Bytes head(content.begin(), content.begin() + broker::journal::file_header_bytes);
  auto header = broker::journal::decode_file_header(head);
  REQUIRE(header);
  header->version = broker::journal::format_version + 7;
  Bytes changed;
  broker::journal::append_file_header(*header, changed);
  overwrite(segment, 0, std::string(changed.begin(), changed.end()));
  const auto before = journal_files(farm);
  std::string errors;
  CHECK(exit_code_of_start(farm, errors) == 78);
  CAPTURE(errors);
  CHECK(errors.find("journal format") != std::string::npos);
  CHECK(errors.find(std::to_string(header->version)) != std::string::npos);
  CHECK(journal_files(farm) == before);
}

TEST_CASE("damaged archive: refused with 65, file and remedy named, nothing touched") {
  Farm farm(archives_at_once, Farm::Sockets::tcp, Farm::Keeps::journal);
  make_archive(farm);
  const auto archive = farm.broker_data() / "archive.db";
  SUBCASE("its head") {
    overwrite(archive, 0, "a picture of something");
  }
  SUBCASE("its list of tables") {
    overwrite(archive, 100, std::string(64, '\xff'));
  }
  const Files before = all_but_epoch(farm);
  std::string errors;
  CHECK(exit_code_of_start(farm, errors) == 65);
  CAPTURE(errors);
  CHECK(says(errors, {archive.string() + ":", "Nothing was changed", "from a copy",
                      archive.string() + "-wal", "aside: a new archive", ".recover"}));
  CHECK(all_but_epoch(farm) == before);
  // What the sentence says helps.
  std::filesystem::rename(archive, farm.path("aside.db"));
  farm.start_broker();
  farm.wait_for_workers(1);
  farm.wait_for_state(farm.submit(echo_job(2)), "succeeded");
}

TEST_CASE("archive of another schema: refused with 78 and a sentence, nothing touched") {
  Farm farm(archives_at_once, Farm::Sockets::tcp, Farm::Keeps::journal);
  make_archive(farm);
  const auto archive = farm.broker_data() / "archive.db";
  constexpr std::size_t user_version_at = 60, write_and_read_version_at = 18;
  std::string sentence;
  SUBCASE("newer") {
    overwrite(archive, user_version_at, std::string("\0\0\0\x63", 4));
    sentence = "has schema version 99";
  }
  SUBCASE("foreign") {  // and with a rollback journal, as most programs keep theirs
    overwrite(archive, user_version_at, std::string(4, '\0'));
    overwrite(archive, write_and_read_version_at, "\1\1");
    sentence = "no archive of framebus";
  }
  const Files before = all_but_epoch(farm);
  std::string errors;
  CHECK(exit_code_of_start(farm, errors) == 78);
  CAPTURE(errors);
  CHECK(says(errors, {archive.string(), sentence, "move", "Nothing was changed"}));
  CHECK(all_but_epoch(farm) == before);
}

TEST_CASE("damaged epoch: refused with 65, file and remedy named, nothing touched") {
  Farm farm({}, Farm::Sockets::tcp, Farm::Keeps::journal);
  CHECK(farm.stop_broker() == 0);
  const auto epoch = farm.broker_data() / "epoch";
  SUBCASE("no number") {
    std::ofstream(epoch) << "many\n";
  }
  SUBCASE("empty") {
    std::filesystem::resize_file(epoch, 0);
  }
  SUBCASE("missing beside a journal") {
    std::filesystem::remove(epoch);
  }
  const Files before = all_files(farm);
  std::string errors;
  CHECK(exit_code_of_start(farm, errors) == 65);
  CAPTURE(errors);
  CHECK(says(errors,
             {epoch.string(), "from a copy", "larger than any epoch", "Nothing was changed"}));
  CHECK(all_files(farm) == before);
  std::ofstream(epoch) << "1000\n";
  farm.start_broker();
  CHECK(farm.json({"status"}).at("epoch") == 1001);
}

TEST_CASE("damaged token key: refused with 65, file and remedy named, nothing touched") {
  Farm farm({}, Farm::Sockets::tcp, Farm::Keeps::journal);
  CHECK(farm.stop_broker() == 0);
  const auto key = farm.broker_data() / "token.key";
  std::filesystem::permissions(key, std::filesystem::perms::owner_write,
                               std::filesystem::perm_options::add);
  SUBCASE("too short") {
    std::filesystem::resize_file(key, 3);
  }
  SUBCASE("too long") {
    std::ofstream(key, std::ios::app) << "more";
  }
  const Files before = all_files(farm);
  std::string errors;
  CHECK(exit_code_of_start(farm, errors) == 65);
  CAPTURE(errors);
  CHECK(says(errors, {key.string(), "does not hold a key", "from a copy", "move it away",
                      "Nothing was changed"}));
  CHECK(all_files(farm) == before);
  std::filesystem::rename(key, farm.path("aside.key"));
  farm.start_broker();
  CHECK(farm.json({"status"}).at("epoch") == 2);  // the start that was refused did not count
}

bool may_mount() {
  if (std::system("unshare -m true 2>/dev/null") == 0) return true;
  MESSAGE("skipped: a private mount namespace needs rights that are missing here");
  return false;
}

// Runs a shell script in mounts of its own; $1: `place`, $2: the broker's data, $3 on: the broker
// on `place`. Returns its exit code.
int exit_code_of_script(Farm& farm, const std::string& script, const std::filesystem::path& place,
                        std::string& errors) {
  ChildProcess::Start start;
  start.program = "/usr/bin/unshare";
  start.arguments = {"-m",
                     "/bin/sh",
                     "-c",
                     script,
                     "sh",
                     place,
                     farm.broker_data(),
                     std::string(FRAMEBUS_BIN_DIR) + "/framebus-broker",
                     "--data",
                     place};
  for (const char* flag : {"--primary-endpoint", "--worker-endpoint", "--bulk-endpoint"}) {
    start.arguments.push_back(flag);
    start.arguments.push_back("tcp://127.0.0.1:0");
  }
  start.environment = testing::sanitizer_variables();
  start.environment.push_back("PATH=/usr/bin:/bin:/usr/sbin:/sbin");
  start.log_stem = farm.path("script-log");
  ChildProcess child(std::move(start));
  const int code = child.wait_exit(seconds(40)).value_or(-1);
  errors = child.errors();
  return code;
}

TEST_CASE("read-only directory: refused with 78, its name and the remedy, nothing touched") {
  if (!may_mount()) return;
  Farm farm({}, Farm::Sockets::tcp, Farm::Keeps::journal);
  make_history(farm);
  const Files before = all_files(farm);
  const auto place = farm.path("frozen");
  std::filesystem::create_directories(place);
  std::string script;
  SUBCASE("empty") {
    script = "mount -t tmpfs -o ro,mode=700 tmpfs \"$1\" && shift 2 && exec \"$@\"";
  }
  SUBCASE("in use for long") {
    script =
        "mount --bind \"$2\" \"$1\" && mount -o remount,bind,ro \"$1\" && shift 2 && "
        "exec \"$@\"";
  }
  std::string errors;
  CHECK(exit_code_of_script(farm, script, place, errors) == 78);
  CAPTURE(errors);
  CHECK(says(errors, {place.string(), "must be able to write to " + place.string(), "read-only",
                      "Give it another directory with --data DIR"}));
  CHECK(all_files(farm) == before);
}

// Copies a used directory to a small disk, fills that, starts the broker; then makes room and
// starts it again.
constexpr const char* start_on_a_full_disk = R"sh(
place=$1 && mount -t tmpfs -o mode=700,size=48m tmpfs "$place" && cp -a "$2/." "$place" || exit 90
shift 2
cd "$place" || exit 91
dd if=/dev/zero of=filler bs=4096 2>/dev/null
files() { find . -type f ! -name lock -exec sha256sum {} + | sort; }
before=$(files)
"$@" >&2
code=$?
[ "$before" = "$(files)" ] || exit 92
rm filler
"$@" >&2 &
broker=$!
tries=0
while [ ! -f endpoints.json ] && [ $tries -lt 200 ]; do sleep 0.05; tries=$((tries + 1)); done
kill -TERM $broker
wait $broker || exit 93
exit $code
)sh";

TEST_CASE("full disk at the start: refused with 3, numbers and remedy, room heals it") {
  if (!may_mount()) return;
  Farm farm({"--journal-segment", "4MiB"}, Farm::Sockets::tcp, Farm::Keeps::journal);
  make_history(farm);
  const auto place = farm.path("small");
  std::filesystem::create_directories(place);
  std::string errors;
  CHECK(exit_code_of_script(farm, start_on_a_full_disk, place, errors) == 3);
  CAPTURE(errors);
  CHECK(says(errors, {"can not start for lack of space", "0 bytes are free in " + place.string(),
                      "Nothing was deleted", "free space on that disk",
                      "move the directory to a larger disk"}));
}

TEST_CASE("directory in use: refused with 78, the owner's process id named, the owner goes on") {
  Farm farm({}, Farm::Sockets::tcp, Farm::Keeps::journal);
  std::string errors;
  CHECK(exit_code_of_start(farm, errors) == 78);
  CAPTURE(errors);
  CHECK(errors.find(std::to_string(farm.broker().pid())) != std::string::npos);
  CHECK(farm.json({"status"}).at("epoch") == 1);
}

}  // namespace
}  // namespace framebus::test
