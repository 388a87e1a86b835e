// The broker's configuration: rows, relations, addresses that may be bound.
#include "broker/shell/config.h"

#include <doctest/doctest.h>

#include "broker/shell/local_address.h"

namespace framebus::broker {
namespace {

Result<ConfigOutcome> load(std::vector<const char*> arguments, BrokerConfig& config) {
  arguments.insert(arguments.begin(), "framebus-broker");
  const char* const no_environment[] = {nullptr};
  return load_config(broker_config_table(), static_cast<int>(arguments.size()), arguments.data(),
                     no_environment, config);
}

TEST_CASE("broker config: the defaults are valid and agree with the core's own") {
  const BrokerConfig config;
  const Options found = core_options(config).value();
  const Options wanted;
  CHECK(found.lease == wanted.lease);
  CHECK(found.suspect_after == wanted.suspect_after);
  CHECK(found.default_strategy == wanted.default_strategy);
  CHECK(found.load_weights.cpu == wanted.load_weights.cpu);
  CHECK(found.load_weights.latency == wanted.load_weights.latency);
  CHECK(found.load_weights.bandwidth == wanted.load_weights.bandwidth);
  CHECK(found.queued_spec_bytes_max == wanted.queued_spec_bytes_max);
  CHECK(found.outcome_bytes_max == wanted.outcome_bytes_max);
  CHECK(found.max_attempts_default == wanted.max_attempts_default);
  CHECK(found.archive_after == wanted.archive_after);
  CHECK(found.finished_jobs_kept == wanted.finished_jobs_kept);
  CHECK(found.archived_job_kept == wanted.archived_job_kept);
  CHECK(found.upload_kept == wanted.upload_kept);
  CHECK(found.submit_ids_kept == wanted.submit_ids_kept);
  CHECK(found.command_deadline == wanted.command_deadline);
}

TEST_CASE("broker config: the archive is on unless it is declined or the broker is ephemeral") {
  BrokerConfig config;
  CHECK(core_options(config)->archive);
  config.ephemeral = true;
  CHECK_FALSE(core_options(config)->archive);
  config.ephemeral = false;
  REQUIRE(load({"--no-archive"}, config));
  CHECK_FALSE(core_options(config)->archive);
}

TEST_CASE("broker config: what is kept has bounds and units") {
  BrokerConfig config;
  REQUIRE(
      load({"--disk-reserve", "1GiB", "--journal-segment", "8MiB", "--upload-kept", "1m"}, config));
  CHECK(config.disk_reserve.bytes == limits::GiB);
  CHECK(config.journal_segment.bytes == 8 * limits::MiB);
  CHECK(core_options(config)->upload_kept == seconds(60));
  CHECK(load({"--journal-segment", "4KiB"}, config).error().message.find("journal-segment") !=
        std::string::npos);
  CHECK(load({"--blob-pin", "10m"}, config).error().code == Code::invalid_argument);
  CHECK(load({"--disk-reserve", "-1"}, config).error().code == Code::invalid_argument);
}

TEST_CASE("broker config: flags reach the core's options") {
  BrokerConfig config;
  REQUIRE(load({"--lease", "4s", "--heartbeat", "500ms", "--strategy", "roundrobin", "--limits",
                "nuke=4", "--limits", "disk=1", "--weight-gpu", "0.7", "--ephemeral"},
               config));
  const Options options = core_options(config).value();
  CHECK(options.lease == seconds(4));
  CHECK(options.heartbeat == milliseconds(500));
  CHECK(options.default_strategy == Strategy::roundrobin);
  CHECK(options.load_weights.gpu == 700);
  REQUIRE(options.named_limits.size() == 2);
  CHECK(options.named_limits[0] == NamedLimit{"nuke", 4});
  CHECK(config.ephemeral);
}

TEST_CASE("broker config: values that do not fit together are refused with both") {
  BrokerConfig config;
  config.lease = seconds(1);
  CHECK(core_options(config).error().code == Code::invalid_argument);
  config = {};
  config.suspect_after = seconds(16);
  CHECK(core_options(config).error().message.find("suspect-after") != std::string::npos);
  config = {};
  config.limits = {"nuke_licences"};
  CHECK(core_options(config).error().message.find("NAME=AMOUNT") != std::string::npos);
  config.limits = {"nuke=-1"};
  CHECK_FALSE(core_options(config));
}

TEST_CASE("broker config: an unknown strategy and an unknown flag are refused") {
  BrokerConfig config;
  CHECK(load({"--strategy", "fastest"}, config).error().code == Code::invalid_argument);
  CHECK(load({"--leese", "4s"}, config).error().message.find("lease") != std::string::npos);
}

TEST_CASE("local address: loopback and ipc may be bound without keys, nothing else") {
  for (const char* url : {"tcp://127.0.0.1:7750", "tcp://127.3.2.1:0", "tcp://[::1]:7750",
                          "tcp://localhost:7750", "ipc:///tmp/x", "inproc://x"}) {
    CAPTURE(url);
    CHECK(check_is_local("primary-endpoint", url));
  }
  for (const char* url :
       {"tcp://*:7750", "tcp://0.0.0.0:7750", "tcp://192.168.1.5:7750", "tcp://[::]:7750",
        "tcp://head:7750", "tcp://127.0.0.1.example.org:7750", "tcp://eth0:7750"}) {
    CAPTURE(url);
    const Status refused = check_is_local("primary-endpoint", url);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::permission_denied);
    CHECK(refused.error().message.find("primary-endpoint") == 0);
  }
}

}  // namespace
}  // namespace framebus::broker
