// A data directory that a broker can not or must not use: damaged, of another version, read-only,
// in use. Each is refused with an exit code and a sentence that says what to do; nothing is deleted.
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
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void overwrite(const std::filesystem::path& path, std::size_t offset, const std::string& bytes) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(offset));
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  REQUIRE(file.good());
}

// Sizes and contents of everything in the journal's directory.
std::map<std::string, std::string> journal_files(const Farm& farm) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(farm.broker_data() / "journal"))
    files[entry.path().filename().string()] = read_whole(entry.path());
  return files;
}

std::filesystem::path live_segment(const Farm& farm) {
  std::filesystem::path newest;
  for (const auto& [name, content] : journal_files(farm))
    if (name.rfind("segment-", 0) == 0) newest = farm.broker_data() / "journal" / name;
  REQUIRE_FALSE(newest.empty());
  return newest;
}

int exit_code_of_start(Farm& farm, std::string& errors, const Words& flags = {}) {
  Words arguments = {"--data",          farm.broker_data(),  "--primary-endpoint",
                     "tcp://127.0.0.1:0", "--worker-endpoint", "tcp://127.0.0.1:0",
                     "--bulk-endpoint", "tcp://127.0.0.1:0"};
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
  CHECK((verify.output() + verify.errors()).find(segment.filename().string()) !=
        std::string::npos);
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
  const Bytes head(content.begin(),
                   content.begin() + broker::journal::file_header_bytes);
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

TEST_CASE("read-only directory: refused with 78 and its name") {
  if (std::system("unshare -m true 2>/dev/null") != 0) {
    MESSAGE("skipped: a private mount namespace needs rights that are missing here");
    return;
  }
  Farm farm;
  const std::string place = farm.path("frozen").string();
  std::filesystem::create_directories(place);
  const std::string script = "mount -t tmpfs -o ro tmpfs '" + place + "' && exec '" +
                             std::string(FRAMEBUS_BIN_DIR) + "/framebus-broker' --data '" + place +
                             "' --primary-endpoint tcp://127.0.0.1:0 --worker-endpoint "
                             "tcp://127.0.0.1:0 --bulk-endpoint tcp://127.0.0.1:0";
  ChildProcess::Start start;
  start.program = "/usr/bin/unshare";
  start.arguments = {"-m", "/bin/sh", "-c", script};
  start.environment = testing::sanitizer_variables();
  start.environment.push_back("PATH=/usr/bin:/bin:/usr/sbin:/sbin");
  start.log_stem = farm.path("frozen-log");
  ChildProcess broker(std::move(start));
  CHECK(broker.wait_exit(seconds(10)) == 78);
  CAPTURE(broker.errors());
  CHECK(broker.errors().find("frozen") != std::string::npos);
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
